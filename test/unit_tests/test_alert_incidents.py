"""Which incidents follow from what was seen, how long each has to hold, and when it is over."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from alert_cases import (
    BACKUPS,
    CASES,
    FINE,
    LEDGER,
    NOW,
    REASON,
    RULES,
    SESSION,
    SUNDAY,
    backlog,
    found,
    ledger,
    run,
    tried,
)
from alerts import journal, state_files
from alerts.entries import Entry
from alerts.incidents import KINDS, LOOP_STARTS, Incident, incidents
from alerts.journal import Journal
from alerts.observed import Doubtful, Due, Observed, Room, Service, WaitingBar
from alerts.outbox import Outbox, letter_of
from config.stages import CONTROLLER, HISTORY


def test_nothing_is_found_when_all_is_well() -> None:
    assert found(FINE) == []
    assert set(incidents(FINE, RULES)) == set(KINDS)


@pytest.mark.parametrize("expected", CASES)
def test_each_kind_is_found(expected: str) -> None:
    assert found(CASES[expected]) == [expected]


def test_every_kind_has_a_case() -> None:
    assert {name.partition(":")[0] for name in CASES} == set(KINDS)


@pytest.mark.parametrize(
    "observed",
    [
        ledger(limited_at=NOW - timedelta(minutes=15)),
        ledger(runs=[run("late", 179), run("running", 600, CONTROLLER)]),
        replace(FINE, dues=[Due(date(2026, 8, 24), NOW + timedelta(minutes=1))]),
        replace(FINE, dues=[Due(SUNDAY, NOW + timedelta(minutes=1), is_month=True)]),
        replace(ledger(months=[SUNDAY]), dues=[Due(SUNDAY, NOW, is_month=True)]),
        replace(FINE, services=[Service("api", True, LOOP_STARTS - 1)]),
        replace(FINE, disks=[Room(2000, "/data")], memory=Room(300)),
        tried(1.9),
        tried(2.1, since=NOW - timedelta(days=1)),
        tried(9, "the disk is full", is_on=False),
        replace(FINE, backups=None),
        ledger(backlogs=[backlog(seconds=121)]),
    ],
    ids=[
        "the gate is open again",
        "still in time",
        "not due yet",
        "a month that is not due yet",
        "a month that is published",
        "restarted by hand",
        "enough room",
        "a backup was late",
        "backups have just been switched on",
        "they are switched off",
        "nothing is heard of them",
        "silent",
    ],
)
def test_what_is_none(observed: Observed) -> None:
    assert found(observed) == []


def test_a_platform_that_never_published_is_told_of_all_that_is_due() -> None:
    dues = [Due(day, NOW - timedelta(hours=hours)) for day, hours in ((date(2026, 8, 20), 49), (SESSION, 1))]
    assert found(replace(ledger(published=[]), dues=dues)) == ["unpublished:2026-08-20", f"unpublished:{SESSION}"]


def test_what_cannot_be_looked_at_is_not_found_to_be_well() -> None:
    blind = Observed(NOW)
    assert set(incidents(blind, RULES)) == {"database_away", "broker_away", "airflow_away", "disk_short"}


def test_before_the_first_backup_it_is_waited_for() -> None:
    never = replace(BACKUPS, tried=None)
    assert found(replace(FINE, backups=replace(never, since=NOW - timedelta(days=1)))) == []
    assert found(replace(FINE, backups=never)) == ["backup_late:"]


class Told:
    """A journal, round after round."""

    def __init__(self) -> None:
        self.journal = Journal(NOW)

    def after(self, minutes: float, observed: Observed) -> tuple[list[str], list[str]]:
        """Return what is told as open and as over in a round, which is taken to be told."""
        now = NOW + timedelta(minutes=minutes)
        self.journal.note(incidents(observed, RULES), replace(observed, now=now))
        opened, over = self.journal.opened(now), self.journal.over(now)
        for entry in opened:
            entry.told_at = now
        for entry in over:
            self.journal.forget(entry)
        return [entry.incident.kind for entry in opened], [entry.incident.kind for entry in over]


def test_an_incident_is_told_once_and_once_when_it_is_over() -> None:
    told, failed = Told(), ledger(runs=[run("failed", 5)])
    assert told.after(0, failed) == (["stage_failed"], [])
    assert told.after(1, failed) == ([], [])
    assert told.after(2, FINE) == ([], ["stage_failed"])
    assert told.after(3, FINE) == ([], [])
    assert told.after(4, failed) == (["stage_failed"], [])


def test_what_passes_by_itself_is_not_told() -> None:
    told, away = Told(), replace(FINE, database="away", ledger=None)
    assert told.after(0, away) == ([], [])
    assert told.after(1, FINE) == ([], [])
    assert told.after(2, away) == ([], [])
    assert told.after(3.9, away) == ([], [])
    assert told.after(4, away) == (["database_away"], [])


def test_what_the_database_knows_stays_open_while_it_is_away() -> None:
    told = Told()
    assert told.after(0, ledger(runs=[run("failed", 5)])) == (["stage_failed"], [])
    assert told.after(1, replace(FINE, database="away", ledger=None)) == ([], [])
    assert told.after(2, FINE) == ([], ["stage_failed"])


def test_a_failed_run_that_is_tried_again_is_not_over() -> None:
    told = Told()
    assert told.after(0, ledger(runs=[run("failed", 5)])) == (["stage_failed"], [])
    assert told.after(1, ledger(runs=[run("running", 1)])) == ([], [])
    assert told.after(2, ledger(runs=[run("failed", 1)])) == ([], [])
    assert told.after(3, FINE) == ([], ["stage_failed"])


def test_a_late_run_that_fails_is_told_as_failed_alone() -> None:
    told = Told()
    assert told.after(0, ledger(runs=[run("late", 200)])) == ([], [])
    assert told.after(15, ledger(runs=[run("late", 215)])) == (["stage_late"], [])
    assert told.after(16, ledger(runs=[run("failed", 216)])) == (["stage_failed"], [])


SILENT = ledger(consumers={"etf-daily": NOW - timedelta(hours=9)})


@pytest.mark.parametrize("found", [SILENT, ledger(runs=[run("running", 600)])], ids=["a consumer", "a run"])
def test_the_night_that_the_platform_was_down_counts_for_nobody(found: Observed) -> None:
    """At a start the watcher is there before them."""
    told = Told()
    assert told.after(0, found) == ([], [])
    assert told.after(2, found) == ([], [])
    assert told.after(3, FINE) == ([], [])
    assert told.journal.entries == {}


def test_a_consumer_that_falls_silent_is_told_after_five_minutes() -> None:
    told, last = Told(), {"etf-daily": NOW - timedelta(seconds=20)}
    opened = [told.after(at, ledger(now=NOW + timedelta(minutes=at), consumers=last))[0] for at in range(7)]
    assert opened == [[], [], [], [], [], ["consumer_away"], []]


def test_backups_that_fail_are_told_once_until_one_succeeds() -> None:
    told = Told()
    assert told.after(0, tried(0.1, "the disk is full")) == (["backup_failed"], [])
    assert told.after(60, tried(0, "the disk is fuller")) == ([], [])
    assert told.after(61, replace(FINE, backups=None)) == ([], [])
    assert told.after(120, tried(0)) == ([], ["backup_failed"])


def test_a_late_backup_that_fails_is_told_as_failed_alone() -> None:
    told = Told()
    assert told.after(0, tried(2.1)) == ([], []), "a machine that was off makes one at once"
    assert told.after(61, tried(2.1)) == (["backup_late"], [])
    assert told.after(62, tried(0, "the disk is full")) == (["backup_failed"], [])


def test_a_consumer_that_stores_nothing_is_told_until_it_does() -> None:
    """More messages that wait change nothing, and one that is stored ends it."""
    told = Told()
    for minutes in range(5):
        assert told.after(minutes, ledger(backlogs=[backlog(lag=3 + minutes)])) == ([], [])
    assert told.after(5, ledger(backlogs=[backlog(lag=9)])) == (["consumer_behind"], [])
    assert told.after(6, ledger(backlogs=[backlog(lag=10)])) == ([], [])
    assert told.after(7, ledger(backlogs=[backlog(committed=8, lag=9)])) == ([], ["consumer_behind"])
    assert told.after(8, FINE) == ([], [])


def test_a_long_backlog_that_shrinks_or_grows_while_it_is_stored_is_no_incident() -> None:
    told = Told()
    for minutes in range(60):
        assert told.after(minutes, ledger(backlogs=[backlog(committed=100 * minutes, lag=90_000)])) == ([], [])
    assert len(told.journal.entries) == 1


def test_a_consumer_that_falls_silent_is_not_said_to_store_again() -> None:
    told = Told()
    for minutes in (0, 5):
        opened = told.after(minutes, ledger(backlogs=[backlog()]))[0]
    assert opened == ["consumer_behind"]
    assert told.after(6, ledger(backlogs=[backlog(seconds=180)])) == ([], [])
    assert told.journal.entries == {}


def test_what_has_only_become_old_is_not_told_as_over() -> None:
    told = Told()
    assert told.after(0, ledger(runs=[run("failed", 5)])) == (["stage_failed"], [])
    assert told.after(31 * 24 * 60, FINE) == ([], [])
    assert told.journal.entries == {}
    told.after(0, ledger(doubtful=[Doubtful(SESSION, NOW, REASON)]))
    assert told.after(1, ledger(degraded_since=SESSION + timedelta(days=1))) == ([], [])
    assert told.journal.entries == {}


MISSED = date(2026, 8, 18)


def test_a_session_that_was_missed_is_not_over_before_it_is_published() -> None:
    """Later ones are published meanwhile."""
    told, due = Told(), [Due(MISSED, NOW - timedelta(hours=1))]
    missed = replace(ledger(published=[date(2026, 8, 17)]), dues=due)
    assert told.after(0, missed) == ([], [])
    assert told.after(30, missed) == (["unpublished"], [])
    later = replace(ledger(published=[date(2026, 8, 17), date(2026, 8, 19)]), dues=due)
    assert told.after(31, later) == ([], [])
    assert told.after(32, replace(later, dues=None)) == ([], [])
    assert told.after(33, replace(ledger(published=[date(2026, 8, 17), MISSED]), dues=due)) == ([], ["unpublished"])


def test_a_day_on_which_the_exchange_was_closed_after_all_is_over() -> None:
    told, missed = Told(), replace(ledger(published=[]), dues=[Due(MISSED, NOW - timedelta(hours=1))])
    told.after(0, missed)
    assert told.after(30, missed) == (["unpublished"], [])
    others = [Due(day, NOW - timedelta(hours=1)) for day in (date(2026, 8, 17), date(2026, 8, 19))]
    published = [due.day for due in others]
    assert told.after(31, replace(ledger(published=published), dues=others)) == ([], ["unpublished"])


def test_a_session_that_is_computed_when_the_platform_is_on_again_is_not_told() -> None:
    told, due = Told(), [Due(MISSED, NOW - timedelta(hours=1))]
    assert told.after(0, replace(ledger(published=[]), dues=due)) == ([], [])
    assert told.after(29, replace(ledger(published=[MISSED]), dues=due)) == ([], [])
    assert told.after(90, replace(ledger(published=[MISSED]), dues=due)) == ([], [])


def test_a_session_that_is_never_published_is_forgotten_after_a_month() -> None:
    told, missed = Told(), replace(ledger(published=[]), dues=[Due(MISSED, NOW - timedelta(hours=1))])
    told.after(0, missed)
    assert told.after(30, missed)[0] == ["unpublished"]
    for days, dues, entries in ((24, missed.dues, 1), (25, [], 0)):
        later = replace(missed, dues=dues, market_now=NOW + timedelta(days=days))
        assert told.after(days * 24 * 60, later) == ([], [])
        assert len(told.journal.entries) == entries


def test_a_month_is_told_until_it_is_published() -> None:
    told, missing = Told(), CASES[f"no_month:{SUNDAY}"]
    told.after(0, missing)
    assert told.after(30, missing) == (["no_month"], [])
    assert told.after(31, replace(missing, ledger=replace(LEDGER, months=[date(2026, 7, 26)]))) == ([], [])
    assert told.after(32, replace(missing, ledger=replace(LEDGER, months=[SUNDAY]))) == ([], ["no_month"])


def test_a_controller_that_failed_is_over_once_other_runs_have_published_its_session() -> None:
    told, failed = Told(), [run("failed", 5, CONTROLLER)]
    assert told.after(0, ledger(runs=failed, published=[])) == (["stage_failed"], [])
    assert told.after(1, ledger(runs=failed)) == ([], ["stage_failed"])


@pytest.mark.parametrize(
    ("short", "every"),
    [
        (replace(FINE, disks=[Room(1999, "/data")]), 3),
        (replace(FINE, memory=Room(299)), 10),
        (replace(FINE, services=[Service("api", True, LOOP_STARTS)]), 5),
    ],
    ids=["disk", "memory", "a service that starts every five minutes"],
)
def test_what_comes_and_goes_is_one_incident(short: Observed, every: int) -> None:
    """It is away for a minute now and then, and over once it is away for a quarter of an hour."""
    told = Told()
    said = [told.after(at, FINE if at % every == every - 1 else short) for at in range(60)]
    assert [len(opened) for opened, _ in said if opened] == [1]
    assert not any(over for _, over in said)
    ends = [told.after(60 + at, FINE)[1] for at in range(20)]
    assert [at for at, over in enumerate(ends) if over] == [15 - (60 % every == 0)]


def test_what_nobody_can_see_any_more_is_not_over() -> None:
    told, well = Told(), replace(FINE, airflow={"scheduler": True})
    for at in range(6):
        said = told.after(at, replace(FINE, airflow={"scheduler": False}))
    assert said == (["scheduler_away"], [])
    assert told.after(6, well) == ([], [])
    rounds = [told.after(7 + at, replace(FINE, airflow={})) for at in range(10)]
    assert [each for each in rounds if each != ([], [])] == [(["airflow_away"], [])]
    ends = [told.after(17 + at, well)[1] for at in range(6)]
    assert ends == [[]] * 5 + [["airflow_away", "scheduler_away"]]


def test_more_bars_than_are_listed_are_not_over() -> None:
    told, listed = Told(), [WaitingBar(name, SESSION, NOW, REASON) for name in ("A", "B", "C")]
    assert told.after(0, ledger(waiting_bars=listed[:2])) == (["bar_waits"] * 2, [])
    assert told.after(1, ledger(waiting_bars=listed[1:], bars_are_cut=True)) == (["bar_waits"], [])
    assert told.after(2, ledger(waiting_bars=listed[1:])) == ([], ["bar_waits"])


def test_a_history_that_is_computed_again_for_a_later_session_is_not_over() -> None:
    told = Told()
    failed = replace(run("failed", 30, HISTORY), as_of_date=SESSION)
    again = replace(run("running", 1, HISTORY), as_of_date=date(2026, 8, 24))
    assert told.after(0, ledger(runs=[failed])) == (["stage_failed"], [])
    assert told.after(1, ledger(runs=[again])) == ([], [])
    assert told.after(2, ledger(runs=[replace(again, state="failed")])) == ([], [])
    assert told.after(3, FINE) == ([], ["stage_failed"])


def test_the_cause_is_told_before_what_follows_from_it() -> None:
    told = Told()
    ends = replace(ledger(runs=[run("failed", 5)], published=[date(2026, 8, 20)]), disks=[Room(1, "/data")])
    told.after(0, ends)
    assert told.after(30, ends)[0] == ["disk_short", "unpublished"]
    assert [entry.incident.kind for entry in told.journal.open()] == ["disk_short", "stage_failed", "unpublished"]


def test_a_journal_survives_a_restart(tmp_path: Path) -> None:
    told = Told()
    told.after(0, ledger(runs=[run("failed", 5)]))
    state_files.write(tmp_path / "folder" / journal.FILE, told.journal)
    again = journal.read(tmp_path / "folder" / journal.FILE)
    assert again == told.journal
    [entry] = again.open()
    assert entry.incident.params["reasons"] == REASON


def test_what_was_not_told_has_to_hold_anew_after_a_restart(tmp_path: Path) -> None:
    """As after a power cut, while the database was away for a minute."""
    told, away = Told(), replace(FINE, database="away", ledger=None)
    told.after(0, away)
    state_files.write(tmp_path / journal.FILE, told.journal)
    told.journal = journal.read(tmp_path / journal.FILE)
    assert told.after(600, away) == ([], [])
    assert told.after(601, away) == ([], [])
    assert told.after(602, away) == (["database_away"], [])


def test_a_failed_history_of_an_older_journal_is_the_same_one(tmp_path: Path) -> None:
    told, failed = Told(), ledger(runs=[run("failed", 30, HISTORY)])
    told.after(0, failed)
    [entry] = told.journal.open()
    old = Entry(replace(entry.incident, key=f"{HISTORY} {SESSION}"), entry.since, entry.told_at)
    letter = letter_of([old], 1, NOW)
    state_files.write(tmp_path / journal.FILE, Journal(NOW, {old.key: old}, outbox=Outbox([letter])))
    told.journal = journal.read(tmp_path / journal.FILE)
    assert told.after(1, failed) == ([], [])
    assert told.after(2, FINE) == ([], ["stage_failed"])
    told.journal.outbox.withdraw(["stage_failed:history"])
    assert told.journal.outbox.letters == []


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"entries": 3}'])
def test_a_journal_that_cannot_be_read_begins_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / journal.FILE).write_bytes(content)
    assert journal.read(tmp_path / journal.FILE) == Journal()


def test_a_kind_of_a_later_version_is_left_out(tmp_path: Path) -> None:
    kept = Journal(NOW, {"new:": Entry(Incident("new", ""), NOW)})
    state_files.write(tmp_path / journal.FILE, kept)
    assert journal.read(tmp_path / journal.FILE) == Journal(NOW)


def test_a_full_disk_does_not_end_the_watcher(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    state_files.write(tmp_path / "file" / journal.FILE, Journal())
    assert "cannot be written" in caplog.text
