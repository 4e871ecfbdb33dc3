"""A backup from containers, restored over another state of them and natively; and volumes of an older PostgreSQL."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from compose_project import compose, containers, output_of
from config.config import PROJECT_ROOT, DatabaseSettings, Settings, Topic
from database.db_helper import Connection, connect, fetch, transaction
from ops.backup import native
from ops.backup.archive import Archive
from ops.backup.dumps import count_rows
from ops.backup.manifest import PLATFORM_DUMP, SETTINGS
from ops.backup.places import OF_A_DEMO
from ops.backup.restoring import check
from ops.containers.container_testing import PROJECT
from ops.native.compose import secret_sizes
from ops.native.stack import Stack
from ops.native.stack_secrets import env_line, read_env, read_env_file
from ops.pipeline.airflow_client import Airflow, Run
from scratch_databases import load_version_0_1_0
from utils.kafka_roles import ROLES
from utils.kafka_utils import committed_offsets, end_offsets

TABLES = ("collected_daily_etf_ohlc", "collected_daily_stock_history", "analytics_portfolio_allocation")
ENV_FILE = Path(os.environ["ACTSTOCK_ENV_FILE"])
START_SECONDS = 1500
# The tests' own environment has some secrets, which would go before those of .env.
PLAIN = {name: value for name, value in os.environ.items() if name not in secret_sizes()}
EMPTY, OLD = "actstock-test-empty", "actstock-test-old"
OLD_POSTGRES = "postgres:15.17-bookworm"
# A restore without the platform's start, which would ask Yahoo, or be a second demo. FAILS: the step that does.
WITHOUT_START = """
    root=$PWD; state=$ACTSTOCK_HOME; mkdir -p "$state/run"
    say() { printf '%s\\n' "$*"; }; die() { say "$*"; exit 1; }
    . ops/containers/commands.sh
    eval "$(declare -f in_restore | sed '1s/in_restore/really_in_restore/')"
    in_restore() { [ "$1" != "${FAILS:-}" ] && really_in_restore "$@"; }
    containers_up() { :; }; in_cli() { :; }
    containers_restore "$1" --yes
"""
LOG_IN = """
import os
from dataclasses import replace
from config.config import Settings
from utils.kafka_login import require_login
from utils.kafka_roles import ROLES
from utils.kafka_utils import SCRAM
kafka = Settings.from_env().kafka
logins = {kafka.user: kafka.password} | {role.name: os.environ[role.password_setting] for role in ROLES}
for user, password in logins.items():
    require_login(replace(kafka, user=user, password=password), SCRAM)
print(*sorted(logins))
"""


def rows(conn: Connection) -> dict[str, list[dict[str, object]]]:
    return {table: fetch(conn, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4") for table in TABLES}


@pytest.fixture(scope="module")
def backup(pipeline: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "a b.tar"
    output_of(["./start.sh", "backup", str(file)])
    return file


@pytest.mark.timeout(START_SECONDS + 300)
class TestOver:
    @pytest.fixture(scope="class")
    def said(self, backup: Path, settings: Settings) -> tuple[dict[str, list[dict[str, object]]], str]:
        """Restore over a platform without rows and with another key. Return the rows of before, and what was said."""
        with closing(connect(settings.database)) as conn:
            before = rows(conn)
            assert all(before.values())
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute(f"TRUNCATE {', '.join(TABLES)}")
        output_of(["./start.sh", "env", "API_KEY=another-key-of-today"], PLAIN)
        refused = subprocess.run(
            ["./start.sh", "restore", "--docker", str(backup)], cwd=PROJECT_ROOT, env=PLAIN, capture_output=True
        )
        assert b"./start.sh stop, then restore" in refused.stderr
        output_of(["./start.sh", "stop"], PLAIN)
        restore = ["./start.sh", "restore", "--docker", str(backup), "--yes"]
        return before, output_of(restore, PLAIN, START_SECONDS)

    def test_a_platform_is_restored_over_another_state(
        self, said: tuple[dict[str, list[dict[str, object]]], str], settings: Settings, airflow: Airflow, pipeline: Run
    ) -> None:
        before, words = said
        assert "market       simulated" in words
        assert "replaces" in words
        with closing(connect(settings.database)) as conn:
            assert rows(conn) == before
        known = read_env_file(ENV_FILE)
        assert known["API_KEY"] == os.environ["API_KEY"]
        assert known["DB_PASSWORD"] == settings.database.password, "a server keeps its owner's password"
        headers = {"X-API-Key": known["API_KEY"]}
        assert httpx.get(f"{settings.api_url}/etfs/benchmarks", headers=headers).status_code in (200, 404)
        assert airflow.run(pipeline).state == "success"

    def test_nothing_that_was_sent_is_left(self, said: object, settings: Settings) -> None:
        for topic in Topic:
            stored = committed_offsets(settings.kafka, topic.consumer_group)[topic.value]
            assert stored == end_offsets(settings.kafka, topic)

    def test_what_is_kept_can_be_removed(self, said: object) -> None:
        def kept() -> list[str]:
            told = compose("exec", "-T", *shlex.split("postgres psql --username postgres --list"))
            return re.findall(r"stockdb_before_restore_\w+", told)

        [name] = kept()
        compose("exec", "-T", *shlex.split(f"postgres dropdb --username postgres {name}"))
        assert kept() == []

    def test_the_old_env_stays_beside_the_new_one(self, said: object) -> None:
        [old] = ENV_FILE.parent.glob(f"{ENV_FILE.name}.before-restore-*")
        assert read_env_file(old)["API_KEY"] == "another-key-of-today"
        assert old.stat().st_mode & 0o077 == 0
        old.unlink()


def test_a_days_backup_has_the_settings_of_the_start(pipeline: Run, tmp_path: Path) -> None:
    """Its container cannot read .env."""
    compose("exec", "-T", "backup", "python", "-m", "ops.backup.scheduled", "--now")
    names = compose("exec", "-T", "backup", "ls", "/var/lib/backups").split()
    name = max(name for name in names if name.startswith(f"{PROJECT}-simulated-"))
    compose("cp", f"backup:/var/lib/backups/{name}", str(tmp_path / name))
    with Archive(tmp_path / name) as archive:
        settings = read_env(archive.text(SETTINGS) or "")
    assert {"CONSUMER_METRICS_PORT": "9101", "SPARK_METRICS": "1"}.items() <= settings.items()
    assert not {*OF_A_DEMO, "PORT_API", *secret_sizes()} & settings.keys()


def test_docker_compose_reads_what_is_written(tmp_path: Path) -> None:
    values = [
        "mine-",
        "k$ey#9",
        "$$",
        " a ",
        "a # b",
        "it's",
        "it's $1",
        '"q"',
        "'q'",
        "pa\\sw",
        "C:\\",
        "$C:\\",
        "a\\'b#",
    ]
    known = {f"VALUE_{number}": value for number, value in enumerate(values)}
    (tmp_path / ".env").write_text("".join(env_line(name, value) for name, value in known.items()))
    service = {"image": "none", "environment": {name: f"${{{name}:-}}" for name in known}}
    (tmp_path / "compose.yml").write_text(json.dumps({"name": "values", "services": {"one": service}}))
    files = ["--env-file", str(tmp_path / ".env"), "--file", str(tmp_path / "compose.yml")]
    told = json.loads(output_of(["docker", "compose", *files, "config", "--format", "json"], PLAIN))
    read = {name: value.replace("$$", "$") for name, value in told["services"]["one"]["environment"].items()}
    assert read == known


def test_it_is_restored_natively(backup: Path, tmp_path: Path) -> None:
    stack = restored_natively(backup, tmp_path)
    assert stack.source.label == "simulated"
    assert read_env_file(stack.secrets_file)["API_KEY"] == os.environ["API_KEY"]


def restored_natively(backup: Path, folder: Path) -> Stack:
    """Restore all but the start, which the other rings try: rows and chains are compared with the manifest."""
    folder.mkdir(exist_ok=True)
    started: list[Stack] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ACTSTOCK_HOME", str(folder / "home"))
        patched.setattr(native, "ENV_FILE", folder / ".env")
        patched.setattr(native, "start", lambda stack: started.append(stack) or 0)
        assert native.restore_native(backup, is_agreed=True) == 0
    [stack] = started
    assert (stack.data / "postgres" / "PG_VERSION").read_text().strip() == "18"
    return stack


def of_project(name: str, folder: Path, kafka_port: int) -> dict[str, str]:
    """Return the environment of another project, with ports that nobody else has."""
    return PLAIN | {
        "COMPOSE_PROJECT_NAME": name,
        "ACTSTOCK_HOME": str(folder / "home"),
        "ACTSTOCK_ENV_FILE": str(folder / ".env"),
        "ACTSTOCK_PORT_OFFSET": "0",
        **dict.fromkeys(("PORT_POSTGRES", "PORT_AIRFLOW_DB", "PORT_ZOOKEEPER"), "0"),
        "PORT_KAFKA": str(kafka_port),
    }


def restore_without_start(file: Path, environ: dict[str, str], fails: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", WITHOUT_START, "start.sh", str(file)],
        env=environ | {"FAILS": fails}, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=START_SECONDS, check=False,
    )  # fmt: skip


def rows_in(docker: list[str], environ: dict[str, str]) -> dict[str, int]:
    """Return how many rows each of TABLES has in a project's database."""
    ask = [*docker, "exec", "-T", *shlex.split("postgres psql --username postgres --tuples-only --no-align stockdb -c")]
    return {table: int(output_of([*ask, f"SELECT COUNT(*) FROM {table}"], environ)) for table in TABLES}


@pytest.mark.timeout(2 * START_SECONDS)
class TestEmptyProject:
    """A machine that has Docker, and nothing of the platform."""

    @pytest.fixture
    def environ(self, tmp_path: Path) -> Iterator[dict[str, str]]:
        environ = of_project(EMPTY, tmp_path, 31592)
        yield environ
        # By the demo's own .env: this project may have none any more.
        down = ["docker", "compose", "--env-file", str(ENV_FILE), "--profile", "*", "down", "--volumes"]
        for project in (environ, self.market(environ)):
            output_of(down, project)

    def docker(self, environ: dict[str, str]) -> list[str]:
        return ["docker", "compose", "--env-file", environ["ACTSTOCK_ENV_FILE"]]

    def market(self, environ: dict[str, str]) -> dict[str, str]:
        """Return the environment of the project that the demo's backup is restored to."""
        return environ | {"COMPOSE_PROJECT_NAME": f"{EMPTY}-simulated"}

    def test_a_backup_is_restored_whatever_kafka_knows(
        self, backup: Path, environ: dict[str, str], tmp_path: Path
    ) -> None:
        docker, market = self.docker(environ), self.market(environ)
        with Archive(backup) as archive:
            kept = {table: archive.manifest.rows[PLATFORM_DUMP][table] for table in TABLES}
        log_in = [*docker, *shlex.split("run --rm --no-deps --no-TTY backup python -c"), LOG_IN]
        every_user = " ".join(sorted(["kafka", *(role.name for role in ROLES)]))

        done = restore_without_start(backup, environ)
        assert done.returncode == 0, done.stdout
        assert "replaces" not in done.stdout
        assert rows_in(docker, market) == kept and all(kept.values())
        assert output_of(log_in, market).split("\n")[0] == every_user
        assert read_env_file(tmp_path / ".env")["API_KEY"] == os.environ["API_KEY"]

        # Kafka has been told other passwords since: those of the backup count again.
        others = market | {role.password_setting: "of-today" for role in ROLES} | {"KAFKA_PASSWORD": "of-today"}
        output_of([*docker, "down"], market)
        output_of([*docker, "up", "--detach", "--wait", "kafka"], others)
        output_of([*docker, *shlex.split("run --rm --no-deps --no-TTY topics")], others)
        assert output_of(log_in, others).split("\n")[0] == every_user
        output_of([*docker, "down"], market)
        (tmp_path / "home" / "run" / "containers.env").unlink()
        done = restore_without_start(backup, environ)
        assert done.returncode == 0, done.stdout
        assert output_of(log_in, market).split("\n")[0] == every_user
        assert rows_in(docker, market) == kept

    def test_one_that_fails_leaves_nothing(self, backup: Path, environ: dict[str, str], tmp_path: Path) -> None:
        done = restore_without_start(backup, environ, fails="fill")
        assert done.returncode == 1, done.stdout
        assert "nothing was replaced" in done.stdout
        assert not (tmp_path / ".env").exists()
        left = output_of(["docker", "volume", "ls", "--quiet"]).split()
        assert [name for name in left if name.startswith(EMPTY)] == []


class TestOldVolumes:
    """Those of a platform on live Yahoo with PostgreSQL 15, which is never started here."""

    @pytest.fixture
    def environ(self, tmp_path: Path) -> Iterator[dict[str, str]]:
        environ = of_project(OLD, tmp_path, 31692) | {"YAHOO_BASE_URL": ""}
        output_of(["./start.sh", "env"], environ)
        secrets = read_env_file(tmp_path / ".env")
        self.make("postgres", "postgres", "stockdb", secrets["DB_PASSWORD"])
        self.make("airflow-db", "airflow", "airflow", secrets["AIRFLOW_DB_PASSWORD"])
        yield environ
        command = ["docker", "compose", "--env-file", str(tmp_path / ".env"), "down", "--volumes"]
        subprocess.run(command, cwd=PROJECT_ROOT, env=environ, check=False, capture_output=True)

    def make(self, service: str, user: str, name: str, password: str) -> None:
        """Fill a volume as the version before did."""
        volume = f"{OLD}_{service}-data"
        label = ["--label", f"com.docker.compose.project={OLD}", "--label", f"com.docker.compose.volume={service}-data"]
        output_of(["docker", "volume", "create", *label, volume])
        given = {"POSTGRES_USER": user, "POSTGRES_PASSWORD": password, "POSTGRES_DB": name}
        words = [word for key, value in given.items() for word in ("--env", f"{key}={value}")]
        place = ["--volume", f"{volume}:/var/lib/postgresql/data", "--publish", "127.0.0.1::5432"]
        server = output_of(["docker", "run", "--detach", "--rm", *words, *place, OLD_POSTGRES]).strip()
        ready = "for i in $(seq 60); do pg_isready -qh 127.0.0.1 && exit; sleep 1; done; exit 1"
        output_of(["docker", "exec", server, "bash", "-c", ready])
        if service == "postgres":
            port = output_of(["docker", "port", server, "5432/tcp"]).split(":")[-1]
            with closing(connect(DatabaseSettings("127.0.0.1", int(port), name, user, password))) as conn:
                load_version_0_1_0(conn)
                self.loaded = count_rows(conn)
        output_of(["docker", "stop", server])

    def backed_up(self, file: Path, environ: dict[str, str]) -> Path:
        """Back up, and look whether all rows of version 15 are in it."""
        output_of(["./start.sh", "backup", "--docker", str(file)], environ)
        with Archive(file) as archive:
            check(archive)
            assert archive.manifest.migration == "0000_version_0_1_0.sql"
            assert archive.manifest.rows[PLATFORM_DUMP] == self.loaded and any(self.loaded.values())
        return file

    @pytest.mark.timeout(2 * START_SECONDS)
    def test_the_data_of_postgresql_15_come_over(self, environ: dict[str, str], tmp_path: Path) -> None:
        refused = subprocess.run(
            ["./start.sh", "up", "--docker"], cwd=PROJECT_ROOT, env=environ, capture_output=True, text=True, check=False
        )
        assert refused.returncode == 1
        assert "has the data of PostgreSQL 15, and this is version 18" in refused.stdout + refused.stderr

        old = self.backed_up(tmp_path / "old.tar", environ)
        assert restored_natively(old, tmp_path / "native").source.label == "yahoo"

        failed = restore_without_start(old, environ, fails="fill")
        assert (failed.returncode, "nothing was replaced" in failed.stdout) == (1, True), failed.stdout
        self.backed_up(tmp_path / "again.tar", environ)  # by version 15, which finds its data

        done = restore_without_start(old, environ)
        assert done.returncode == 0, done.stdout
        assert done.stdout.count("What PostgreSQL 15 had is kept in before-18 of its volume") == 2
        docker = ["docker", "compose", "--env-file", environ["ACTSTOCK_ENV_FILE"]]
        assert rows_in(docker, environ)["collected_daily_etf_ohlc"] == self.loaded["collected_daily_etf_ohlc"]
        output_of([*docker, "up", "--detach", "--wait", "postgres", "airflow-db"], environ)
        for service in ("postgres", "airflow-db"):
            output_of([*docker, "exec", "-T", service, "rm", "-r", "/var/lib/postgresql/before-18"], environ)
        assert {each["State"]["Running"] for each in containers("postgres")} == {True}, "the demo beside it goes on"
