"""What of that which the watcher has seen a person should know: a pure function from a round to incidents."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs

from alerts.backups import Backups
from alerts.observed import Backlog, Due, Ledger, Observed, Run, Service
from config.config import AlertSettings, YahooSettings
from config.stages import CONTROLLER, HISTORY, REBALANCE

# A consumer says every 15 seconds how far it is. Who has said nothing for so long may have stored since then.
CONSUMER_SILENCE = timedelta(minutes=2)
# The first start counts, too.
LOOP_STARTS = 4
# One is made a day.
OLDEST_BACKUP = timedelta(days=2)
LONGEST_PROBLEM = 300
# Of what is older nobody is told that it is over: it has only left the list.
OLDEST = timedelta(days=30)
# Airflow's name of a part -> the service, where it is another one.
AIRFLOW_SERVICES = {"metadatabase": "airflow-db", "dag_processor": "airflow-dag-processor"}


class Incident(Struct, frozen=True):
    """Something that a person should know, as data: `alerts.texts` has its sentences.

    key: the same in each round as long as it is the same incident
    noted_at: when it was written down, where it is a row of the database
    """

    kind: str
    key: str
    params: dict[str, Any] = {}
    as_of: date | None = None
    noted_at: datetime | None = None


class Rules(Struct, frozen=True):
    """The settings by which something counts as an incident."""

    late: timedelta
    cooldown: timedelta
    disk_mb: int
    memory_mb: int

    @classmethod
    def of(cls, alerts: AlertSettings, yahoo: YahooSettings) -> "Rules":
        late, cooldown = timedelta(minutes=alerts.late_minutes), timedelta(seconds=yahoo.cooldown_seconds)
        return cls(late, cooldown, alerts.disk_mb, alerts.memory_mb)


Standing = Literal["open", "over", "forgotten"]
Find = Callable[[Observed, Rules], Iterator[Incident] | None]


class Kind(Struct, frozen=True):
    """find: yields the incidents, or returns None when it cannot be seen whether there are any.

    patience: for how long it has to hold while the watcher looks before anybody is told. What is counted from a moment
    of before its start, as a silence is, needs some: the platform may have been down since then.
    calm: for how long it has to be away before it is over. What comes and goes is one incident.
    """

    find: Find
    patience: timedelta = timedelta(0)
    calm: timedelta = timedelta(0)


def incidents(observed: Observed, rules: Rules) -> dict[str, list[Incident]]:
    """Return the incidents of each kind. A kind that could not be looked at is missing: what was open stays open."""
    found = {name: kind.find(observed, rules) for name, kind in KINDS.items()}
    return {name: list(each) for name, each in found.items() if each is not None}


def standing(incident: Incident, observed: Observed) -> Standing:
    """Return what has become of an incident that is no longer found.

    Forgotten: it has only become too old to be looked at, or another incident has taken its place.
    """
    if incident.noted_at and observed.now - incident.noted_at > OLDEST:
        return "forgotten"
    ledger = observed.ledger or Ledger(observed.now)
    if incident.kind == "degraded" and incident.as_of and incident.as_of < ledger.degraded_since:
        return "forgotten"
    if incident.kind in ("unpublished", "no_month") and incident.as_of not in _published(incident.kind, ledger):
        return _standing_of_a_day(incident, observed)
    if incident.kind == "bar_waits" and ledger.bars_are_cut:
        return "open"  # it may be beyond the end of the list
    if incident.kind == "backup_late" and observed.backups and _has_failed(observed.backups):
        return "forgotten"
    states = {_key(run): run.state for run in ledger.runs}
    if incident.kind == "stage_failed" and states.get(incident.key) in ("running", "late"):
        return "open"  # it is tried again
    if incident.kind == "consumer_behind" and incident.key in map(_place, ledger.backlogs):
        return "forgotten"  # its consumer is silent
    if incident.kind == "stage_late" and states.get(incident.key) == "failed":
        return "forgotten"
    return "over"


def _standing_of_a_day(incident: Incident, observed: Observed) -> Standing:
    """Return what has become of a day that is not published, and is not found to be due."""
    moment = observed.market_now or observed.now
    if incident.as_of and moment.date() - incident.as_of > OLDEST:
        return "forgotten"
    is_due = observed.dues is None or incident.as_of in [due.day for due in observed.dues]
    return "open" if is_due else "over"  # the exchange was closed on it


def _stage_failed(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    """Find runs that have failed. The controller's is none once its session is published: its stages are runs, too."""
    ledger = observed.ledger
    if ledger is None:
        return None
    return (
        Incident("stage_failed", _key(run), _run(run), run.as_of_date, run.started_at)
        for run in ledger.runs
        if run.state == "failed" and not (run.dag_id == CONTROLLER and run.as_of_date in ledger.published)
    )


def _stage_late(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    """Find runs that have not ended in time. The controller waits for hours between its stages."""
    ledger = observed.ledger
    if ledger is None:
        return None
    return (
        Incident("stage_late", _key(run), _run(run), run.as_of_date, run.started_at)
        for run in ledger.runs
        if run.state in ("late", "running") and run.dag_id != CONTROLLER and ledger.now - run.started_at > rules.late
    )


def _key(run: Run) -> str:
    """Return what a run goes by. There is one history, whose day is that of its newest session."""
    return run.dag_id if run.dag_id == HISTORY else f"{run.dag_id} {run.as_of_date}"


def with_key_of_today(incident: Incident) -> Incident:
    """Return an incident of a journal. In an older one a history went by its day as well."""
    return structs.replace(incident, key=HISTORY) if incident.params.get("dag") == HISTORY else incident


def _run(run: Run) -> dict[str, Any]:
    return {
        "dag": run.dag_id,
        "session": run.as_of_date.isoformat(),
        "since": _minute(run.started_at),
        "reasons": run.reason or [],
    }


def _degraded(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    if observed.ledger is None:
        return None
    return (
        Incident(
            "degraded",
            f"{day.as_of_date}",
            {"session": day.as_of_date.isoformat(), "reasons": day.reasons},
            day.as_of_date,
            day.published_at,
        )
        for day in observed.ledger.doubtful
    )


def _bar_waits(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    if observed.ledger is None:
        return None
    return (
        Incident(
            "bar_waits",
            f"{bar.ticker} {bar.trade_date}",
            {"ticker": bar.ticker, "session": bar.trade_date.isoformat(), "reasons": bar.reason},
            bar.trade_date,
        )
        for bar in observed.ledger.waiting_bars
    )


def _gate_shut(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    ledger = observed.ledger
    if ledger is None:
        return None
    opens = ledger.limited_at and ledger.limited_at + rules.cooldown
    is_shut = opens is not None and ledger.now < opens
    return iter([Incident("gate_shut", "", {"until": _minute(opens)})] if opens and is_shut else [])


def _consumer_away(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    ledger = observed.ledger
    if ledger is None:
        return None
    return (
        Incident("consumer_away", group, {"group": group, "service": f"consumer-{group}", "since": _minute(at)})
        for group, at in ledger.consumers.items()
        if ledger.now - at > CONSUMER_SILENCE
    )


def _consumer_behind(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    """Find partitions that are not read to their end. Where something is stored the key is another one."""
    ledger = observed.ledger
    if ledger is None:
        return None
    return (
        Incident(
            "consumer_behind",
            _place(each),
            {
                "group": each.consumer_group,
                "service": f"consumer-{each.consumer_group}",
                "place": f"{each.topic}/{each.partition_id}",
                "lag": each.lag,
            },
        )
        for each in ledger.backlogs
        if ledger.now - each.measured_at <= CONSUMER_SILENCE
    )


def _place(backlog: Backlog) -> str:
    return f"{backlog.consumer_group} {backlog.topic}/{backlog.partition_id}@{backlog.committed}"


def _unpublished(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    return _overdue("unpublished", observed)


def _no_month(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    return _overdue("no_month", observed)


def _overdue(kind: str, observed: Observed) -> Iterator[Incident] | None:
    """Find the sessions or months that are due and not published."""
    ledger, moment = observed.ledger, observed.market_now
    if ledger is None or moment is None or observed.dues is None:
        return None
    published = _published(kind, ledger)
    return (
        Incident(kind, due.day.isoformat(), _due(due), due.day)
        for due in observed.dues
        if due.is_month == (kind == "no_month") and due.moment <= moment and due.day not in published
    )


def _due(due: Due) -> dict[str, Any]:
    dag = REBALANCE if due.is_month else CONTROLLER
    return {"dag": dag, "session": due.day.isoformat(), "due": _minute(due.moment)}


def _published(kind: str, ledger: Ledger) -> list[date]:
    return ledger.months if kind == "no_month" else ledger.published


def _database_away(observed: Observed, rules: Rules) -> Iterator[Incident]:
    return _problem("database_away", observed.database)


def _broker_away(observed: Observed, rules: Rules) -> Iterator[Incident]:
    return _problem("broker_away", observed.broker)


def _problem(kind: str, problem: str) -> Iterator[Incident]:
    return iter([Incident(kind, "", {"problem": problem})] if problem else [])


def _airflow_away(observed: Observed, rules: Rules) -> Iterator[Incident]:
    return iter([] if observed.airflow else [Incident("airflow_away", "")])


def _scheduler_away(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    """Find the parts of Airflow without a heartbeat. Only its webserver knows."""
    if not observed.airflow:
        return None
    return (
        Incident("scheduler_away", component, {"component": component, "service": _airflow_service(component)})
        for component, is_well in observed.airflow.items()
        if not is_well
    )


def _airflow_service(component: str) -> str:
    return AIRFLOW_SERVICES.get(component, f"airflow-{component}")


def _service_down(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    if observed.services is None:
        return None
    return (_service("service_down", each) for each in observed.services if not each.is_up)


def _service_restarts(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    if observed.services is None:
        return None
    return (_service("service_restarts", each) for each in observed.services if each.starts >= LOOP_STARTS)


def _service(kind: str, service: Service) -> Incident:
    return Incident(kind, service.name, {"service": service.name, "starts": service.starts})


def _disk_short(observed: Observed, rules: Rules) -> Iterator[Incident]:
    return (
        Incident("disk_short", room.where, {"where": room.where, "free_mb": room.free_mb, "wanted_mb": rules.disk_mb})
        for room in observed.disks
        if room.free_mb < rules.disk_mb
    )


def _memory_short(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    room = observed.memory
    if room is None:
        return None
    params = {"free_mb": room.free_mb, "wanted_mb": rules.memory_mb}
    return iter([Incident("memory_short", "", params)] if room.free_mb < rules.memory_mb else [])


def _backup_failed(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    backups = observed.backups
    if backups is None:
        return None
    tried = backups.tried
    if not (tried and tried.error and _has_failed(backups)):
        return iter([])
    params = {"since": _minute(tried.at), "problem": tried.error[:LONGEST_PROBLEM]}
    return iter([Incident("backup_failed", "", params)])


def _backup_late(observed: Observed, rules: Rules) -> Iterator[Incident] | None:
    """Find that none is made, without a try that has failed."""
    backups = observed.backups
    if backups is None:
        return None
    made = max(backups.since, backups.tried.at) if backups.tried else backups.since
    is_late = backups.is_on and not _has_failed(backups) and observed.now - made > OLDEST_BACKUP
    return iter([Incident("backup_late", "", {"since": _minute(made)})] if is_late else [])


def _has_failed(backups: Backups) -> bool:
    return backups.is_on and backups.tried is not None and backups.tried.error is not None


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


PASSES = timedelta(minutes=5)
FLAPS = timedelta(minutes=15)

# In this order they are told: the cause comes before what follows from it.
KINDS = {
    "database_away": Kind(_database_away, timedelta(minutes=2), PASSES),
    "broker_away": Kind(_broker_away, timedelta(minutes=2), PASSES),
    "airflow_away": Kind(_airflow_away, timedelta(minutes=5), PASSES),
    "scheduler_away": Kind(_scheduler_away, timedelta(minutes=5), PASSES),
    "disk_short": Kind(_disk_short, timedelta(minutes=1), FLAPS),
    "memory_short": Kind(_memory_short, timedelta(minutes=5), FLAPS),
    "backup_failed": Kind(_backup_failed),
    # A machine that was off makes one at once.
    "backup_late": Kind(_backup_late, timedelta(hours=1)),
    "service_down": Kind(_service_down, timedelta(minutes=2), PASSES),
    # Who starts every five minutes has three or four starts within the time that is looked at.
    "service_restarts": Kind(_service_restarts, calm=FLAPS),
    "consumer_away": Kind(_consumer_away, timedelta(minutes=3), PASSES),
    "consumer_behind": Kind(_consumer_behind, timedelta(minutes=5)),
    "gate_shut": Kind(_gate_shut),
    "stage_failed": Kind(_stage_failed),
    # One that a stop has interrupted goes on.
    "stage_late": Kind(_stage_late, timedelta(minutes=15)),
    # A platform that was off computes what it has missed at once.
    "unpublished": Kind(_unpublished, timedelta(minutes=30)),
    "no_month": Kind(_no_month, timedelta(minutes=30)),
    "degraded": Kind(_degraded),
    "bar_waits": Kind(_bar_waits),
}
