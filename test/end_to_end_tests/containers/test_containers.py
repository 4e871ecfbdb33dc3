"""The platform in containers, after one run of the line: rights, crashes, scaling, stop and start."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path

import httpx
import pytest

from alerts.incidents import LOOP_STARTS
from compose_project import compose, containers, output_of, service_of
from config.config import PROJECT_ROOT, Settings, Topic
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch, transaction
from ops.native import stack_secrets
from ops.pipeline import portfolios
from ops.pipeline.airflow_client import Airflow, Run
from utils.kafka_utils import committed_offsets, shares

COLLECTED = ("collected_daily_etf_ohlc", "collected_etf_holdings", "collected_daily_stock_history")
ANALYTICS = ("analytics_trending_etfs", "analytics_portfolio_allocation", "analytics_allocation_candidates")
PRODUCTS = {"alerts", "collector", "consumer", "dashboard", "market", "api", "airflow", "spark"}
# A stock's sector is looked up by one run or a later one, and with it the average of its sector's stocks.
OF_SECTORS = {"sector", "sector_source", "sector_avg_5d", "sector_avg_10d", "sector_avg_20d"}
OF_THE_MESSAGE = {"topic", "partition_id", "kafka_offset", "answer_digest", "quote_digest"}
OF_THE_RUN = {"run_id", *OF_SECTORS, *OF_THE_MESSAGE}
STOP_SECONDS = 30
KILLED = 128 + signal.SIGKILL
TASK_SECONDS = 420


def crash(service: str) -> None:
    """Kill its first process, as a crash does: Docker's own `kill` would count as stopped by hand."""
    [container] = containers(service)
    os.kill(container["State"]["Pid"], signal.SIGKILL)


def rows(conn: Connection, tables: tuple[str, ...] = COLLECTED + ANALYTICS) -> dict[str, list[Row]]:
    def of(table: str) -> list[Row]:
        stored = fetch(conn, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4")
        return [{name: value for name, value in row.items() if name not in OF_THE_RUN} for row in stored]

    return {table: of(table) for table in tables}


def forget(conn: Connection, tables: tuple[str, ...]) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}")


class TestRights:
    def test_every_login_is_that_of_its_work(self, pipeline: Run, conn: Connection) -> None:
        found = fetch(
            conn, "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'stockdb' AND pid <> pg_backend_pid()"
        )
        assert {row["usename"] for row in found} == {"actstock_collect", "actstock_read"}

    def test_only_the_schema_and_backups_know_the_owners_password(self, pipeline: Run) -> None:
        known = stack_secrets.read_env_file(Path(os.environ["ACTSTOCK_ENV_FILE"]))["DB_PASSWORD"]
        told = {service_of(each) for each in containers() if known in " ".join(each["Config"]["Env"])}
        assert told == {"postgres", "schema", "upgrade-backup", "backup"}

    def test_our_images_do_not_run_as_root(self, pipeline: Run) -> None:
        users = {
            each["Config"]["Image"]: each["Config"]["User"]
            for each in containers()
            if each["Config"]["Image"].startswith("actstock/")
        }
        assert set(users) == {f"actstock/{name}" for name in PRODUCTS}
        assert set(users.values()) == {"10001"}

    def test_no_container_can_change_itself_or_gain_rights(self, pipeline: Run) -> None:
        for each in containers():
            told = each["HostConfig"]
            assert told["ReadonlyRootfs"], service_of(each)
            assert told["CapDrop"] == ["ALL"] and not told["CapAdd"], service_of(each)
            assert told["SecurityOpt"] == ["no-new-privileges:true"], service_of(each)
            assert told["PidsLimit"] > 0, service_of(each)

    def test_what_runs_has_no_capability_and_no_file_to_write(self, pipeline: Run) -> None:
        for service in ("postgres", "zookeeper", "kafka", "spark-worker", "airflow-scheduler", "dashboard"):
            ask = "id -u; grep CapEff /proc/self/status; touch /x 2>&1 || :"
            told = compose("exec", "-T", service, "bash", "-c", ask)
            user, capabilities, refused = told.splitlines()
            assert user != "0", service
            assert int(capabilities.split()[1], 16) == 0, service
            assert "Read-only file system" in refused, service

    def test_the_dashboard_sees_the_api_alone(self, pipeline: Run) -> None:
        ask = "import socket; socket.create_connection(('{}', {}), 5)"
        compose("exec", "-T", "dashboard", "python", "-c", ask.format("api", 8000))
        ports = {"postgres": 5432, "kafka": 9092, "spark-master": 7077, "airflow-webserver": 8080}
        for neighbour, port in ports.items():
            with pytest.raises(AssertionError, match=r"gaierror|TimeoutError|timed out"):
                compose("exec", "-T", "dashboard", "python", "-c", ask.format(neighbour, port))

    def test_a_consumer_that_stands_still_is_seen(self, pipeline: Run) -> None:
        """Its health check is the one that Docker has: no round within a minute makes it fail."""
        [container] = containers("consumer-etf-holdings")
        assert container["State"]["Health"]["Status"] == "healthy"
        [command] = container["Config"]["Healthcheck"]["Test"][3:]
        compose("exec", "-T", "consumer-etf-holdings", "bash", "-c", command)
        with pytest.raises(AssertionError):
            compose("exec", "-T", "consumer-etf-holdings", "bash", "-c", command.replace("/tmp/alive", "/etc/hostname"))

    def test_ports_are_open_to_this_machine_alone(self, pipeline: Run) -> None:
        addresses = {
            binding["HostIp"]
            for each in containers()
            for bindings in (each["HostConfig"]["PortBindings"] or {}).values()
            for binding in bindings
        }
        assert addresses == {"127.0.0.1"}

    def test_driver_master_and_worker_have_the_same_python_java_and_spark(self, pipeline: Run) -> None:
        ask = ["python", "-c", "import sys, pyspark; print(sys.version, pyspark.__version__)"]
        # Each image may have an archive of classes of its own: a JVM maps the one beside it.
        java = ["bash", "-c", "java -version 2>&1; sha256sum /opt/jars/*.jar; test -s $SPARK_CLASS_ARCHIVE"]
        said = {
            (compose("exec", "-T", service, *ask), compose("exec", "-T", service, *java))
            for service in ("airflow-scheduler", "spark-master", "spark-worker")
        }
        assert len(said) == 1


class TestCrashes:
    """Kafka, Postgres and a consumer die while the line runs: Docker and Airflow bring it to the same end."""

    def test_the_same_rows_after_three_crashes(
        self, pipeline: Run, airflow: Airflow, settings: Settings, as_of: date
    ) -> None:
        with closing(connect(settings.database)) as conn:
            before = rows(conn)
            assert all(before.values())
            forget(conn, (*COLLECTED, *ANALYTICS, "analytics_publication"))

        started = airflow.trigger(
            "daily_pipeline_controller", {"as_of_date": as_of.isoformat(), "stage_delay_minutes": 0}
        )
        for dag_id, task_id, victim in (
            ("daily_benchmark_etf_collection", "collect", "kafka"),
            ("daily_trending_etf_analysis", "identify_trending", "postgres"),
            ("daily_trending_etf_holdings_collection", "collect", "consumer-stock-daily"),
        ):
            wait_for(partial(is_running, airflow, started, dag_id, task_id), f"{dag_id}.{task_id}")
            crash(victim)
        wait_for(lambda: airflow.run(started).has_ended, "the end of the line", 3 * TASK_SECONDS)

        assert airflow.run(started).state == "success"
        assert all(each["RestartCount"] >= 1 for each in containers("kafka", "postgres", "consumer-stock-daily"))
        with closing(connect(settings.database)) as conn:
            assert rows(conn) == before

    def test_a_loop_of_restarts_is_told(self, pipeline: Run) -> None:
        """The watcher has no socket of Docker's: it reads what each container has noted at its starts."""
        for _ in range(LOOP_STARTS):
            started = containers("consumer-etf-holdings")[0]["State"]["StartedAt"]
            crash("consumer-etf-holdings")
            wait_for(partial(has_started_since, started), "the next start", 120)
        told = "the service consumer-etf-holdings has started"
        wait_for(lambda: told in output_of(["./start.sh", "alert"]), "the watcher's round", 200)


def has_started_since(moment: str) -> bool:
    [container] = containers("consumer-etf-holdings")
    return container["State"]["StartedAt"] != moment and bool(container["State"]["Running"])


def is_running(airflow: Airflow, controller: Run, dag_id: str, task_id: str) -> bool:
    children = [run for run in airflow.runs_named(f"__{controller.run_id}") if run.dag_id == dag_id]
    return any(
        task.task_id == task_id and task.state in ("running", "success")
        for run in children
        for task in airflow.tasks(run)
    )


def wait_for(happened: Callable[[], bool], what: str, seconds: float = TASK_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, f"{what} was waited for in vain for {seconds} s"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def scaled(pipeline: Run) -> Iterator[None]:
    scale = ("--scale", "consumer-etf-daily=3", "--scale", "spark-worker=2")
    compose("up", "--detach", "--no-recreate", "--no-build", *scale)
    yield
    compose("up", "--detach", "--no-recreate", "--no-build")


@pytest.mark.usefixtures("scaled")
class TestScale:
    def test_partitions_spread_over_the_consumers_and_nothing_is_double(
        self, conn: Connection, settings: Settings, as_of: date
    ) -> None:
        wait_for(
            lambda: sorted(shares(settings.kafka, Topic.ETF_DAILY.consumer_group)) == [1, 1, 1],
            "a partition for each of three consumers",
        )
        before = rows(conn, COLLECTED[:1])
        written = sum(committed(settings).values())
        forget(conn, COLLECTED[:1])

        for group in ("benchmark", "sector"):
            run_producer("collector.kafka_producer_etf_daily", "--group", group, "--as-of-date", str(as_of), "--wait")

        assert rows(conn, COLLECTED[:1]) == before
        sent = sum(committed(settings).values()) - written
        # A message has all sessions of a ticker that were asked for.
        assert sent == len({row["ticker"] for row in before[COLLECTED[0]]})
        logs = [output_of(["docker", "logs", each["Id"]]) for each in containers("consumer-etf-daily")]
        assert len(logs) == 3

    def test_a_driver_listens_in_both_of_its_networks(self) -> None:
        ask = (
            "from pyspark.sql import SparkSession; "
            "print(SparkSession.builder.master('local[1]').getOrCreate().conf.get('spark.driver.bindAddress'))"
        )
        said = compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "", "cli", "python", "-c", ask)
        assert said.split()[-1] == "0.0.0.0"

    def test_both_workers_take_tasks(self, conn: Connection, as_of: date) -> None:
        """Of one wide job, as two jobs never run at once. What the small one of the line has published is forgotten."""
        trending = ANALYTICS[:1]
        before = rows(conn, trending)
        assert all(before.values())
        forget(conn, trending)
        seen = tasks_by_worker()

        said = submit_wide_trending(as_of)

        assert "the wide profile" in said
        new = {
            worker: {app: tasks for app, tasks in of_apps.items() if app not in seen.get(worker, {})}
            for worker, of_apps in tasks_by_worker().items()
        }
        at_work = [of_apps for of_apps in new.values() if of_apps]
        assert len(at_work) == 2
        assert len({app for of_apps in at_work for app in of_apps}) == 1, "an executor of the one job on each worker"
        assert all(tasks for of_apps in at_work for tasks in of_apps.values())
        assert rows(conn, trending) == before


def committed(settings: Settings) -> dict[int, int]:
    return committed_offsets(settings.kafka, Topic.ETF_DAILY.consumer_group)[Topic.ETF_DAILY.value]


def run_producer(module: str, *options: str) -> str:
    return compose("run", "--rm", "--no-deps", "-T", "collector", "python", "-m", module, *options)


def submit_wide_trending(day: date) -> str:
    """Run a job as a wide one, and return its log.

    Spark waits half a minute for all cores that such a job would take. So both executors are there when it begins.
    """
    return compose(
        *("run", "--rm", "--no-deps", "-T", "--env", "SPARK_PROFILE=wide", "--entrypoint", "", "cli", "bash", "-c"),
        "spark-submit --master spark://spark-master:7077 --conf spark.scheduler.minRegisteredResourcesRatio=1 "
        "--total-executor-cores 1 --jars /opt/jars/postgresql.jar "
        f"/opt/app/batch/spark_trending_etf_identifier.py --as-of-date {day} 2>&1",
    )


def tasks_by_worker() -> dict[str, dict[str, int]]:
    """Count the tasks of each application on each worker, by the executors' logs: each names its worker first."""
    ask = (
        "shopt -s nullglob; cd /var/lib/spark/work && for log in app-*/*/stderr; do "
        'echo "$log $(grep -m 1 -o "spark://Worker@[^\\"]*" "$log") $(grep -c "Running task" "$log")"; done'
    )
    found: dict[str, dict[str, int]] = {}
    for line in compose("exec", "-T", "spark-worker", "bash", "-c", ask).splitlines():
        path, worker, tasks = line.split()
        found.setdefault(worker, {})[path.partition("/")[0]] = int(tasks)
    return found


class TestCommands:
    def test_any_producer_runs_in_the_collectors_container(self, pipeline: Run) -> None:
        assert "--as-of-date" in run_producer("collector.kafka_producer_trending_etf_holdings", "--help")

    def test_a_wrong_request_is_one_sentence(self, pipeline: Run) -> None:
        with pytest.raises(AssertionError, match=r"2026-08-22 .* is not an XNYS session") as refused:
            run_producer("collector.kafka_producer_etf_daily", "--group", "sector", "--as-of-date", "2026-08-22")
        assert "Traceback" not in str(refused.value)

    def test_the_front_door_runs_a_stage(self, pipeline: Run, as_of: date) -> None:
        said = output_of(["./start.sh", "run", "trending", "--as-of", as_of.isoformat()])
        assert "daily_trending_etf_analysis succeeded" in said

    def test_the_front_door_computes_a_history(self, pipeline: Run) -> None:
        said = output_of(["./start.sh", "history", "--sessions", "3"])
        assert "9 portfolios of 3 sessions" in said

    def test_the_status_says_that_all_is_well(self, pipeline: Run) -> None:
        """It ends with 1 otherwise."""
        assert "X-API-Key: " in output_of(["./start.sh", "status"])

    def test_a_file_of_this_machine_is_read(self, pipeline: Run, tmp_path: Path) -> None:
        """Which only its owner may."""
        heads = tmp_path / "heads.txt"
        heads.touch(mode=0o600)
        heads.write_text(output_of(["./start.sh", "verify", "--head"]))
        assert "Nothing was changed" in output_of(["./start.sh", "verify", "--kept", str(heads)])
        heads.write_text(f"publications 1 {'0' * 64}\n")
        with pytest.raises(AssertionError, match="1 rows are not what they were"):
            output_of(["./start.sh", "verify", "--kept", str(heads)])

    def test_the_demo_has_shown_what_the_api_publishes(
        self, pipeline: Run, settings: Settings, as_of: date, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Whose rows are the market's truth, here as natively: test_daily_line compares them."""
        portfolios.show(settings.api_url, os.environ["API_KEY"], as_of)
        shown = capsys.readouterr().out + "\nFrom start to here"
        in_containers = Path(os.environ["CONTAINERS_DEMO_LOG"]).read_text(encoding="utf-8")
        assert portfolios_in(in_containers) == portfolios_in(shown)

    def test_what_operations_names_is_a_command_of_docker(self) -> None:
        assert "Remove unused images" in output_of(["docker", "image", "prune", "--help"])

    def test_nothing_starts_without_its_secrets(self, tmp_path: Path) -> None:
        (tmp_path / "empty.env").touch()
        command = ["docker", "compose", "--env-file", str(tmp_path / "empty.env"), "up", "--detach"]
        refused = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert re.search(r"variable \w+ is missing a value: .*\./start\.sh env", refused.stderr)


class TestStopAndStart:
    def test_everything_ends_within_its_time_and_the_data_stays(
        self, pipeline: Run, settings: Settings, airflow: Airflow, control: httpx.Client
    ) -> None:
        with closing(connect(settings.database)) as conn:
            before, offsets = rows(conn), committed(settings)
        services = [service_of(each) for each in containers() if each["State"]["Running"]]

        began = time.monotonic()
        compose("stop")
        seconds = time.monotonic() - began
        codes = {service_of(each): each["State"]["ExitCode"] for each in containers(*services)}
        assert seconds < 2 * STOP_SECONDS
        assert KILLED not in codes.values(), codes
        assert {codes[f"consumer-{topic.consumer_group}"] for topic in Topic} == {0}

        compose("down")
        compose("up", "--detach", "--no-build", timeout=900)
        wait_for(lambda: healthy(services), "health of every service")

        assert "no request to Yahoo" in compose("logs", "collector")
        with closing(connect(settings.database)) as conn:
            assert rows(conn) == before
        assert committed(settings) == offsets
        assert Airflow(airflow.url, "admin", os.environ["AIRFLOW_PASSWORD"]).run(pipeline).state == "success"


def healthy(services: list[str]) -> bool:
    states = {service_of(each): each["State"] for each in containers()}
    return all(
        states[name]["Running"] and states[name].get("Health", {}).get("Status", "healthy") == "healthy"
        for name in services
    )


def portfolios_in(text: str) -> list[str]:
    """Return the rows of the three tables."""
    [tables] = re.findall(r"^20-day portfolio.*(?=^From start to here)", text, re.MULTILINE | re.DOTALL)
    lines = [line.rstrip() for line in str(tables).splitlines() if line.strip()]
    assert len(lines) > 2 * len(universe().periods)
    return lines
