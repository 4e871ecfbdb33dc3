"""Every incident has its sentences in both languages, and a message says what, since when, and what to do."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from alert_cases import CASES, FINE, NOW, RULES, SESSION, SUNDAY, backlog, ledger, run
from alerts import messages, texts
from alerts.entries import Entry
from alerts.incidents import KINDS, Incident, incidents
from alerts.observed import Due, Observed
from config.stages import HISTORY, MONTHLY_ETFS, REBALANCE, STAGES
from ops import cli
from ops.native import compose

WITH_SEVERAL = [f"TICKER{number}" for number in range(60)]


def entry_of(case: str) -> Entry:
    [incident] = [each for group in incidents(CASES[case], RULES).values() for each in group]
    return Entry(incident, NOW)


def test_every_kind_has_words() -> None:
    assert list(texts.KINDS) == list(KINDS)


@pytest.mark.parametrize("case", CASES)
def test_an_incident_is_said_in_both_languages(case: str) -> None:
    entry = entry_of(case)
    english, korean = messages.of_entries([entry], "en"), messages.of_entries([entry], "ko")
    assert english.subject.isascii() and english.text.isascii()
    assert not korean.subject.isascii() and not korean.text.isascii()
    for message in (english, korean):
        assert message.subject.startswith("ActStock: ") and "2026-08-24 16:00 UTC" in message.text
        assert not {"{", "}"} & set(message.subject + message.text)


def test_a_failed_stage() -> None:
    message = messages.of_entries([entry_of(f"stage_failed:daily_trending_etf_analysis {SESSION}")], "en")
    assert message.subject == "ActStock: 3 Trending of 2026-08-21 has failed: no price on 2026-08-21"
    assert message.text.splitlines() == [
        "* 3 Trending of 2026-08-21 has failed: no price on 2026-08-21",
        "  Since 2026-08-24 16:00 UTC.",
        "",
        "What to do: mend the cause, then ./start.sh run pipeline --as-of 2026-08-21.",
    ]


def failed(*dags: str, session: str = "2026-08-30") -> list[Entry]:
    day = {"session": session, "since": "", "reasons": []}
    return [Entry(Incident("stage_failed", dag, {"dag": dag, **day}), NOW) for dag in dags]


@pytest.mark.parametrize(("count", "end"), [(5, "2026-08-14"), (7, "2026-08-14; + 2")])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_commands_that_are_left_out_are_counted(language: str, count: int, end: str) -> None:
    entries = [each for day in range(count) for each in failed(STAGES["benchmark"], session=f"2026-08-{10 + day}")]
    assert messages.of_entries(entries, language).text.endswith(f"./start.sh run pipeline --as-of {end}.")


def test_a_failed_history_is_computed_again_by_its_own_command() -> None:
    """A history is no DAG that `./start.sh run` knows."""
    told = messages.commands(failed(HISTORY, REBALANCE))
    assert told == ["./start.sh history", "./start.sh run rebalance --as-of 2026-08-30"]
    for command in told:
        cli.parser().parse_args(command.split()[1:])
    assert messages.of_entries(failed(HISTORY), "en").text.endswith("then ./start.sh history.")


def test_what_has_failed_is_computed_again_by_its_own_command() -> None:
    """Each once: the stages of a session are computed together."""
    entries = failed(*list(STAGES.values())[:2], REBALANCE, MONTHLY_ETFS, "completeness_repoll")
    for language in ("en", "ko"):
        told = messages.of_entries(entries, language).text.splitlines()[-1]
        runs = ("pipeline", "rebalance", "monthly-etfs", "completeness_repoll")
        assert "; ".join(f"./start.sh run {name} --as-of 2026-08-30" for name in runs) in told
    assert messages.of_entries(entries[2:3], "en").text.endswith("then ./start.sh run rebalance --as-of 2026-08-30.")


def help_of(entries: list[Entry]) -> str:
    return messages.of_entries(entries, "en").text.splitlines()[-1]


def of_observed(kind: str, observed: Observed) -> list[Entry]:
    return [Entry(each, NOW) for each in incidents(observed, RULES)[kind]]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_to_do_names_every_service_that_it_is_about(language: str) -> None:
    parts = {"scheduler": False, "metadatabase": False, "dag_processor": False, "triggerer": False}
    services = "airflow-scheduler airflow-db airflow-dag-processor airflow-triggerer"
    assert set(services.split()) <= set(compose.services())
    told = messages.of_entries(of_observed("scheduler_away", replace(FINE, airflow=parts)), language)
    assert f"./start.sh restart {services}" in told.text
    [one] = of_observed("scheduler_away", replace(FINE, airflow={"metadatabase": False}))
    assert "./start.sh restart airflow-db" in messages.of_entries([one], language).text


def test_what_to_do_names_every_consumer() -> None:
    silent = {group: NOW - timedelta(hours=1) for group in ("etf-daily", "stock-daily")}
    told = help_of(of_observed("consumer_away", ledger(consumers=silent)))
    assert told.endswith("./start.sh restart consumer-etf-daily consumer-stock-daily.")
    behind = [backlog(), replace(backlog(), consumer_group="stock-daily")]
    told = help_of(of_observed("consumer_behind", ledger(backlogs=behind)))
    assert "./start.sh logs consumer-etf-daily, ./start.sh logs consumer-stock-daily says" in told


def test_what_to_do_names_every_day() -> None:
    days = [date(2026, 7, 26), SUNDAY]
    dues = [Due(day, NOW, is_month=True) for day in days]
    told = help_of(of_observed("no_month", replace(FINE, dues=dues)))
    assert told.endswith("; ".join(f"./start.sh run rebalance --as-of {day}" for day in days) + ".")
    late = replace(ledger(published=[]), dues=[Due(SESSION, NOW)])
    assert help_of(of_observed("unpublished", late)).endswith(f"./start.sh run pipeline --as-of {SESSION}.")


def test_a_late_history_is_on_no_page_of_airflow() -> None:
    late = ledger(runs=[run("running", 200, HISTORY)])
    told = help_of(of_observed("stage_late", late))
    assert "Airflow" not in told and "./start.sh history" in told


def test_what_a_later_version_has_noted_is_told_as_far_as_it_is_known() -> None:
    reasons = [{"code": "of_a_later_version", "params": {}}]
    [entry] = failed(REBALANCE)
    params = {**entry.incident.params, "reasons": reasons}
    assert "has failed: of_a_later_version" in messages.line(replace(entry.incident, params=params), "en")
    assert messages.line(Incident("stage_failed", "", {}), "ko") == "실행이 실패했습니다"


def test_what_is_over() -> None:
    entry = entry_of("gate_shut:")
    entry.over_at = NOW + timedelta(minutes=16)
    message = messages.of_entries([entry], "en")
    assert message.subject.startswith("ActStock: over: Yahoo answered 429")
    assert message.text.endswith("\n  Over at 2026-08-24 16:16 UTC, after 16 minutes.")
    assert messages.of_entries([entry], "ko").subject.startswith("ActStock: 해소: ")


def test_several_of_a_kind_are_one_message() -> None:
    bars = [
        Entry(Incident("bar_waits", ticker, {"ticker": ticker, "session": "2026-08-21", "reasons": []}), NOW)
        for ticker in WITH_SEVERAL
    ]
    message = messages.of_entries(bars, "en")
    assert message.subject == "ActStock: bars wait for a person (60)"
    assert "TICKER49 of" in message.text and "TICKER50 of" not in message.text
    assert "* + 10" in message.text.splitlines()
    assert [len(group) for group in messages.by_kind([*bars, entry_of("gate_shut:")])] == [60, 1]


def test_a_long_reason_is_cut() -> None:
    reason = {"code": "text", "params": {"text": "x" * 5000}}
    long = Entry(Incident("degraded", "d", {"session": "2026-08-21", "reasons": [reason]}), NOW)
    message = messages.of_entries([long], "en")
    assert len(message.subject) == messages.LONGEST_SUBJECT and len(message.text) < 1000
