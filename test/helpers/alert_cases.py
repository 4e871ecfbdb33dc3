"""What the watcher may see: all is well, and one thing that is not for each kind of incident."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from alerts.backups import Backups, Try
from alerts.incidents import LOOP_STARTS, Rules, incidents
from alerts.observed import Backlog, Doubtful, Due, Ledger, Observed, Room, Run, Service, WaitingBar
from config.config import Settings
from config.stages import STAGES

NOW = datetime(2026, 8, 24, 16, 0, tzinfo=UTC)
SESSION = date(2026, 8, 21)
SUNDAY = date(2026, 8, 23)
REASON = [{"code": "no_price", "params": {"session": "2026-08-21"}}]
STAGE_3 = STAGES["trending"]
SETTINGS = Settings.from_env({})
RULES = Rules.of(SETTINGS.alerts, SETTINGS.yahoo)
LEDGER = Ledger(NOW, published=[date(2026, 8, 20), SESSION], consumers={"etf-daily": NOW - timedelta(seconds=20)})
BACKUPS = Backups(True, NOW - timedelta(days=90), tried=Try(NOW - timedelta(hours=13), "a.tar"))
FINE = Observed(
    now=NOW,
    airflow={"scheduler": True, "metadatabase": True},
    ledger=LEDGER,
    services=[Service("api", True, 1)],
    disks=[Room(5000, "/data")],
    memory=Room(4000),
    market_now=NOW,
    dues=[Due(SESSION, NOW - timedelta(hours=1))],
    backups=BACKUPS,
)


def tried(days: float, error: str | None = None, **changes: Any) -> Observed:
    """Return what is seen where the last backup was tried some days ago."""
    return replace(FINE, backups=replace(BACKUPS, tried=Try(NOW - timedelta(days=days), "a.tar", error), **changes))


def run(state: str, minutes: float, dag_id: str = STAGE_3) -> Run:
    return Run(dag_id, SESSION, state, NOW - timedelta(minutes=minutes), REASON)


def ledger(**changes: Any) -> Observed:
    return replace(FINE, ledger=replace(LEDGER, **changes))


def backlog(committed: int = 7, lag: int = 3, seconds: float = 20) -> Backlog:
    """Return what the consumer said so many seconds before."""
    return Backlog("etf-daily", "etf-daily-data", 2, committed, lag, NOW - timedelta(seconds=seconds))


def found(observed: Observed) -> list[str]:
    listed = incidents(observed, RULES).values()
    return [f"{each.kind}:{each.key}" for group in listed for each in group]


CASES = {
    "database_away:": replace(FINE, database="PostgreSQL cannot be used", ledger=None),
    "broker_away:": replace(FINE, broker="127.0.0.1:9092: refused"),
    "airflow_away:": replace(FINE, airflow={}),
    "scheduler_away:scheduler": replace(FINE, airflow={"scheduler": False, "triggerer": True}),
    "disk_short:/data": replace(FINE, disks=[Room(1999, "/data")]),
    "memory_short:": replace(FINE, memory=Room(299)),
    "backup_failed:": tried(0.5, "the disk is full"),
    "backup_late:": tried(2.1),
    "service_down:api": replace(FINE, services=[Service("api", False, 1)]),
    "service_restarts:api": replace(FINE, services=[Service("api", True, LOOP_STARTS)]),
    "consumer_away:etf-daily": ledger(consumers={"etf-daily": NOW - timedelta(minutes=3)}),
    "consumer_behind:etf-daily etf-daily-data/2@7": ledger(backlogs=[backlog()]),
    "gate_shut:": ledger(limited_at=NOW - timedelta(minutes=14)),
    f"stage_failed:{STAGE_3} {SESSION}": ledger(runs=[run("failed", 5)]),
    f"stage_late:{STAGE_3} {SESSION}": ledger(runs=[run("late", 181)]),
    f"unpublished:{SESSION}": ledger(published=[date(2026, 8, 20)]),
    f"no_month:{SUNDAY}": replace(FINE, dues=[Due(SUNDAY, NOW - timedelta(hours=1), is_month=True)]),
    f"degraded:{SESSION}": ledger(doubtful=[Doubtful(SESSION, NOW, REASON)]),
    f"bar_waits:EWY {SESSION}": ledger(waiting_bars=[WaitingBar("EWY", SESSION, NOW, REASON)]),
}
