"""Put incidents into words: a message of one or several of a kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from alerts import texts
from alerts.channels import Message
from alerts.entries import Entry
from alerts.incidents import Incident
from config.stages import HISTORY, STAGES, run_name
from dashboard.texts import Language
from dashboard.texts.pipeline import STAGES as STAGE_NAMES
from dashboard.texts.reasons import KOREAN
from utils.reasons import SENTENCES, from_rows, join

LONGEST_REASON = 600
LONGEST_SUBJECT = 140
MOST_LINES = 50
MOST_COMMANDS = 5
DAGS = tuple(STAGES.values())


def by_kind(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return entries, which are in the order of their kinds, kind by kind."""
    return [list(group) for _, group in groupby(entries, lambda entry: entry.incident.kind)]


def of_entries(entries: Sequence[Entry], language: str) -> Message:
    """Return the message that incidents of one kind are there, or that they are over."""
    is_over, chosen = bool(entries[0].over_at), cast(Language, language)
    told = [f"* {line(entry.incident, chosen)}\n  {_when(entry, chosen)}" for entry in entries[:MOST_LINES]]
    if len(entries) > MOST_LINES:
        told.append(f"* + {len(entries) - MOST_LINES}")
    if not is_over:
        told += ["", texts.HELP.in_(chosen, help=_help(entries, chosen))]
    subject = (texts.SUBJECT_OVER if is_over else texts.SUBJECT).in_(chosen, line=_title(entries, chosen))
    return Message(_cut(subject, LONGEST_SUBJECT), "\n".join(told))


def line(incident: Incident, language: str) -> str:
    """Say an incident in one line. Of one that a later version has noted, at least what it is."""
    words, chosen = texts.KINDS[incident.kind], cast(Language, language)
    values = dict(incident.params)
    if "dag" in values:
        values["stage"] = stage_name(values["dag"], chosen)
    if "reasons" in values:
        values["reasons"] = _cut(_reasons(values["reasons"], chosen), LONGEST_REASON)
    try:
        return words.line.in_(chosen, **values)
    except KeyError:
        return words.title.in_(chosen)


def _reasons(stored: Sequence[Mapping[str, Any]], language: Language) -> str:
    """Put reasons into words. Where a later version has noted one that is unknown here, their codes are shown."""
    try:
        said = join(from_rows(stored), KOREAN if language == "ko" else SENTENCES)
    except (KeyError, ValueError, TypeError):
        said = "; ".join(str(each.get("code")) for each in stored)
    return said or texts.NO_REASON.in_(language)


def stage_name(dag_id: str, language: Language) -> str:
    """Return the name of a stage, or of another DAG its id.

    >>> stage_name("daily_trending_etf_analysis", "en"), stage_name("completeness_repoll", "en")
    ('3 Trending', 'completeness_repoll')
    """
    return STAGE_NAMES[DAGS.index(dag_id) + 1].in_(language) if dag_id in DAGS else dag_id


def commands(entries: Sequence[Entry]) -> list[str]:
    """Return what computes the runs of incidents again, each once: a session's stages together.

    Of more than MOST_COMMANDS the first ones, and how many there are beside them.
    """
    runs = [each.incident.params for each in entries if "dag" in each.incident.params]
    every = dict.fromkeys(_command(run["dag"], run["session"]) for run in runs)
    more = len(every) - MOST_COMMANDS
    return [*list(every)[:MOST_COMMANDS], *([f"+ {more}"] if more > 0 else [])]


def _command(dag_id: str, session: str) -> str:
    return "./start.sh history" if dag_id == HISTORY else f"./start.sh run {run_name(dag_id)} --as-of {session}"


def _title(entries: Sequence[Entry], language: Language) -> str:
    first, *more = entries
    if not more:
        return line(first.incident, language)
    title = texts.KINDS[first.incident.kind].title.in_(language)
    return texts.SEVERAL.in_(language, title=title, count=len(entries))


def _help(entries: Sequence[Entry], language: Language) -> str:
    """Say what to do, with the names of all that it is to be done to."""
    params = [entry.incident.params for entry in entries]
    services = dict.fromkeys(each["service"] for each in params if "service" in each)
    logs = ", ".join(f"./start.sh logs {service}" for service in services)
    values = {"commands": "; ".join(commands(entries)), "services": " ".join(services), "logs": logs}
    kind = entries[0].incident.kind
    if kind == "stage_late" and all(each.get("dag") == HISTORY for each in params):
        return texts.HISTORY_LATE.in_(language)
    return texts.KINDS[kind].help.in_(language, **values)


def _when(entry: Entry, language: Language) -> str:
    since = texts.SINCE.in_(language, since=_minute(entry.since))
    if not entry.over_at:
        return since
    minutes = round((entry.over_at - entry.since).total_seconds() / 60)
    return texts.OVER.in_(language, at=_minute(entry.over_at), minutes=minutes)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
