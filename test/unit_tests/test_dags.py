"""The DAGs as Airflow reads them: schedules, dates, pools, retries, and what their tasks do when something is wrong."""

import calendar
import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from collector.receipt import Receipt
from config.config import PROJECT_ROOT
from database import db_helper
from database.queries import unpublished
from database.queries.missing_months import Months
from ops.documents.dags import deleters, said, writers
from ops.native import compose
from ops.replay.chain import rebalances_after
from utils import spark_driver
from utils.command_line import failure_of, print_failure
from utils.dates import last_closed_session, last_session_by, sessions_between
from utils.errors import ActstockError, NotASession, NotPublished, RateLimited, UnknownTicker

DAGS = PROJECT_ROOT / "airflow" / "dags"
# Topic -> the tables of its consumer, as its service says.
TABLES = {
    names[0]: {*names[1:]}
    for name, service in compose.services().items()
    if name.startswith("consumer-")
    for names in [re.findall("`(.*?)`", service["x-about"])]
}
PLUGINS = PROJECT_ROOT / "airflow" / "plugins"
CONTROLLER = "daily_pipeline_controller"
STAGES = {
    "daily_benchmark_etf_collection": "0 9 * * 1-5",
    "daily_sector_etf_collection": "0 10 * * 1-5",
    "daily_trending_etf_analysis": "0 11 * * 1-5",
    "daily_trending_etf_holdings_collection": "0 12 * * 1-5",
    "daily_portfolio_allocation": "0 13 * * 1-5",
}
REPOLL = "completeness_repoll"
MONTHLY_ETFS = "monthly_etf_collection_last_weekend"
REBALANCE = "monthly_portfolio_rebalance"
TOP_HOLDINGS = "etf_top_holdings_analysis"
PERFORMANCE = "portfolio_performance"
IN_BOTH_MODES = {
    REPOLL: "30 14 * * 1-5",
    "etf_holdings_daily": "0 9 * * 1-5",
    TOP_HOLDINGS: "30 13 * * 1-5",
    MONTHLY_ETFS: "0 10 * * L6",
    REBALANCE: "0 14 * * L0",
    "maintenance": "30 15 * * 1-5",
}
CRONS = {**STAGES, PERFORMANCE: "30 13 * * 1-5", CONTROLLER: "30 21 * * 1-5", **IN_BOTH_MODES}
DAILY = [dag_id for dag_id in CRONS if dag_id not in (MONTHLY_ETFS, REBALANCE)]
PAUSED_AT_FIRST = ("etf_holdings_daily",)
SPARK_STAGES = ("daily_trending_etf_analysis", "daily_portfolio_allocation")
MODES = ("staggered", "controller")
POOLS = {
    **{(dag, "collect"): "yahoo" for dag in (*STAGES, REPOLL) if dag not in SPARK_STAGES},
    ("daily_trending_etf_analysis", "identify_trending"): "spark",
    ("daily_portfolio_allocation", "allocate"): "spark",
    ("etf_holdings_daily", "collect"): "yahoo",
    (MONTHLY_ETFS, "collect"): "yahoo",
    (MONTHLY_ETFS, "analyze_sectors"): "spark",
    (TOP_HOLDINGS, "measure_top_holdings"): "spark",
    (REBALANCE, "rebalance"): "spark",
    (REBALANCE, "follow_portfolios"): "spark",
    (PERFORMANCE, "follow_portfolios"): "spark",
}


def airflow_environment(home: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Airflow with a home of its own and our plugins, without a database."""
    assert "airflow.settings" not in sys.modules, "Airflow reads its environment once: import it inside tests only"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in airflow_environment(tmp_path_factory.mktemp("airflow")).items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture(scope="module")
def bags(airflow: pytest.MonkeyPatch) -> dict[str, Any]:
    """Schedule mode -> the DAG folder read in that mode."""
    return {mode: _read(airflow, mode) for mode in MODES}


def _read(airflow: pytest.MonkeyPatch, mode: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    airflow.setenv("PIPELINE_SCHEDULE", mode)
    for shared in ("dag_common", "dag_spark", "dag_collect", "dag_stage"):  # they read the settings when imported
        sys.modules.pop(shared, None)
    return DagBag(str(DAGS))


@pytest.fixture(scope="module")
def stored(bags: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Schedule mode -> id -> the DAG as scheduler and API server see it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return {
        mode: {dag_id: DagSerialization.from_dict(DagSerialization.to_dict(dag)) for dag_id, dag in bag.dags.items()}
        for mode, bag in bags.items()
    }


@pytest.fixture(scope="module")
def common(bags: dict[str, Any]) -> Any:
    import dag_common

    return dag_common


@pytest.fixture(params=[(mode, dag_id) for mode in MODES for dag_id in CRONS], ids="-".join)
def dag(request: pytest.FixtureRequest, bags: dict[str, Any]) -> Any:
    mode, dag_id = request.param
    return bags[mode].dags[dag_id]


def tasks_of(bags: dict[str, Any]) -> list[Any]:
    return [task for dag in bags["staggered"].dags.values() for task in dag.tasks]


class TestDeclaration:
    @pytest.mark.parametrize("mode", MODES)
    def test_every_file_is_read(self, bags: dict[str, Any], mode: str) -> None:
        assert bags[mode].import_errors == {}
        assert set(bags[mode].dags) == set(CRONS)

    def test_files_are_named_after_their_dag(self, bags: dict[str, Any]) -> None:
        for dag_id, dag in bags["staggered"].dags.items():
            assert Path(dag.fileloc).name == f"{dag_id}_dag.py"

    def test_airflow_lists_the_stages_in_their_order(self, bags: dict[str, Any]) -> None:
        names = {dag_id: dag.dag_display_name for dag_id, dag in bags["staggered"].dags.items()}
        assert [names[dag_id] for dag_id in STAGES] == sorted(names.values())[: len(STAGES)]
        assert names["daily_benchmark_etf_collection"] == "1 · Benchmark ETFs"
        assert len(set(names.values())) == len(names)

    def test_what_a_user_sees(self, dag: Any) -> None:
        assert not dag.catchup
        assert dag.is_paused_upon_creation is (dag.dag_id in PAUSED_AT_FIRST)
        assert dag.tags
        for word in ("as_of_date", "backfill", dag.dag_id, "writes" if dag.dag_id == CONTROLLER else "Writes"):
            assert word in dag.doc_md
            assert "{" not in dag.doc_md.replace('{"stage_delay_minutes": 0}', ""), "a placeholder was left"

    def test_what_collects_names_all_that_it_writes(self, bags: dict[str, Any]) -> None:
        """The documents of the tables are made of it."""
        for dag_id in {task.dag_id for task in tasks_of(bags) if task.pool == "yahoo"}:
            written = {*re.findall("`(.*?)`", said(bags["staggered"].dags[dag_id].doc_md, "Writes"))}
            assert {"logs_yahoo_request", "evidence_source_answer"} <= written, dag_id
            reached = {table for topic, tables in TABLES.items() if topic in written for table in tables}
            assert {name for name in written if name.startswith("collected_")} <= reached, dag_id
            assert all(written & tables for topic, tables in TABLES.items() if topic in written), dag_id
            if "etf-holdings-data" in written:
                assert {"collected_meta_etf", "logs_missing_holdings"} <= written, dag_id

    def test_who_writes_a_table_is_found_in_the_dags(self) -> None:
        assert writers("logs_yahoo_request") and "maintenance" not in writers("logs_yahoo_request")
        assert deleters("logs_yahoo_request") == ["maintenance"]

    @pytest.mark.parametrize("dag_id", CRONS)
    def test_a_session_is_written_as_a_date(self, stored: dict[str, dict[str, Any]], dag_id: str) -> None:
        params = stored["staggered"][dag_id].params
        for good in ({}, {"as_of_date": "2026-08-21"}):
            params.deep_merge(good).validate()
        for bad in ("20260821", "2026-02-30", "yesterday"):
            with pytest.raises(Exception, match="is not a 'date'"):
                params.deep_merge({"as_of_date": bad}).validate()

    def test_pools(self, bags: dict[str, Any]) -> None:
        in_pools = {(task.dag_id, task.task_id): task.pool for task in tasks_of(bags) if task.pool != "default_pool"}
        assert in_pools == POOLS

    def test_pools_are_made_and_have_one_slot(self) -> None:
        """A task whose pool does not exist never starts."""
        made = json.loads((PROJECT_ROOT / "airflow" / "pools.json").read_text(encoding="utf-8"))
        assert {name: pool["slots"] for name, pool in made.items()} == dict.fromkeys(POOLS.values(), 1)

    def test_retries_wait_longer_each_time(self, bags: dict[str, Any]) -> None:
        for task in tasks_of(bags):
            assert task.retries >= 1
            assert task.retry_exponential_backoff == 2.0
            assert task.max_retry_delay == timedelta(minutes=15)

    def test_retries_outlast_the_cooldown_after_a_429(self, bags: dict[str, Any], common: Any) -> None:
        collect = bags["staggered"].dags["daily_benchmark_etf_collection"].get_task("collect")
        waits = [collect.retry_delay * 2**attempt for attempt in range(collect.retries)]
        assert sum(waits, timedelta()) >= timedelta(seconds=common.SETTINGS.yahoo.cooldown_seconds)

    def test_only_waiting_without_a_worker_slot(self, bags: dict[str, Any]) -> None:
        for task in tasks_of(bags):
            if hasattr(task, "trigger_dag_id"):
                assert task.wait_for_completion and task.deferrable and task.fail_when_dag_is_paused

    def test_reading_the_files_loads_nothing_heavy(self, tmp_path: Path) -> None:
        heavy = ("pandas", "pyspark", "yfinance", "kafka", "psycopg2", "exchange_calendars")
        code = f"""
import sys
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag({str(DAGS)!r})
print(len(bag.dags), sorted(set({heavy}) & (set(sys.modules) - before)))
"""
        environment = os.environ | airflow_environment(tmp_path) | {"PYTHONPATH": f"{PROJECT_ROOT}:{DAGS}"}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.splitlines()[-1] == f"{len(CRONS)} []"


class Stage:
    """A controller's task, and an Airflow that starts its run and knows the run's next states."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.states: list[str] = []

    def of(self, after_minutes: int | str = 0) -> Any:
        from dag_stage import Stage

        made = Stage(task_id="s", trigger_dag_id="d", after_minutes=after_minutes)
        made.trigger_run_id = "r"
        return made

    @property
    def context(self) -> dict[str, Any]:
        return {
            "ti": SimpleNamespace(
                get_dag=lambda dag_id: SimpleNamespace(is_paused=False),
                get_dagrun_state=lambda dag_id, run_id: self.states.pop(0),
            )
        }


@pytest.fixture
def stage(common: Any, monkeypatch: pytest.MonkeyPatch) -> Stage:
    import dag_stage

    made = Stage()
    monkeypatch.setattr(dag_stage, "_trigger", lambda asked: made.started.append(asked.dag_run_id))
    monkeypatch.setattr(dag_stage, "POLL_SECONDS", 0)
    return made


class TestController:
    def test_stages_in_order_with_a_delay_after_the_first_and_third(self, bags: dict[str, Any]) -> None:
        dag = bags["controller"].dags[CONTROLLER]
        (line,) = [[task] for task in dag.tasks if not task.upstream_list]
        while line[-1].downstream_list:
            (following,) = line[-1].downstream_list
            line.append(following)
        assert [task.trigger_dag_id for task in line] == [*STAGES, PERFORMANCE]
        delay = "{{ params.stage_delay_minutes }}"
        assert [task.after_minutes for task in line] == [0, delay, 0, delay, 0, 0]

    def test_every_stage_gets_the_one_session_as_text(self, bags: dict[str, Any], common: Any) -> None:
        for task in bags["controller"].dags[CONTROLLER].tasks:
            assert task.conf == {"as_of_date": common.AS_OF}
            assert task.trigger_run_id == f"{common.AS_OF}__{common.RUN_ID}"
            assert task.logical_date is None
            assert task.reset_dag_run

    def test_a_delay_waits_in_the_triggerer(self, stage: Stage) -> None:
        from airflow.sdk.exceptions import TaskDeferred

        with pytest.raises(TaskDeferred) as deferred:
            stage.of(after_minutes="60").execute(stage.context)
        wait = deferred.value.trigger.moment - datetime.now(UTC)
        assert timedelta(minutes=59) < wait <= timedelta(minutes=60)
        assert stage.started == []
        stage.states = ["success"]
        getattr(stage.of(after_minutes="60"), deferred.value.method_name)(stage.context, None)
        assert stage.started == ["r"]

    def test_the_end_of_a_short_run_is_waited_for_at_once(self, stage: Stage) -> None:
        stage.states = ["queued", "running", "success"]
        stage.of(after_minutes="0").execute(stage.context)
        assert (stage.started, stage.states) == (["r"], [])

    def test_a_longer_run_is_waited_for_in_the_triggerer(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        import dag_stage
        from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

        monkeypatch.setattr(dag_stage, "WAIT_HERE_SECONDS", 0)
        with pytest.raises(TaskDeferred) as deferred:
            stage.of().execute(stage.context)
        _, told = deferred.value.trigger.serialize()
        assert (told["dag_id"], told["run_ids"], set(told["states"])) == ("d", ["r"], {"success", "failed"})
        resume = getattr(stage.of(), deferred.value.method_name)
        resume(stage.context, ("trigger", told | {"r": "success"}))
        with pytest.raises(AirflowFailException, match="d failed: its run r tells why"):
            resume(stage.context, ("trigger", told | {"r": "failed"}))

    def test_a_stage_that_failed_is_not_started_again(self, stage: Stage) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        stage.states = ["running", "failed"]
        with pytest.raises(AirflowFailException, match="d failed: its run r tells why"):
            stage.of().execute(stage.context)

    def test_the_setting_is_the_default_delay(self, airflow: pytest.MonkeyPatch) -> None:
        airflow.setenv("STAGE_DELAY_MINUTES", "7")
        dag = _read(airflow, "controller").dags[CONTROLLER]
        airflow.delenv("STAGE_DELAY_MINUTES")
        assert dag.params["stage_delay_minutes"] == 7


class TestSchedule:
    @pytest.mark.parametrize("mode", MODES)
    def test_one_of_both_schedules_is_on(self, stored: dict[str, dict[str, Any]], mode: str) -> None:
        for dag_id, dag in stored[mode].items():
            on = dag_id in IN_BOTH_MODES or (dag_id == CONTROLLER) == (mode == "controller")
            assert dag.timetable.summary == (CRONS[dag_id] if on else f"off ({CRONS[dag_id]})")
            assert (dag.next_dagrun_info(last_automated_run_info=None) is not None) == on

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("dag_id", DAILY)
    def test_a_backfill_takes_both_its_days_whatever_the_mode(
        self, stored: dict[str, dict[str, Any]], mode: str, dag_id: str
    ) -> None:
        dag = stored[mode][dag_id]
        assert dag.timetable.periodic, "Airflow refuses to backfill it"
        runs = dag.iter_dagrun_infos_between(datetime(2026, 8, 7, tzinfo=UTC), datetime(2026, 8, 12, tzinfo=UTC))
        assert [run.logical_date for run in runs] == [
            datetime(2026, 8, day, 21, 30, tzinfo=UTC) for day in (7, 10, 11, 12)
        ]

    def test_a_backfill_can_end_within_a_day(self, stored: dict[str, dict[str, Any]]) -> None:
        dag = stored["staggered"]["daily_benchmark_etf_collection"]
        noon = datetime(2026, 8, 12, 12, tzinfo=UTC)
        assert [run.logical_date.day for run in dag.iter_dagrun_infos_between(noon - timedelta(days=1), noon)] == [11]

    def test_the_last_saturday_of_every_month_of_three_years(
        self, stored: dict[str, dict[str, Any]], common: Any
    ) -> None:
        ticks = list(_ticks(stored["controller"][MONTHLY_ETFS].timetable, datetime(2026, 1, 1, tzinfo=UTC), 36))
        assert [run.run_after for run in ticks] == [
            max(
                datetime(year, month, day, 10, tzinfo=UTC)
                for week, day in ((week, week[calendar.SATURDAY]) for week in calendar.monthcalendar(year, month))
                if day
            )
            for year in (2026, 2027, 2028)
            for month in range(1, 13)
        ]
        for run in ticks:
            assert _as_of(common, run.logical_date, run.run_after) == last_closed_session(run.run_after)
        about = {
            (run.run_after.year, run.run_after.month): _as_of(common, run.logical_date, run.run_after) for run in ticks
        }
        assert about[2026, 8] == date(2026, 8, 28)  # not the weekend of the last Sunday
        assert about[2027, 3] == date(2027, 3, 25)  # Good Friday

    def test_a_backfill_of_months_takes_those_whose_session_is_in_the_range(
        self, stored: dict[str, dict[str, Any]]
    ) -> None:
        runs = stored["staggered"][MONTHLY_ETFS].iter_dagrun_infos_between(
            datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 7, 24, tzinfo=UTC)
        )
        assert [run.logical_date for run in runs] == [
            datetime(2026, month, day, 21, 30, tzinfo=UTC) for month, day in ((5, 29), (6, 26), (7, 24))
        ]

    @pytest.mark.parametrize("mode", MODES)
    def test_the_last_sunday_of_every_month_of_three_years(
        self, stored: dict[str, dict[str, Any]], common: Any, mode: str
    ) -> None:
        """14:00 UTC, dated by the day itself, which is also the rebalance date of the run."""
        ticks = list(_ticks(stored[mode][REBALANCE].timetable, datetime(2025, 1, 1, tzinfo=UTC), 36))
        sundays = list(_last_sundays(2025, 2026, 2027))
        assert [run.run_after for run in ticks] == [run.logical_date for run in ticks] == sundays
        assert [_rebalance_date(common, run.logical_date, run.run_after) for run in ticks] == [
            day.date() for day in sundays
        ]

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("2025-01-01", "2027-12-31"),
            ("2026-01-25", "2026-08-30"),  # both ends are last Sundays
            ("2026-01-26", "2026-08-29"),  # and now neither is
            ("2026-08-01", "2026-08-29"),  # none
        ],
    )
    def test_a_backfill_of_the_rebalance_takes_the_last_sundays_of_the_range(
        self, stored: dict[str, dict[str, Any]], common: Any, mode: str, start: str, end: str
    ) -> None:
        first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (start, end))
        dag = stored[mode][REBALANCE]
        assert dag.timetable.periodic, "Airflow refuses to backfill it"
        runs = [run.logical_date for run in dag.iter_dagrun_infos_between(first, last)]
        assert runs == [day for day in _last_sundays(2025, 2026, 2027) if first.date() <= day.date() <= last.date()]
        later = datetime(2028, 1, 5, 12, tzinfo=UTC)
        assert [_rebalance_date(common, day, later) for day in runs] == [day.date() for day in runs]

    @pytest.mark.parametrize("dag_id", DAILY)
    def test_two_years_of_ticks(self, stored: dict[str, dict[str, Any]], common: Any, dag_id: str) -> None:
        """Each weekday has one tick, a date of its own, and is about the last session that was over at the tick."""
        mode = "controller" if dag_id == CONTROLLER else "staggered"
        ticks = list(_ticks(stored[mode][dag_id].timetable, datetime(2026, 1, 1, tzinfo=UTC), 520))
        minute, hour = map(int, CRONS[dag_id].split()[:2])
        assert {(run.run_after.hour, run.run_after.minute) for run in ticks} == {(hour, minute)}
        assert [run.run_after.weekday() for run in ticks[:6]] == [3, 4, 0, 1, 2, 3]
        assert len({run.logical_date for run in ticks}) == len(ticks)
        for run in ticks:
            assert _as_of(common, run.logical_date, run.run_after) == last_closed_session(run.run_after)

    @pytest.mark.parametrize(
        ("now", "last", "expected"),
        [
            ("2026-08-16T14:00", None, "2026-08-17T09:00"),  # first start on a Sunday: Monday's tick
            ("2026-08-18T11:00", None, "2026-08-19T09:00"),  # first start, today's tick is past: it does not run
            ("2026-08-18T09:03", "2026-08-17T09:00", "2026-08-18T09:00"),  # back within minutes: it runs
            ("2026-08-18T14:00", "2026-08-12T09:00", "2026-08-19T09:00"),  # back after a week: nothing is caught up
            ("2026-08-18T09:01", "2026-08-18T09:00", "2026-08-19T09:00"),
            ("2026-08-18T22:00", "2026-08-18T21:30", "2026-08-20T09:00"),  # the 18th has been backfilled
        ],
    )
    def test_next_tick(
        self, common: Any, monkeypatch: pytest.MonkeyPatch, now: str, last: str | None, expected: str
    ) -> None:
        import pendulum
        from airflow.timetables.base import DataInterval, TimeRestriction
        from session_timetable import SessionTimetable

        def moment(text: str) -> pendulum.DateTime:
            return pendulum.instance(datetime.fromisoformat(text).replace(tzinfo=UTC))

        monkeypatch.setattr(pendulum, "now", lambda zone: moment(now))
        run = SessionTimetable("0 9 * * 1-5").next_dagrun_info(
            last_automated_data_interval=DataInterval.exact(moment(last)) if last else None,
            restriction=TimeRestriction(earliest=None, latest=None, catchup=False),
        )
        assert run is not None and run.run_after == moment(expected)

    @pytest.mark.parametrize(
        ("now", "last", "expected"),
        [
            ("2026-08-18T18:00", "2026-08-17T14:30", "2026-08-18T14:30"),  # on again in the evening: today's
            ("2026-08-18T18:00", "2026-08-11T14:30", "2026-08-18T14:30"),  # after a week: today's alone
            ("2026-08-18T18:00", "2026-08-18T14:30", "2026-08-19T14:30"),
            ("2026-08-18T18:00", None, "2026-08-19T14:30"),  # a new platform has missed nothing
            ("2026-08-23T12:00", "2026-08-20T14:30", "2026-08-24T14:30"),  # on Sunday, Friday's is long past
        ],
    )
    def test_a_repoll_that_was_missed_runs_when_the_platform_is_on_again(
        self,
        stored: dict[str, dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
        now: str,
        last: str | None,
        expected: str,
    ) -> None:
        import pendulum
        from airflow.timetables.base import DataInterval, TimeRestriction

        def moment(text: str) -> pendulum.DateTime:
            return pendulum.instance(datetime.fromisoformat(text).replace(tzinfo=UTC))

        monkeypatch.setattr(pendulum, "now", lambda zone: moment(now))
        run = stored["staggered"][REPOLL].timetable.next_dagrun_info(
            last_automated_data_interval=DataInterval.exact(moment(last)) if last else None,
            restriction=TimeRestriction(earliest=None, latest=None, catchup=False),
        )
        assert run is not None and run.run_after == moment(expected)

    def test_a_timetable_of_an_earlier_version_is_read(self, common: Any) -> None:
        from session_timetable import GRACE, SessionTimetable

        read = SessionTimetable.deserialize({"cron": "30 14 * * 1-5", "on_schedule": True})
        assert read.serialize()["grace_minutes"] == GRACE.total_seconds() / 60

    def test_a_run_is_named_after_the_evening_it_is_about(self, stored: dict[str, dict[str, Any]]) -> None:
        from airflow.utils.types import DagRunType

        timetable = stored["staggered"]["daily_benchmark_etf_collection"].timetable
        (run,) = _ticks(timetable, datetime(2026, 8, 18, tzinfo=UTC), 1)
        name = timetable.generate_run_id(
            run_type=DagRunType.SCHEDULED, run_after=run.run_after, data_interval=run.data_interval
        )
        assert name == "scheduled__2026-08-17T21:30:00+00:00"

    def test_wrong_passwords_of_airflow_are_slowed_down(self, common: Any) -> None:
        from slow_login import FREE, SlowLogin
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import Response
        from starlette.routing import Route
        from starlette.testclient import TestClient

        async def answer(request: Request) -> Response:
            return Response(status_code=201 if b"right" in await request.body() else 401)

        paths = [Route(path, answer, methods=["POST", "GET"]) for path in ("/auth/token", "/auth/token/cli", "/other")]
        client = TestClient(SlowLogin(Starlette(routes=paths)))
        statuses = [client.post("/auth/token", content="wrong").status_code for _ in range(FREE + 2)]
        assert statuses == [401] * FREE + [429] * 2
        refused = client.post("/auth/token/cli", content="right")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert client.post("/other", content="wrong").status_code == 401
        client = TestClient(SlowLogin(Starlette(routes=paths)))
        assert {client.post("/auth/token", content="right").status_code for _ in range(FREE * 2)} == {201}

    def test_airflow_takes_passwords_where_they_are_slowed_down(self, common: Any) -> None:
        from airflow import plugins_manager
        from airflow.api_fastapi.auth.managers.simple.routes.login import login_router
        from slow_login import LOGINS, SlowLogin

        routes: Any = login_router.routes
        assert {f"/auth{route.path}" for route in routes if "POST" in route.methods} == set(LOGINS)
        _, middlewares = plugins_manager.get_fastapi_plugins()
        assert [each["middleware"].__name__ for each in middlewares] == [SlowLogin.__name__]

    def test_examples(self, common: Any) -> None:
        import dag_common
        import session_timetable

        assert [doctest.testmod(module).failed for module in (session_timetable, dag_common)] == [0, 0]


def _ticks(timetable: Any, start: datetime, count: int) -> Iterator[Any]:
    import pendulum
    from airflow.timetables.base import TimeRestriction

    restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pendulum, "now", lambda zone: pendulum.instance(start))
        last = None
        for _ in range(count):
            run = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
            last = run.data_interval
            yield run


def _last_sundays(*years: int) -> Iterator[datetime]:
    """By counting days in plain calendars."""
    for year, month in ((year, month) for year in years for month in range(1, 13)):
        sundays = [week[calendar.SUNDAY] for week in calendar.monthcalendar(year, month) if week[calendar.SUNDAY]]
        yield datetime(year, month, max(sundays), 14, tzinfo=UTC)


def _rebalance_date(common: Any, logical_date: datetime | None, run_after: datetime, asked: str | None = None) -> date:
    run = SimpleNamespace(logical_date=logical_date, run_after=run_after)
    return date.fromisoformat(common.rebalance_date({"as_of_date": asked}, run))


def _as_of(
    common: Any, logical_date: datetime | None, run_after: datetime, asked: str | None = None, run_type: str = "manual"
) -> date:
    run = SimpleNamespace(logical_date=logical_date, run_after=run_after, run_type=run_type)
    return date.fromisoformat(common.as_of({"as_of_date": asked}, run))


class TestSession:
    """Which session a run is about."""

    TUESDAY = datetime(2026, 8, 18, 9, 20, tzinfo=UTC)
    WINTER = datetime(2026, 12, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("logical_date", "run_after", "expected"),
        [
            (None, TUESDAY, date(2026, 8, 17)),  # by hand
            (TUESDAY, TUESDAY, date(2026, 8, 17)),  # by hand, in the user interface
            (datetime(2026, 8, 17, 21, 30, tzinfo=UTC), TUESDAY, date(2026, 8, 17)),  # on schedule
            (datetime(2026, 8, 14, 21, 30, tzinfo=UTC), TUESDAY, date(2026, 8, 14)),  # backfilled
            (datetime(2026, 7, 3, 21, 30, tzinfo=UTC), TUESDAY, date(2026, 7, 2)),  # about a holiday
            (datetime(2026, 11, 27, 18, 30, tzinfo=UTC), WINTER, date(2026, 11, 27)),  # an early close
            (datetime(2027, 1, 1, tzinfo=UTC), TUESDAY, date(2026, 8, 17)),  # a logical date to come
        ],
    )  # fmt: skip
    def test_the_last_closed_at_the_runs_moment(
        self, common: Any, logical_date: datetime | None, run_after: datetime, expected: date
    ) -> None:
        assert _as_of(common, logical_date, run_after) == expected

    def test_the_one_asked_for(self, common: Any) -> None:
        assert _as_of(common, self.TUESDAY, self.TUESDAY, "2026-07-02") == date(2026, 7, 2)

    def test_a_backfill_computes_the_session_of_each_runs_date(self, common: Any) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        assert _as_of(common, self.TUESDAY, self.TUESDAY, run_type="backfill") == date(2026, 8, 17)
        with pytest.raises(AirflowFailException, match="every run of this backfill would compute 2026-07-02"):
            _as_of(common, self.TUESDAY, self.TUESDAY, "2026-07-02", run_type="backfill")

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ("2026-08-15", "is not an XNYS session: the nearest are 2026-08-14 and 2026-08-17"),
            ("2026-08-18", "is not over yet: the last closed one is 2026-08-17"),
            ("1999-01-04", "outside the XNYS calendar"),
        ],
    )
    def test_no_retry_for_a_day_that_cannot_be(self, common: Any, asked: str, message: str) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        with pytest.raises(AirflowFailException, match=message):
            _as_of(common, None, self.TUESDAY, asked)


class TestLateBars:
    """Whether a collecting task goes on without a bar that the source does not have yet."""

    @pytest.mark.parametrize(
        ("asked_to", "try_number", "accepts"),
        [(False, 1, False), (False, 4, False), (False, 5, True), (True, 1, True)],
    )
    def test_when_asked_to_and_at_the_last_try(
        self, common: Any, asked_to: bool, try_number: int, accepts: bool
    ) -> None:
        from dag_collect import accepts_late

        assert accepts_late(_context(try_number, accept_late=asked_to)) is accepts

    @pytest.mark.parametrize(
        ("dag_id", "producer"),
        [
            ("daily_benchmark_etf_collection", "kafka_producer_etf_daily"),
            ("daily_sector_etf_collection", "kafka_producer_etf_daily"),
            ("daily_trending_etf_holdings_collection", "kafka_producer_trending_etf_holdings"),
        ],
    )
    @pytest.mark.parametrize("try_number", [4, 5])
    def test_the_producer_is_told(
        self, bags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, dag_id: str, producer: str, try_number: int
    ) -> None:
        import importlib

        told = []
        module = importlib.import_module(f"collector.{producer}")
        monkeypatch.setattr(module, "run", lambda *given: told.append(given[-1]) or Receipt(date(2026, 8, 21)))
        dag = bags["staggered"].dags[dag_id]
        assert dag.params["accept_late"] is False

        _collect(dag, monkeypatch, [True]).execute(_context(try_number, **dag.params))

        assert told == [try_number == 5]


class TestStoring:
    """A collecting task ends when its rows are in Postgres."""

    RECEIPT = Receipt(date(2026, 8, 21), sent={"etf-daily-data": 2}, requests=2)

    @pytest.fixture
    def sent(self, bags: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
        """Return a collecting task whose producer has sent something. stored: what each look finds."""
        from collector import kafka_producer_etf_daily

        monkeypatch.setattr(kafka_producer_etf_daily, "run", lambda *given: self.RECEIPT)
        dag = bags["staggered"].dags["daily_benchmark_etf_collection"]
        return lambda *stored: _collect(dag, monkeypatch, list(stored))

    def test_at_once(self, sent: Callable[..., Any]) -> None:
        task = sent(True)
        assert task.outcome is None
        assert Receipt.from_dict(task.execute(_context())) == self.RECEIPT
        assert task.outcome == (False, self.RECEIPT.outcome)

    def test_later_in_the_triggerer(self, sent: Callable[..., Any]) -> None:
        from airflow.sdk.exceptions import TaskDeferred

        with pytest.raises(TaskDeferred) as deferred:
            sent(False).execute(_context())
        task = sent(True)
        again = getattr(task, deferred.value.method_name)
        assert Receipt.from_dict(again(_context(), **(deferred.value.kwargs or {}), event=None)) == self.RECEIPT
        assert task.outcome == (False, self.RECEIPT.outcome)

    def test_waiting_too_long_says_where_to_look(self, sent: Callable[..., Any], common: Any) -> None:
        from airflow.sdk.exceptions import AirflowException

        long_ago = datetime.now(UTC) - timedelta(seconds=common.SETTINGS.collector.stored_timeout_seconds + 1)
        receipt = self.RECEIPT.to_dict()
        with pytest.raises(AirflowException, match="not in Postgres after 300 seconds: see whether the consumers"):
            sent(False).look_again(_context(), receipt, long_ago.isoformat())
        assert sent(True).look_again(_context(), receipt, long_ago.isoformat()) == receipt, "it is there after all"


def _context(try_number: int = 1, **params: Any) -> dict[str, Any]:
    return {"params": params, "ti": SimpleNamespace(try_number=try_number, max_tries=4)}


def _collect(dag: Any, monkeypatch: pytest.MonkeyPatch, stored: list[bool]) -> Any:
    """Return a DAG's collecting task with its templates filled in. stored: what each look at the rows finds."""
    from collector import receipt

    monkeypatch.setattr(receipt, "stored_within", lambda *_: stored.pop(0))
    task = copy(dag.get_task("collect"))
    task.as_of, task.started_by = "2026-08-21", "r"
    return task


class TestRebalanceDate:
    TUESDAY = datetime(2026, 8, 18, 9, 20, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("logical_date", "run_after", "asked", "expected"),
        [
            (None, TUESDAY, None, date(2026, 7, 26)),  # by hand
            (datetime(2026, 3, 29, 14, tzinfo=UTC), TUESDAY, None, date(2026, 3, 29)),  # backfilled
            (datetime(2027, 1, 31, 14, tzinfo=UTC), TUESDAY, None, date(2026, 7, 26)),  # a logical date to come
            (None, TUESDAY, "2026-08-16", date(2026, 8, 16)),  # any day will do, a Sunday ...
            (TUESDAY, TUESDAY, "2026-08-18", date(2026, 8, 18)),  # ... or the day itself
        ],
    )
    def test_the_one_asked_for_or_the_newest_last_sunday(
        self, common: Any, logical_date: datetime | None, run_after: datetime, asked: str | None, expected: date
    ) -> None:
        assert _rebalance_date(common, logical_date, run_after, asked) == expected

    def test_no_retry_for_a_day_to_come(self, common: Any) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        with pytest.raises(AirflowFailException, match="2026-08-30 is in the future: this run is of 2026-08-18"):
            _rebalance_date(common, None, self.TUESDAY, "2026-08-30")

    def test_the_job_is_given_it(self, bags: dict[str, Any]) -> None:
        """Every job has the same template with its own macro."""
        macros = {dag_id: dag.user_defined_macros["as_of"] for dag_id, dag in bags["staggered"].dags.items()}
        assert {dag_id for dag_id, macro in macros.items() if macro.__name__ == "rebalance_date"} == {REBALANCE}
        assert {macro.__name__ for macro in macros.values()} == {"as_of", "rebalance_date"}

    def test_the_record_follows_it_up_to_the_session_that_it_merges(self, bags: dict[str, Any], common: Any) -> None:
        """A month computed by hand is in the record without waiting for the next session."""
        dag = bags["staggered"].dags[REBALANCE]
        follow = dag.get_task("follow_portfolios")
        assert follow.upstream_task_ids == {"rebalance"}
        assert follow.application_args[:2] == ["--as-of-date", common.SESSION_BY]
        assert common.SESSION_BY == "{{ session_by(as_of(params, dag_run)) }}"
        session_by = dag.user_defined_macros["session_by"]
        assert [session_by(day) for day in ("2026-08-30", "2026-08-28")] == ["2026-08-28", "2026-08-28"]


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "retried"), [(RateLimited("Yahoo said 429"), True), (UnknownTicker("no such ticker XX"), False)]
    )
    def test_what_a_retry_cannot_help_fails_at_once(self, common: Any, error: ActstockError, retried: bool) -> None:
        from airflow.sdk.exceptions import AirflowException, AirflowFailException

        with pytest.raises(AirflowException) as raised, common.airflow_errors():
            raise error
        assert str(raised.value) == str(error)
        assert isinstance(raised.value, AirflowFailException) != retried
        assert getattr(raised.value, "reason", None) == (error.reason if error else None)

    def test_a_programming_error_keeps_its_trace(self, common: Any) -> None:
        with pytest.raises(ZeroDivisionError), common.airflow_errors():
            _ = 1 / 0

    @pytest.mark.parametrize(
        ("code", "error", "message", "retried"),
        [
            (1, NotPublished("stage 1 has not run"), "^stage 1 has not run$", True),
            (2, NotASession("2026-08-15 is no session"), "^2026-08-15 is no session$", False),
            (1, None, "^Cannot execute: spark-submit", True),
        ],
    )
    def test_a_spark_job_fails_with_its_own_message(
        self,
        bags: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        code: int,
        error: ActstockError | None,
        message: str,
        retried: bool,
    ) -> None:
        from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
        from airflow.sdk.exceptions import AirflowException, AirflowFailException

        if error:
            print_failure(failure_of(error))
        output = capsys.readouterr().out or "java.lang.OutOfMemoryError"

        def fail(*_: Any) -> None:
            raise AirflowException(
                f"Cannot execute: spark-submit x.py. Error code is: {code}.\nLast spark-submit output:\nhello\n{output}"
            )

        monkeypatch.setattr(SparkSubmitOperator, "execute", fail)
        job = bags["staggered"].dags["daily_portfolio_allocation"].get_task("allocate")
        with pytest.raises(AirflowException, match=message) as raised:
            job.execute({})
        assert isinstance(raised.value, AirflowFailException) != retried

    def test_a_job_on_the_warm_driver_fails_with_its_own_message_too(
        self, bags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        print_failure(failure_of(NotASession("2026-08-15 is no session")))
        ended = spark_driver.Outcome(2, capsys.readouterr().out.splitlines())
        monkeypatch.setattr(spark_driver, "run", lambda *_: ended)
        job = bags["staggered"].dags["daily_portfolio_allocation"].get_task("allocate")
        with pytest.raises(AirflowFailException, match=r"^2026-08-15 is no session$"):
            job.execute({})

    @pytest.mark.parametrize(("outcome", "is_submitted"), [(None, True), (spark_driver.Outcome(0, ["{}"]), False)])
    def test_a_job_is_submitted_where_the_warm_driver_cannot_run_it(
        self, bags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, outcome: Any, is_submitted: bool
    ) -> None:
        from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

        submitted: list[Any] = []
        monkeypatch.setattr(spark_driver, "run", lambda *_: outcome)
        monkeypatch.setattr(SparkSubmitOperator, "execute", lambda job, _: submitted.append(job))
        bags["staggered"].dags["daily_portfolio_allocation"].get_task("allocate").execute({})
        assert bool(submitted) == is_submitted


class Published:
    """The sessions with portfolios, as the months' tasks see and make them."""

    def __init__(self) -> None:
        self.sessions: set[date] = set()
        self.started: list[date] = []
        self.at_work: set[date] = set()

    def take(self, asked: Any) -> None:
        """Be the controller: compute the session that it is started for."""
        assert (asked.dag_id, asked.conf["stage_delay_minutes"]) == (CONTROLLER, 0)
        self.started.append(date.fromisoformat(asked.conf["as_of_date"]))
        self.sessions.add(self.started[-1])

    def run(self, dag: Any, run: Any) -> list[date]:
        """Run a monthly DAG, and return the days of its Spark jobs. Each needs the last session by its day."""
        ti = SimpleNamespace(
            get_dag=lambda dag_id: SimpleNamespace(is_paused=False), get_dagrun_state=lambda dag_id, run_id: "success"
        )
        dag_run = SimpleNamespace(logical_date=run.logical_date, run_after=run.run_after, run_type="scheduled")
        context = {"params": {"as_of_date": None}, "dag_run": dag_run, "run_id": "r", "ti": ti}
        days = []
        for task in map(copy, dag.topological_sort()):
            task.render_template_fields(context, dag.get_template_env())
            if task.task_id == "compute_session":
                task.execute(context)
            elif task.pool == "spark":
                days.append(date.fromisoformat(task.application_args[1]))
                assert last_session_by(days[-1]) in self.sessions, f"{task.task_id} of {run.run_after}"
        return days


class TestMonths:
    """When a month is made, its session has its portfolios, in both schedules."""

    YEARS = (2024, 2025, 2026, 2027, 2028)
    # How long after its tick a run has published. The controller waits twice for an hour.
    TAKES = timedelta(hours=4)

    @pytest.fixture
    def published(self, common: Any, monkeypatch: pytest.MonkeyPatch) -> Published:
        from airflow.sdk.execution_time import task_runner

        made = Published()
        monkeypatch.setattr(db_helper, "connect", lambda _: SimpleNamespace(close=lambda: None))
        monkeypatch.setattr(unpublished, "never_computed", lambda *given: {given[-1]} - made.sessions)
        monkeypatch.setattr(unpublished, "at_work", lambda conn: made.at_work)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=made.take), raising=False)
        return made

    def ticks(self, dag: Any, takes: timedelta = timedelta(0)) -> Iterator[tuple[datetime, Any]]:
        """Yield when each run of the years has come to its end, or begins where it takes no time."""
        start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (self.YEARS[0], self.YEARS[-1] + 1))
        for run in _ticks(dag.timetable, start, 366 * len(self.YEARS)):
            if run.run_after >= end:
                return
            yield run.run_after + takes, run

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("dag_id", [MONTHLY_ETFS, REBALANCE])
    def test_its_session_is_published_when_its_jobs_run(
        self,
        bags: dict[str, Any],
        stored: dict[str, dict[str, Any]],
        common: Any,
        published: Published,
        mode: str,
        dag_id: str,
    ) -> None:
        publisher = CONTROLLER if mode == "controller" else "daily_portfolio_allocation"
        daily = [(at, None, run) for at, run in self.ticks(stored[mode][publisher], self.TAKES)]
        monthly = [(at, dag_id, run) for at, run in self.ticks(stored[mode][dag_id])]
        assert len(monthly) == 12 * len(self.YEARS)

        for _, month, run in sorted([*daily, *monthly], key=lambda each: each[0]):
            if month:
                assert published.run(bags[mode].dags[dag_id], run)
            else:
                published.sessions.add(_as_of(common, run.logical_date, run.run_after))

        # Nothing is computed on a weekend that the controller has computed the evening before.
        assert bool(published.started) == (mode == "staggered")

    @pytest.mark.parametrize("mode", MODES)
    def test_a_replay_makes_the_same_months_at_the_same_moments(
        self, stored: dict[str, dict[str, Any]], common: Any, mode: str
    ) -> None:
        first, last = date(self.YEARS[0], 1, 2), date(self.YEARS[-1], 12, 29)
        replayed = [moment for session in sessions_between(first, last) for moment in rebalances_after(session)]
        assert replayed == [run.run_after for _, run in self.ticks(stored[mode][REBALANCE])]

    def test_a_session_that_is_published_is_not_computed_again(
        self, bags: dict[str, Any], stored: dict[str, dict[str, Any]], published: Published
    ) -> None:
        (run,) = _ticks(stored["staggered"][REBALANCE].timetable, datetime(2026, 8, 29, tzinfo=UTC), 1)
        published.sessions.add(date(2026, 8, 28))
        dag = bags["staggered"].dags[REBALANCE]
        assert published.run(dag, run) == [date(2026, 8, 30), date(2026, 8, 28)]
        assert published.started == []

    @pytest.mark.parametrize("is_published", [True, False])
    def test_a_session_at_work_is_waited_for_without_a_worker_slot(
        self, bags: dict[str, Any], published: Published, is_published: bool
    ) -> None:
        """The machine was off from Friday night to Saturday, and the controller goes on."""
        from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

        friday = date(2026, 8, 28)
        task = copy(bags["controller"].dags[MONTHLY_ETFS].get_task("compute_session"))
        task.session, task.conf = friday.isoformat(), {**task.conf, "as_of_date": friday.isoformat()}
        ti = SimpleNamespace(
            get_dag=lambda dag_id: SimpleNamespace(is_paused=False), get_dagrun_state=lambda dag_id, run_id: "success"
        )
        published.at_work.add(friday)
        with pytest.raises(TaskDeferred) as deferred:
            task.execute({"ti": ti})
        look = getattr(task, deferred.value.method_name)
        with pytest.raises(TaskDeferred) as again:
            look({"ti": ti}, event=None, **(deferred.value.kwargs or {}))
        assert again.value.trigger.moment - datetime.now(UTC) <= timedelta(minutes=1)
        assert published.started == []
        with pytest.raises(AirflowFailException, match="2026-08-28 is still at work"):
            look({"ti": ti}, event=None, looks=24 * 60)

        published.at_work.clear()
        published.sessions.update({friday} if is_published else ())
        look({"ti": ti}, event=None, **(again.value.kwargs or {}))
        assert published.started == ([] if is_published else [friday])

    def test_holdings_are_collected_even_if_the_session_cannot_be_computed(self, bags: dict[str, Any]) -> None:
        """They cannot be asked for later."""
        dag = bags["staggered"].dags[MONTHLY_ETFS]
        assert dag.get_task("collect").upstream_task_ids == set()
        assert dag.get_task("analyze_sectors").upstream_task_ids == {"collect", "compute_session"}

    def test_the_repoll_makes_missing_ones_whatever_the_source_says(self, bags: dict[str, Any]) -> None:
        """Once the sessions are computed, for a month computes its own as well."""
        dag = bags["staggered"].dags[REPOLL]
        assert dag.get_task("missing_months").upstream_task_ids == {"compute"}
        assert dag.get_task("missing_months").trigger_rule == "all_done"
        make = dag.get_task("make_months")
        assert make.upstream_task_ids == {"missing_months"}
        assert make.partial_kwargs["max_active_tis_per_dagrun"] == 1, "the second finds the session computed"
        [run] = _module(bags, "missing_months").months_of(Months([], [date(2026, 7, 26)]), (), "manual__1")
        operator = make.unmap(run)
        assert operator.trigger_dag_id == REBALANCE and operator.wait_for_completion and operator.deferrable

    def test_the_newest_three_of_each_kind(self, bags: dict[str, Any], stored: dict[str, dict[str, Any]]) -> None:
        module = _module(bags, "missing_months")
        sundays = [date(2026, month, day) for month, day in ((4, 26), (5, 31), (6, 28), (7, 26))]
        runs = module.months_of(Months([date(2026, 7, 24)], sundays), (), "manual__1")
        assert [(run["trigger_dag_id"], run["conf"]["as_of_date"]) for run in runs] == [
            (MONTHLY_ETFS, "2026-07-24"),
            (REBALANCE, "2026-05-31"),
            (REBALANCE, "2026-06-28"),
            (REBALANCE, "2026-07-26"),
        ]
        for run in runs:
            assert run["trigger_run_id"] == f"{run['conf']['as_of_date']}__manual__1"
            stored["staggered"][run["trigger_dag_id"]].params.deep_merge(run["conf"]).validate()

    def test_the_repoll_starts_them_up_to_the_weekend_before_its_day(
        self, bags: dict[str, Any], published: Published, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from collector import source_clock
        from database.queries import missing_months

        asked: list[date] = []

        def find(*given: Any) -> Months:
            asked.append(given[-1])
            return Months([date(2026, 8, 28)], [date(2026, 8, 30)])

        monkeypatch.setattr(missing_months, "missing_months", find)
        published.sessions.update((date(2026, 8, 21), date(2026, 8, 28)))
        dag, monday = bags["staggered"].dags[REPOLL], datetime(2026, 8, 31, 14, 30, tzinfo=UTC)
        run = SimpleNamespace(logical_date=None, run_after=monday, run_type="manual")
        task = copy(dag.get_task("missing_months"))
        context = {"params": {"as_of_date": None}, "dag_run": run, "run_id": "r"}
        task.render_template_fields(context, dag.get_template_env())
        for last, by in ((date(2026, 8, 28), date(2026, 8, 30)), (date(2026, 8, 21), date(2026, 8, 23))):
            monkeypatch.setattr(source_clock, "last_session", lambda _, last=last: last)
            runs = task.python_callable(*task.op_args, **task.op_kwargs)
            assert [(each["trigger_dag_id"], each["trigger_run_id"]) for each in runs] == [
                (MONTHLY_ETFS, "2026-08-28__r"),
                (REBALANCE, "2026-08-30__r"),
            ]
            assert asked.pop() == by, "a market server's clock may be behind"

        published.sessions.clear()
        monkeypatch.setattr(source_clock, "last_session", lambda _: date(2026, 8, 28))
        assert task.python_callable(*task.op_args, **task.op_kwargs) == [], "its session was just tried in vain"

    @pytest.mark.parametrize(
        ("as_of", "ran_on", "by"),
        [
            (date(2026, 8, 28), date(2026, 8, 31), date(2026, 8, 30)),  # on schedule on Monday: this Sunday
            (date(2026, 8, 28), date(2026, 8, 28), date(2026, 8, 27)),  # backfilled, or by hand on Friday evening
            (date(2026, 8, 28), date(2026, 8, 30), date(2026, 8, 29)),  # by hand on the Sunday: its tick may be to come
            (date(2026, 8, 28), date(2026, 12, 1), date(2026, 8, 30)),  # by hand long after: as of then
            (date(2025, 5, 23), date(2025, 5, 26), date(2025, 5, 25)),  # Memorial Day
        ],
    )
    def test_which_months_are_over(self, bags: dict[str, Any], as_of: date, ran_on: date, by: date) -> None:
        assert _module(bags, "missing_months").months_are_over_by(as_of, ran_on) == by


def _module(bags: dict[str, Any], task_id: str) -> Any:
    return sys.modules[bags["staggered"].dags[REPOLL].get_task(task_id).python_callable.__module__]


class TestRepoll:
    """What the daily repoll starts by itself: sessions that could never be computed, and can be now."""

    def test_computes_after_it_has_asked_and_listed(self, bags: dict[str, Any]) -> None:
        dag = bags["staggered"].dags[REPOLL]
        line = ["collect", "report", "never_computed", "compute"]
        for before, after in pairwise(line):
            assert dag.get_task(after).upstream_task_ids == {before}

    def test_a_failure_of_any_task_is_one_of_the_run(self, bags: dict[str, Any]) -> None:
        """Airflow looks at the tasks without another one behind them, and missing_months runs in any case."""
        dag = bags["staggered"].dags[REPOLL]
        (last,) = dag.leaves
        assert last.trigger_rule == "none_failed", "no session and no month to compute is as well"
        assert last.upstream_task_ids == {"compute", "make_months"}

    @pytest.mark.parametrize("task_id", ["compute", "make_months"])
    def test_what_failed_is_not_started_again(self, bags: dict[str, Any], task_id: str) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        task = bags["staggered"].dags[REPOLL].get_task(task_id)
        of_run = {} if task_id == "compute" else {"trigger_dag_id": REBALANCE}
        made = task.unmap({"trigger_run_id": "r", **of_run})
        told = {"dag_id": made.trigger_dag_id, "run_ids": ["r"]}
        made.execute_complete({}, ("trigger", told | {"r": "success"}))
        with pytest.raises(AirflowFailException, match="failed: its run r tells why"):
            made.execute_complete({}, ("trigger", told | {"r": "failed"}))

    def test_starts_the_controller_once_a_session_and_waits_without_a_worker_slot(self, bags: dict[str, Any]) -> None:
        compute = bags["staggered"].dags[REPOLL].get_task("compute")
        assert compute.partial_kwargs["trigger_dag_id"] == CONTROLLER
        assert compute.partial_kwargs["max_active_tis_per_dagrun"] == 1, "one session after the other"
        for name in ("wait_for_completion", "deferrable", "fail_when_dag_is_paused", "reset_dag_run"):
            assert compute.partial_kwargs[name] is True
        assert compute.partial_kwargs["logical_date"] is None, "two runs may be about one session"

    def test_the_newest_five_oldest_first_without_delays(self, bags: dict[str, Any]) -> None:
        module = _module(bags, "never_computed")
        days = [date(2026, 8, day) for day in (21, 10, 11, 12, 13, 14)]

        runs = module.runs_of(days, "manual__1")

        assert [run["trigger_run_id"] for run in runs] == [f"2026-08-{day}__manual__1" for day in (11, 12, 13, 14, 21)]
        assert runs[0]["conf"] == {"as_of_date": "2026-08-11", "stage_delay_minutes": 0}
        assert module.runs_of([], "manual__1") == []

    def test_the_controller_takes_what_it_is_given(self, stored: dict[str, dict[str, Any]]) -> None:
        params = stored["staggered"][CONTROLLER].params
        params.deep_merge({"as_of_date": "2026-08-11", "stage_delay_minutes": 0}).validate()


class TestSparkCommand:
    @pytest.mark.parametrize(("dag_id", "task_id"), [pair for pair, pool in POOLS.items() if pool == "spark"])
    def test_is_given_the_session_and_a_script_that_exists(
        self, bags: dict[str, Any], common: Any, dag_id: str, task_id: str
    ) -> None:
        job = bags["staggered"].dags[dag_id].get_task(task_id)
        assert Path(job.application).parent == PROJECT_ROOT / "batch"
        assert Path(job.application).is_file()
        day = common.SESSION_BY if (dag_id, task_id) == (REBALANCE, "follow_portfolios") else common.AS_OF
        assert job.application_args == ["--as-of-date", day, "--run-id", "{{ run_id }}"]
        assert "-XX:TieredStopAtLevel=1" in job.conf["spark.driver.extraJavaOptions"]
