"""Each service knows its own secrets, and those alone: in containers by its environment, natively by a file."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops.native import alone, compose, configure, own_secrets
from ops.native.environment import secrets_for, service_environment, shared_environment
from ops.native.services import USERS, read_services
from ops.native.stack import DataSource, Stack
from utils import kafka_roles

AIRFLOWS_OWN = {"AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY"}
OF_TASKS = {"DB_SPARK_PASSWORD", "SPARK_SECRET", "SPARK_DRIVER_TOKEN"}
COLLECTING = {"DB_COLLECT_PASSWORD", "KAFKA_COLLECT_PASSWORD"}
ALERTING = {"ALERT_URLS", "ALERT_HEARTBEAT_URL"}
# Beside its PATH, what the supervisor tells each service.
MARKED = {"PATH": os.environ["PATH"]} | dict.fromkeys(alone.MARKS, "test")
# What each service needs. One that is not here has none.
NEEDED = {
    "postgres": {"DB_PASSWORD"},
    "airflow-db": {"AIRFLOW_DB_PASSWORD"},
    "zookeeper": {"ZOOKEEPER_PASSWORD"},
    "kafka": {"KAFKA_PASSWORD", "ZOOKEEPER_PASSWORD"},
    "topics": {"KAFKA_PASSWORD", *(role.password_setting for role in kafka_roles.ROLES)},
    "upgrade-backup": set(compose.private_settings()),
    "backup": set(compose.private_settings()),
    "schema": {"DB_PASSWORD", "DB_COLLECT_PASSWORD", "DB_SPARK_PASSWORD", "DB_READ_PASSWORD"},
    "spark-master": {"SPARK_SECRET"},
    "spark-worker": {"SPARK_SECRET"},
    "spark-driver": {"DB_SPARK_PASSWORD", "SPARK_DRIVER_TOKEN"},
    "airflow-init": AIRFLOWS_OWN,
    "airflow-webserver": AIRFLOWS_OWN | {"AIRFLOW_PASSWORD", "DB_COLLECT_PASSWORD"},
    "airflow-scheduler": AIRFLOWS_OWN | OF_TASKS | COLLECTING,
    "airflow-dag-processor": AIRFLOWS_OWN,
    "airflow-triggerer": AIRFLOWS_OWN,
    "collector": COLLECTING,
    "consumer-etf-daily": {"DB_COLLECT_PASSWORD", "KAFKA_ETF_DAILY_PASSWORD"},
    "consumer-etf-holdings": {"DB_COLLECT_PASSWORD", "KAFKA_ETF_HOLDINGS_PASSWORD"},
    "consumer-stock-daily": {"DB_COLLECT_PASSWORD", "KAFKA_STOCK_DAILY_PASSWORD"},
    "api": {"API_KEY", "DB_READ_PASSWORD"},
    "dashboard": {"API_KEY", "DASHBOARD_PASSWORD"},
    "alerts": ALERTING | {"DB_READ_PASSWORD"},
    "prometheus": {"API_KEY"},
    "market-server": {"MARKET_TOKEN"},
    "cli": AIRFLOWS_OWN | OF_TASKS | ALERTING | {"AIRFLOW_PASSWORD", "API_KEY", "DB_PASSWORD", "KAFKA_PASSWORD"},
}


def test_each_service_has_the_secrets_that_it_needs_and_no_other() -> None:
    found = {name: compose.secrets_of(service) for name, service in compose.services().items()}
    assert {name: own for name, own in found.items() if own} == NEEDED


def test_no_file_gives_a_container_secrets() -> None:
    """An env_file would hand on whatever stands in it."""
    files = {file for service in compose.services().values() if (file := service.get("env_file"))}
    assert files == {"airflow/settings.env"}
    text = (PROJECT_ROOT / "airflow" / "settings.env").read_text(encoding="utf-8")
    assert not any(f"{name}=" in text for name in compose.private_settings())


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return all that the services of a prepared stack may need, with made-up channels of the alerts."""
    stack = Stack(tmp_path, source=DataSource("simulated"))
    outside = {
        "PATH": os.defpath,
        "ALERT_URLS": 'json://person:it\'s "50%"; @example.org',
        "DASHBOARD_PASSWORD": "opens it",
    }
    environment = service_environment(stack, Path("/java"), outside)
    configure.prepare(stack, environment)
    return environment


def test_natively_each_service_finds_its_own_in_a_file(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "run" / own_secrets.FOLDER
    names = {file.stem for file in folder.iterdir()}
    assert names == set(NEEDED) & set(read_services()) - {"zookeeper", "kafka"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        held = set(json.loads(file.read_text()).values())
        others = {environment[name] for name in compose.private_settings() - NEEDED[file.stem] if name in environment}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert held and not any(other in value for value in held for other in others), file.stem


def test_what_all_share_holds_no_secret(tmp_path: Path, environment: dict[str, str]) -> None:
    shared = "\n".join(shared_environment(environment).values())
    readable = [path for path in (tmp_path / "run").iterdir() if path.is_file() and path.stat().st_mode & 0o077]
    for name in compose.private_settings() & set(environment):
        assert environment[name] not in shared, name
        assert not [path.name for path in readable if environment[name] in path.read_text()], name
    assert shared_environment(environment)["DB_HOST"] == "127.0.0.1"


def test_java_finds_its_logins_in_files_of_the_owner(tmp_path: Path, environment: dict[str, str]) -> None:
    held = {"kafka.properties": "KAFKA_PASSWORD", "zookeeper.jaas": "ZOOKEEPER_PASSWORD"}
    files = {
        file for service in compose.native_services().values() for file in service["x-native"].get("secrets_in", ())
    }
    assert files == set(held)
    for name, secret in held.items():
        file = tmp_path / "run" / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        found = {each for each in compose.secret_sizes() if environment[each] in file.read_text()}
        assert found == {secret}, name


def test_each_user_of_kafka_is_known_to_the_service_that_it_is_for() -> None:
    users = {user for service in read_services().values() if (user := service.users.get("KAFKA_USER"))}
    assert users == {"kafka", *(role.name for role in kafka_roles.ROLES)}


@pytest.mark.parametrize("name", read_services())
def test_natively_a_service_is_who_it_is_in_a_container(name: str, environment: dict[str, str]) -> None:
    """A user that it has not been given would come without a password."""
    service = read_services()[name]
    native = shared_environment(environment) | dict(service.users) | secrets_for(service.secrets, environment)
    container = compose.services()[name].get("environment", {})
    for user in USERS:
        assert native.get(user) == container.get(user), user
        assert not native.get(user) or native[user.replace("_USER", "_PASSWORD")]


def test_a_service_has_them_as_they_are_and_is_the_same_process(tmp_path: Path, environment: dict[str, str]) -> None:
    file = tmp_path / "run" / own_secrets.file_name("alerts")
    launch = ["python", "-S", "-m", "ops.native.launch", "--secrets", str(file), "--"]
    command = [*launch, "sh", "-c", "echo $$; env -0"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, env=MARKED)
    said = process.communicate(timeout=30)[0].decode()
    pid, _, rest = said.partition("\n")
    assert int(pid) == process.pid
    assert f"ALERT_URLS={environment['ALERT_URLS']}" in rest.split("\0")
    assert environment["DB_READ_PASSWORD"] in rest and environment["DB_PASSWORD"] not in rest


def test_a_file_of_before_is_replaced_however_it_was(tmp_path: Path) -> None:
    for _ in range(2):
        own_secrets.write(tmp_path, {"api": {"API_KEY": "new"}})
        (tmp_path / own_secrets.FOLDER / "gone.json").touch(mode=0o644)
        (tmp_path / own_secrets.file_name("api")).chmod(0o644)
    own_secrets.write(tmp_path, {"api": {"API_KEY": "new"}})
    [file] = (tmp_path / own_secrets.FOLDER).iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("api.json", 0o600)
