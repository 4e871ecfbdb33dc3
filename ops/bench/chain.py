"""The controller's five stages through Airflow, without delays and on a market server: how long, and where it goes."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from config.config import PROJECT_ROOT, Settings
from config.stages import BESIDE, CONTROLLER, STAGES
from config.universe import universe
from database.db_helper import Connection, connect
from database.queries import collected, publications, requests
from database.tables import DAILY_ETF_OHLC
from ops.bench.report import Target, step, table
from ops.bench.rounds import interleaved
from ops.bench.timeline import Part, Span, Stage, application_of, between, by_kind, parts
from ops.bench.versions import version_in
from ops.errors import RunFailed
from ops.native.environment import client_environment
from ops.native.stack import Stack
from ops.pipeline import runs
from ops.pipeline.airflow_client import Airflow, Run
from ops.replay.market_client import MarketServer
from ops.running import Platform
from utils.dates import sessions_between

TIMEOUT_SECONDS = 10
FIVE_STAGES, LAST_FETCH = "the five stages, from trigger to end", "last fetch to published"
WANTED_SECONDS = 120
# Of another version's time.
WANTED_SHARE = 1 / 3


def measure_against(stack: Stack, settings: Settings, folder: Path) -> list[Target]:
    """Measure this version and another one in turn. folder: the other's, whose platform runs, too."""
    own, other = version_in(PROJECT_ROOT), version_in(folder)
    step(f"this version: {own}; the other one: {other}")
    found = interleaved(
        {"this version": lambda: _seconds(stack, settings), other.name: lambda: other.seconds_of("chain")},
        lambda figures: ", ".join(f"{name}: {seconds:.1f} s" for name, seconds in figures.items()),
    )
    ours, theirs = (median(round[FIVE_STAGES] for round in rounds) for rounds in found.values())
    fetched = [round[LAST_FETCH] for round in found["this version"] if LAST_FETCH in round]
    table(("the five stages, median", "seconds"), [("this version", f"{ours:.1f}"), (other.name, f"{theirs:.1f}")])
    share = Target(f"{FIVE_STAGES}, against {other.name}", ours / theirs, WANTED_SHARE, " x", at_most=True, digits=2)
    if not fetched:
        return [share]
    return [share, _last_fetch(median(fetched))]


def _last_fetch(seconds: float) -> Target:
    return Target(LAST_FETCH, seconds, 6, " s", at_most=True, digits=1)


def _seconds(stack: Stack, settings: Settings) -> dict[str, float]:
    return {target.name: target.figure for target in measure(stack, settings)}


def measure(stack: Stack, settings: Settings) -> list[Target]:
    if not stack.source.served:
        raise RunFailed("the chain is measured on a market server, not at Yahoo's expense: ./start.sh demo first")
    market = MarketServer(stack.url("market-server"), client_environment(stack)["MARKET_TOKEN"]).market()
    with closing(connect(settings.database)) as conn:
        as_of = _choose(conn, market.first_session)
        airflow = runs.connect(Platform.of_stack(stack))
        run = _run(airflow, as_of)
        published = publications.times(conn)[as_of]
        asked = requests.of_runs(conn)
    stages = _stages(airflow, run)
    applications = _applications(stack)
    collecting = stages[3].tasks["collect"]
    fetched = [row["requested_at"] for row in asked if collecting.start <= row["requested_at"] <= collecting.end]
    whole = _span(run.queued, run.ended)
    _show(whole, parts(whole, stages, applications))
    five = Span(whole.start, stages[4].span.end)
    targets = [Target(FIVE_STAGES, five.seconds, WANTED_SECONDS, " s", at_most=True)]
    if not fetched:
        step("stage 4 had nothing to fetch: no figure from the last fetch on")
        return targets
    _show_end(after_the_last_fetch(fetched[-1], stages, applications, published))
    return [*targets, _last_fetch((published - fetched[-1]).total_seconds())]


def choose(stored: Sequence[date], computed: set[date], first_of_market: date) -> date:
    """Choose a session that has not been computed, if possible one before everything stored: it has to fetch all.

    Else take the newest session whose windows are stored, or the newest one when all are computed.
    """
    days = universe().longest_period
    earlier = sessions_between(first_of_market, stored[0])[days:-1]
    known = [session for session in stored[days:] if session not in computed]
    return (earlier or known or stored)[-1]


def after_the_last_fetch(
    last_fetch: datetime, stages: Sequence[Stage], applications: Sequence[Span], published: datetime
) -> list[Part]:
    holdings, allocation = stages[3], stages[4]
    [spark_task] = allocation.tasks.values()
    application = application_of(spark_task, applications)
    moments = [
        ("", last_fetch),
        ("the collector sends, and the rows are in Postgres", holdings.tasks["collect"].end),
        ("Airflow starts stage 5", spark_task.start),
        ("Spark starts", application.start if application else spark_task.start),
        ("Spark computes and publishes", published),
    ]
    return between(moments)


def _choose(conn: Connection, first_of_market: date) -> date:
    stored = sorted(collected.bars(conn, DAILY_ETF_OHLC, universe().benchmark))
    if not stored:
        raise RunFailed("the database has no history yet: ./start.sh demo fills it")
    as_of = choose(stored, set(publications.times(conn)), first_of_market)
    step(f"session {as_of}; {universe().benchmark} is stored from {stored[0]} to {stored[-1]}")
    return as_of


def _run(airflow: Airflow, as_of: date) -> Run:
    conf = {"as_of_date": as_of.isoformat(), "stage_delay_minutes": 0}
    runs.wait_for_dag(airflow, CONTROLLER)
    run = runs.Watch(airflow, airflow.trigger(CONTROLLER, conf)).follow()
    if run.state != "success":
        raise RunFailed(f"the pipeline ended as {run.state}: {airflow.address(run)}")
    return run


def _stages(airflow: Airflow, controller: Run) -> list[Stage]:
    """Read the five stages, and the performance run that follows them."""
    stage_runs = {run.dag_id: run for run in airflow.runs_named(f"__{controller.run_id}")}
    line = {f"{number} {name}": dag_id for number, (name, dag_id) in enumerate(STAGES.items(), 1)}
    line["performance"] = BESIDE["performance"]
    stages = []
    for name, dag_id in line.items():
        tasks = sorted(
            airflow.tasks(stage_runs[dag_id]), key=lambda task: task.started or datetime.max.replace(tzinfo=UTC)
        )
        spans = {task.task_id: _span(task.started, task.ended) for task in tasks}
        stages.append(Stage(name, _span(stage_runs[dag_id].queued, stage_runs[dag_id].ended), spans))
    return stages


def _applications(stack: Stack) -> list[Span]:
    """Read when each Spark application registered with the master and when it left."""
    found = []
    for raw in _json(f"{stack.url('spark-master-ui')}/json/")["completedapps"]:
        start = datetime.fromtimestamp(raw["starttime"] / 1000, UTC)
        found.append(Span(start, start + timedelta(milliseconds=raw["duration"])))
    return found


def _span(start: datetime | None, end: datetime | None) -> Span:
    if start is None or end is None:
        raise RunFailed("Airflow does not know when a part of the run began or ended")
    return Span(start, end)


def _show(whole: Span, found: Sequence[Part]) -> None:
    def rows(parts: Sequence[tuple[str, float]]) -> list[tuple[str, str, str]]:
        return [(name, f"{seconds:.1f}", f"{seconds / whole.seconds:.0%}") for name, seconds in parts]

    table(("part of the run", "seconds", "share"), rows([(part.name, part.seconds) for part in found]))
    table(("of which", "seconds", "share"), rows(list(by_kind(found).items())))


def _show_end(found: Sequence[Part]) -> None:
    table(("from the last fetch on", "seconds"), [(part.name, f"{part.seconds:.1f}") for part in found])


def _json(url: str) -> Any:
    return httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=False).raise_for_status().json()
