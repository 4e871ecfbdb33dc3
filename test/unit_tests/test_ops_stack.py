"""A stack's folders, ports, secrets and environment."""

import os
import re
import shlex
import socket
import stat
from pathlib import Path

import pytest

from config.config import ConfigError, Settings
from config.universe_csv import UniverseError
from ops.errors import CannotStart
from ops.native import configure, control, environment, processes, stack_secrets
from ops.native.compose import ports, secret_sizes
from ops.native.stack import DataSource, Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path, port_offset=200, source=DataSource("simulated"))


def test_ports_move_together(stack: Stack) -> None:
    assert stack.port("kafka") == 9292
    assert stack.url("api") == "http://127.0.0.1:8200"


@pytest.mark.parametrize("raw", ["-1", "abc", "60000", "²"])
def test_an_impossible_offset_names_the_setting(raw: str) -> None:
    with pytest.raises(ConfigError, match="ACTSTOCK_PORT_OFFSET"):
        Stack.from_env({"ACTSTOCK_PORT_OFFSET": raw, "ACTSTOCK_HOME": "/nowhere"})


def test_a_started_stack_is_found_again_without_its_ports(stack: Stack) -> None:
    stack.run.mkdir()
    stack.remember()
    assert Stack.from_env({"ACTSTOCK_HOME": str(stack.home)}) == stack
    stack.forget()
    assert Stack.from_env({"ACTSTOCK_HOME": str(stack.home)}) == Stack(stack.home)


def test_no_two_markets_share_a_folder(tmp_path: Path) -> None:
    sources = [
        DataSource(),
        DataSource("simulated"),
        DataSource("simulated", seed=7),
        DataSource("simulated", seed=7, etfs=500),
        DataSource("simulated", etfs=500),
        DataSource("simulated", stocks=500),
        DataSource("recorded", folder="/a/prices"),
        DataSource("recorded", folder="/b/prices"),
    ]
    assert len({Stack(tmp_path, source=source).data for source in sources}) == len(sources)


def test_a_long_path_still_gives_a_socket_that_the_kernel_takes(tmp_path: Path) -> None:
    deep = Stack(tmp_path / ("x" * 120))
    assert len(str(deep.supervisor_socket)) < 108
    assert deep.supervisor_socket != Stack(tmp_path / ("y" * 120)).supervisor_socket


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    first = stack_secrets.load(file)
    assert stack_secrets.load(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(set(first.values())) == len(first)


def test_a_secret_that_came_later_is_added_to_the_old_ones(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("API_KEY=kept\n")
    assert stack_secrets.load(file)["API_KEY"] == "kept"
    assert stack_secrets.load(file)["DB_PASSWORD"]


@pytest.mark.parametrize(
    ("cluster", "taken"), [(None, True), ("yahoo/postgres", False), ("simulated/airflow-db", False)]
)
@pytest.mark.parametrize("looked_before", [False, True], ids=["first of all", "behind a look"])
def test_the_first_databases_have_the_secrets_of_the_containers(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: str | None, taken: bool, looked_before: bool
) -> None:
    """`./start.sh status` makes secrets up, too: they count only once databases have been made with them."""
    of_containers = {name: f"{name.lower()}-of-the-containers" for name in secret_sizes() if name != "API_KEY"}
    monkeypatch.setattr(environment, "ENV_FILE", tmp_path / ".env")
    if cluster:
        (stack.home / "data" / cluster).mkdir(parents=True)
    if cluster or looked_before:
        stack_secrets.load(stack.secrets_file)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in of_containers.items()))

    given = environment.service_environment(stack, Path("/java"), {})
    assert {name for name, value in of_containers.items() if given[name] == value} == (
        set(of_containers) if taken else {"AIRFLOW_PASSWORD"}
    )
    assert given["API_KEY"], "what .env does not have is made up"
    (stack.home / "data" / "yahoo" / "postgres").mkdir(parents=True, exist_ok=True)
    (tmp_path / ".env").write_text("DB_PASSWORD=of-today\n")
    again = environment.service_environment(stack, Path("/java"), {})
    assert again["DB_PASSWORD"] == given["DB_PASSWORD"], "the databases were made with it"


def test_a_secret_of_a_new_version_is_that_of_the_containers(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("DB_PASSWORD=kept\n")
    found = stack_secrets.load(file, {"DB_PASSWORD": "theirs", "MARKET_TOKEN": "theirs", "HISTORY_SESSIONS": "9"})
    assert (found["DB_PASSWORD"], found["MARKET_TOKEN"]) == ("kept", "theirs")
    assert set(found) == set(secret_sizes())


def test_env_files_may_have_comments_quotes_and_exports(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# A=1\n\nexport B='two words'\nC=\"3\"\nD=x=y\n")
    assert stack_secrets.read_env_file(file) == {"B": "two words", "C": "3", "D": "x=y"}


def test_services_get_their_own_addresses_and_the_settings_from_outside(stack: Stack) -> None:
    outside = {
        "DB_HOST": "elsewhere",
        "DB_PASSWORD": "theirs",
        "STAGE_DELAY_MINUTES": "5",
        "API_KEY": "mine",
        "PATH": "/bin",
    }
    given = environment.service_environment(stack, Path("/java"), outside)
    settings = Settings.from_env(given)
    assert (settings.database.host, settings.database.port) == ("127.0.0.1", 5632)
    assert settings.database.password == stack_secrets.load(stack.secrets_file)["DB_PASSWORD"]
    assert (settings.stage_delay_minutes, settings.api_key) == (5, "mine")
    assert given["PATH"].startswith("/java/bin:")


def test_a_served_market_replaces_yahoo_and_its_pauses(stack: Stack) -> None:
    served = Settings.from_env(environment.service_environment(stack, Path("/java"), {"YAHOO_PACE_SECONDS": "5"}))
    assert (served.yahoo.base_url, served.yahoo.pace_seconds) == ("http://127.0.0.1:8290", 0)
    live = Settings.from_env(environment.service_environment(Stack(stack.home), Path("/java"), {}))
    assert (live.yahoo.base_url, live.yahoo.pace_seconds) == ("", 5)


def test_only_what_is_for_people_follows_the_setting_that_opens_ports(stack: Stack) -> None:
    here = environment.service_environment(stack, Path("/java"), {})
    opened = environment.service_environment(stack, Path("/java"), {"ACTSTOCK_BIND": "0.0.0.0"})
    assert {name: opened[name] for name in opened if opened[name] != here[name]} == dict.fromkeys(
        ("ACTSTOCK_BIND", "DASHBOARD_HOST", "AIRFLOW__API__HOST"), "0.0.0.0"
    )
    with pytest.raises(ConfigError, match=r"ACTSTOCK_BIND=192\.0\.2\.7: natively give"):
        environment.service_environment(stack, Path("/java"), {"ACTSTOCK_BIND": "192.0.2.7"})


@pytest.mark.parametrize("name", ["two words", 'a "quoted" one', "it's", "$(touch owned)", "100% --seed 1"])
def test_a_folders_name_is_one_argument_whatever_it_is(tmp_path: Path, name: str) -> None:
    recorded = Stack(tmp_path, source=DataSource("recorded", folder=f"/markets/{name}"))
    given = environment.service_environment(recorded, Path("/java"), {})
    assert shlex.split(given["MARKET_SERVER_ARGS"])[2:] == ["--market", f"/markets/{name}"]


def test_airflow_is_told_everything_in_one_place(stack: Stack) -> None:
    given = environment.service_environment(stack, Path("/java"), {})
    assert given["AIRFLOW__API__PORT"] == "8280"
    assert given["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8280/execution/"
    assert given["AIRFLOW_CONN_SPARK_DEFAULT"] == given["SPARK_MASTER_URL"]


@pytest.mark.parametrize(
    ("outside", "airflow", "spark"),
    [
        ({}, "http://127.0.0.1:8280", "http://127.0.0.1:8281"),
        ({"AIRFLOW_UI_URL": "https://airflow.example.org/"}, "https://airflow.example.org", "http://127.0.0.1:8281"),
    ],
)
def test_links_lead_to_this_stack_unless_told_otherwise(
    stack: Stack, outside: dict[str, str], airflow: str, spark: str
) -> None:
    settings = Settings.from_env(environment.service_environment(stack, Path("/java"), outside))
    assert (settings.airflow_ui_url, settings.spark_ui_url) == (airflow, spark)


def test_clients_and_services_are_told_the_same(stack: Stack) -> None:
    service = environment.service_environment(stack, Path("/java"), {})
    client = environment.client_environment(stack, {})
    assert {name: value for name, value in client.items() if name in service} == {
        name: service[name] for name in client if name in service
    }


def test_a_busy_port_is_named_with_its_service_and_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stack = Stack(tmp_path, port_offset=taken.getsockname()[1] - ports()["api"])
        with pytest.raises(CannotStart, match=rf"port {stack.port('api')} for api is taken by process {os.getpid()}: "):
            processes.require_free_ports(stack, ["api"])
    processes.require_free_ports(stack, ["api"])


def test_a_wrong_universe_is_told_before_anything_starts(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("periods = 20\n")
    monkeypatch.setenv("UNIVERSE_FILE", str(tmp_path / "mine.toml"))
    monkeypatch.setattr(control, "ensure_platform", pytest.fail)
    with pytest.raises(UniverseError, match=r"mine.toml: 'benchmarks' is missing"):
        control.start(stack)


def test_a_universe_is_looked_for_where_the_services_look(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start by cron is given in another folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNIVERSE_FILE", "config/universe.toml")
    control._require_universe(stack)


@pytest.mark.parametrize("name", ["홍길동 집", "a\\b", "😀", "plain"])
def test_java_reads_the_folder_that_is_meant(tmp_path: Path, name: str) -> None:
    stack = Stack(tmp_path / name)
    secrets = {"ZOOKEEPER_PASSWORD": "z", "KAFKA_PASSWORD": "pa\\word"}
    read = {
        file: properties(configure.filled_in(configure.TEMPLATES / file, stack, secrets))
        for file in ("kafka.properties", "zookeeper.properties")
    }
    assert read["kafka.properties"]["log.dirs"] == f"{stack.data}/kafka"
    assert read["zookeeper.properties"]["dataDir"] == f"{stack.data}/zookeeper"
    login = read["kafka.properties"]["listener.name.sasl_plaintext.plain.sasl.jaas.config"]
    assert 'password="pa\\word"' in login


@pytest.mark.parametrize("is_taken", [False, True])
def test_what_lies_below_a_garbled_name_comes_home(tmp_path: Path, is_taken: bool) -> None:
    """Versions before had Java take each byte of the name for a letter."""
    stack = Stack(tmp_path / "홍길동 집")
    garbled = Path(str(stack.data).encode().decode("iso-8859-1"))
    for name in ("kafka", "zookeeper"):
        (garbled / name).mkdir(parents=True)
        (garbled / name / "version-2").write_text("old")
    (stack.data / "kafka").mkdir(parents=True)  # as the supervisor makes it for its user
    if is_taken:
        (stack.data / "kafka" / "version-2").write_text("new")
    configure._bring_home(stack)
    configure._bring_home(stack)
    assert (stack.data / "kafka" / "version-2").read_text() == ("new" if is_taken else "old")
    assert (stack.data / "zookeeper" / "version-2").read_text() == "old"
    assert (garbled / "kafka").exists() is is_taken


def properties(text: str) -> dict[str, str]:
    """Read as java.util.Properties does: by ISO 8859-1, with escapes of UTF-16."""
    lines = (line for line in text.encode().decode("iso-8859-1").splitlines() if line and not line.startswith("#"))
    return {name: unescaped(value) for name, _, value in (line.partition("=") for line in lines)}


def unescaped(value: str) -> str:
    plain = re.sub(r"\\(u[0-9a-f]{4}|.)", lambda at: chr(int(at[1][1:], 16)) if at[1][0] == "u" else at[1], value)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16")


def test_names_of_files_may_have_letters_of_any_language_in_every_service(stack: Stack) -> None:
    """Under the C locale of cron or a bare systemd unit Java refuses them."""
    assert environment.service_environment(stack, Path("/java"), {"LC_ALL": "C"})["LC_ALL"] == "C.UTF-8"


@pytest.mark.parametrize("name", ['a "quoted" one', "100%"])
def test_a_folder_that_the_supervisor_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r'^ACTSTOCK_HOME: .*: take a folder without ["%] in its name$'):
        Stack.from_env({"ACTSTOCK_HOME": str(tmp_path / name)})
    assert Stack.from_env({"ACTSTOCK_HOME": str(tmp_path / "it's $(one); \\ 집")}).home.name == "it's $(one); \\ 집"
