"""Put incidents into words: a message of one or several of a kind."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import cast

from alerts import texts
from alerts.channels import Message
from alerts.incidents import Incident
from alerts.journal import Entry
from config.stages import HISTORY, STAGES, run_name
from dashboard.texts import Language, Text
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


def opened(entries: Sequence[Entry], language: str) -> Message:
    """Return the message that incidents of one kind are there."""
    return _message(entries, texts.SUBJECT, cast(Language, language))


def over(entries: Sequence[Entry], language: str) -> Message:
    """Return the message that incidents of one kind are over."""
    return _message(entries, texts.SUBJECT_OVER, cast(Language, language))


def line(incident: Incident, language: str) -> str:
    """Say an incident in one line."""
    words, chosen = texts.KINDS[incident.kind], cast(Language, language)
    values = dict(incident.params)
    if "dag" in values:
        values["stage"] = stage_name(values["dag"], chosen)
    if "reasons" in values:
        said = join(from_rows(values["reasons"]), KOREAN if chosen == "ko" else SENTENCES)
        values["reasons"] = _cut(said or texts.NO_REASON.in_(chosen), LONGEST_REASON)
    return words.line.in_(chosen, **values)


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


def _message(entries: Sequence[Entry], subject: Text, language: Language) -> Message:
    first, *more = entries
    words = texts.KINDS[first.incident.kind]
    title = line(first.incident, language)
    if more:
        title = texts.SEVERAL.in_(language, title=words.title.in_(language), count=len(entries))
    told = [f"* {line(entry.incident, language)}\n  {_when(entry, language)}" for entry in entries[:MOST_LINES]]
    if len(entries) > MOST_LINES:
        told.append(f"* + {len(entries) - MOST_LINES}")
    if not first.over_at:
        values = {**first.incident.params, "commands": "; ".join(commands(entries))}
        told += ["", texts.HELP.in_(language, help=words.help.in_(language, **values))]
    return Message(_cut(subject.in_(language, line=title), LONGEST_SUBJECT), "\n".join(told))


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
