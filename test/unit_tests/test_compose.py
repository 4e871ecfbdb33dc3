"""What docker-compose.yml promises: the contract's services, ports and limits, and no secret of its own."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from config.config import PROJECT_ROOT, Settings, Topic
from dashboard.dashboard_finviz_app import DEFAULT_PORT as DASHBOARD_PORT
from front_door import front_door
from ops.documents.interfaces import front_door_commands
from ops.native import compose, stack_secrets
from ops.native.compose import ports
from ops.native.environment import LOGINS, service_environment
from ops.native.postgres import SERVER_VERSION
from ops.native.services import USERS, read_services
from ops.native.stack import Stack
from ops.native.stack_secrets import read_env_file

FILE = PROJECT_ROOT / "docker-compose.yml"
SEED_PORTS = {
    "postgres": {5432},
    "airflow-db": {5433},
    "zookeeper": {2181},
    "kafka": {9092},
    "spark-master": {7077, 8081},
    "spark-worker": {8082},
    "airflow-webserver": {8080},
    "api": {8000},
    "dashboard": {8050},
}
WITHOUT_PORTS = {
    "airflow-scheduler",
    "collector",
    "consumer-etf-daily",
    "consumer-etf-holdings",
    "consumer-stock-daily",
}
ONLY_CONTAINERS = {"cli", "prometheus"}
# Ports that no container publishes: a health check's, and that of a service for services.
INSIDE = {"airflow-scheduler", "spark-driver"}
# What a network may reach by ACTSTOCK_BIND. Whoever opens the others says so once more.
FOR_PEOPLE = {"api", "dashboard", "airflow-webserver"}
# Another machine's in each container, and a port or a folder of its own natively.
ADDRESSES = {
    "AIRFLOW_URL",
    "ALERT_FOLDER",
    "AIRFLOW_CONN_SPARK_DEFAULT",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "API_URL",
    "CONSUMER_METRICS_BIND",
    "DASHBOARD_HOST",
    "BACKUP_FOLDER",
    "BACKUP_PLATFORM",
    "BACKUP_STATE_FOLDER",
    "DB_HOST",
    "KAFKA_BOOTSTRAP_SERVERS",
    "SPARK_DRIVER_URL",
    "SPARK_LOCAL_DIRS",
    "SPARK_MASTER_URL",
}
UNITS = {"m": 1, "g": 1024}
# A tag that nobody moves to another version: all its numbers, and the system below it where a tag can name one.
EXACT = r"[a-z/.-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9-]+)?(@sha256:[0-9a-f]{64})?"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return services


def published(service: dict[str, Any]) -> set[int]:
    """Host ports with no setting: of a range the first."""
    return {int(re.findall(r":-(\d+)", port)[-1]) for port in service.get("ports", [])}


def megabytes(service: dict[str, Any]) -> int:
    limit = str(service["mem_limit"])
    return int(limit[:-1]) * UNITS[limit[-1]]


class TestConfinement:
    """Each service by itself: what it may change, gain, start and reach."""

    NAMES = tuple(compose.services())
    # Nothing of it may be taken from memory while it computes for minutes.
    TEMPORARY_FILES_ON_DISK = ("cli",)

    @pytest.fixture(params=NAMES)
    def name(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def service(self, services: dict[str, Any], name: str) -> dict[str, Any]:
        found: dict[str, Any] = services[name]
        return found

    def test_its_files_are_read_only(self, service: dict[str, Any], name: str) -> None:
        assert service["read_only"] is True
        written = {each.partition(":")[0] for each in service["tmpfs"]}
        if name in self.TEMPORARY_FILES_ON_DISK:
            assert not written and "/tmp" in service["volumes"]
        else:
            assert "/tmp" in written

    def test_it_has_no_rights_and_gains_none(self, service: dict[str, Any]) -> None:
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"cap_add", "privileged", "pid", "ipc", "network_mode", "devices"} & set(service)

    def test_it_does_not_see_docker(self, service: dict[str, Any]) -> None:
        assert "docker.sock" not in str(service)

    def test_it_notes_its_starts_for_the_watcher(
        self, services: dict[str, Any], service: dict[str, Any], name: str
    ) -> None:
        assert services["alerts"]["environment"]["ALERT_STARTS"] == "/run/starts"
        if name == "cli":  # nobody restarts it
            return
        assert "starts:/run/starts" in service["volumes"]
        words = [*service["entrypoint"], *service["command"]]
        assert "/run/starts/" in " ".join(words) and name in " ".join(words).replace("/run/starts/$$0", "")

    def test_it_starts_a_bounded_number_of_threads(self, service: dict[str, Any]) -> None:
        assert 0 < service["pids_limit"] <= 2048

    def test_what_stays_up_says_how_it_is(self, service: dict[str, Any], name: str) -> None:
        """But for `backup`, which does nothing for a day: it tells the watcher how that went."""
        stays_up = service.get("restart") == "unless-stopped"
        assert ("healthcheck" in service) is (stays_up and name != "backup")

    def test_its_network_is_named(self, services: dict[str, Any], service: dict[str, Any], name: str) -> None:
        assert service["networks"] and set(service["networks"]) <= {"front", "back"}
        for other in service.get("depends_on", {}):
            assert set(service["networks"]) & set(services[other]["networks"]), other

    def test_its_image_is_ours_or_of_one_version(self, service: dict[str, Any]) -> None:
        ours = service["image"].startswith("actstock/")
        assert ours is ("build" in service)
        assert ours or re.fullmatch(EXACT, service["image"]), service["image"]


def test_both_databases_are_of_the_version_that_runs_natively(services: dict[str, Any]) -> None:
    for name in ("postgres", "airflow-db"):
        assert services[name]["image"].startswith(f"postgres:{SERVER_VERSION}."), name
        assert services[name]["volumes"][0] == f"{name}-data:/var/lib/postgresql"


@pytest.mark.parametrize(
    ("files", "starts"),
    [
        ({}, True),
        ({"18/docker/PG_VERSION": "18"}, True),
        ({"PG_VERSION": "15"}, False),
        ({"PG_VERSION": "15", "18/docker/PG_VERSION": "18"}, True),
        ({"before-18/PG_VERSION": "15", "18/docker/PG_VERSION": "18"}, True),
    ],
)
def test_the_data_of_another_version_are_left_alone(
    services: dict[str, Any], tmp_path: Path, files: dict[str, str], starts: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    [*_, script, _] = services["postgres"]["entrypoint"]
    script = script.replace("$$", "$").replace("/var/lib/postgresql", str(tmp_path))
    environ = {"PATH": os.defpath, "PGDATA": str(tmp_path / "18" / "docker"), "PG_MAJOR": "18"}
    run = subprocess.run(
        ["bash", "-c", script, "echo", "postgres", "-c", "x=1"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode == 0) is starts
    assert run.stdout == ("postgres -c x=1\n" if starts else "")
    assert ("has the data of PostgreSQL 15, and this is version 18" in run.stderr) is not starts


@pytest.mark.parametrize(("restoring", "code"), [("", 4), ("1", 0)])
def test_what_a_killed_restore_has_left_is_not_started(
    services: dict[str, Any], tmp_path: Path, restoring: str, code: int
) -> None:
    """It would be an empty platform, and nobody would know of the old data."""
    for name in ("before-18/PG_VERSION", "before-18/restoring", "18/docker/PG_VERSION"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("15\n")
    for name in ("postgres", "airflow-db"):
        assert services[name]["environment"]["RESTORING"] == "${ACTSTOCK_RESTORING:-}"
    [*_, script, _] = services["postgres"]["entrypoint"]
    script = script.replace("$$", "$").replace("/var/lib/postgresql", str(tmp_path))
    environ = {"PGDATA": str(tmp_path / "18" / "docker"), "PG_MAJOR": "18", "RESTORING": restoring}
    run = subprocess.run(["bash", "-c", script, "true"], env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == code
    assert ("./start.sh restore --docker FILE once more" in run.stderr) is bool(code)


def test_the_watcher_is_told_of_backups_and_sees_none(services: dict[str, Any]) -> None:
    """They hold every secret."""
    backup, alerts = services["backup"], services["alerts"]
    folder = backup["environment"]["BACKUP_STATE_FOLDER"]
    assert alerts["environment"]["BACKUP_STATE_FOLDER"] == folder
    assert f"backup-state:{folder}" in backup["volumes"]
    assert [volume for volume in alerts["volumes"] if "backup" in volume] == [f"backup-state:{folder}:ro"]
    assert services["upgrade-backup"]["volumes"] == backup["volumes"]
    for image in ("Dockerfile", "Dockerfile.airflow"):
        assert folder in (PROJECT_ROOT / image).read_text(), "else the volume would be root's"


def test_whoever_reads_the_universe_reads_its_csv(services: dict[str, Any]) -> None:
    """Without it a job of the warm driver is refused, since its universe is another one than the scheduler's."""
    seen = {name: [str(each) for each in service.get("volumes", ())] for name, service in services.items()}
    readers = {name for name, volumes in seen.items() if any("universe.toml" in each for each in volumes)}
    assert readers == {name for name, volumes in seen.items() if any("universe.csv" in each for each in volumes)}
    assert "spark-driver" in readers


def test_the_dashboard_shares_a_network_with_the_api_and_who_watches_it_alone(services: dict[str, Any]) -> None:
    assert services["dashboard"]["networks"] == ["front"]
    assert {name for name, each in services.items() if "front" in each["networks"]} == {
        *("api", "dashboard", "alerts", "cli")
    }


@pytest.mark.parametrize("dockerfile", ["Dockerfile", "Dockerfile.api", "Dockerfile.airflow"])
def test_our_images_are_built_from_one_version(dockerfile: str) -> None:
    text = (PROJECT_ROOT / dockerfile).read_text(encoding="utf-8")
    stages = {stage for _, stage in re.findall(r"^FROM (\S+) AS (\S+)", text, re.MULTILINE)}
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages
    assert bases and all(re.fullmatch(EXACT, base) for base in bases), bases


@pytest.mark.parametrize(("topic"), list(Topic))
def test_a_consumer_is_healthy_while_it_goes_round(services: dict[str, Any], topic: Topic) -> None:
    service = services[f"consumer-{topic.consumer_group}"]
    assert service["environment"]["CONSUMER_HEARTBEAT"] in service["healthcheck"]["test"][-1]


def test_the_services_and_ports_of_the_contract(services: dict[str, Any]) -> None:
    assert {name: published(services[name]) for name in SEED_PORTS} == SEED_PORTS
    assert all(not published(services[name]) for name in WITHOUT_PORTS)


def test_the_same_services_as_natively(services: dict[str, Any]) -> None:
    native = read_services()
    assert set(services) == set(native) | ONLY_CONTAINERS
    for name, service in native.items():
        native_ports = {ports()[port] for port in service.ports}
        native_ports -= {ports()[port] for port in INSIDE}
        assert published(services[name]) == native_ports, name


def test_every_port_is_bound_to_this_machine_unless_a_setting_says_otherwise(services: dict[str, Any]) -> None:
    for name, service in services.items():
        opened = "ACTSTOCK_BIND" if name in FOR_PEOPLE else "ACTSTOCK_BIND_INSIDE"
        assert all(port.startswith(f"${{{opened}:-127.0.0.1}}:") for port in service.get("ports", [])), name


def test_a_port_has_one_number_wherever_its_setting_stands() -> None:
    found = set(compose.PORT.findall(FILE.read_text(encoding="utf-8")))
    assert len(found) == len({name for name, *_ in found})


def test_settings_and_their_example_name_the_same_ports() -> None:
    example = dict(re.findall(r"^#PORT_(\w+)=(.+)$", (PROJECT_ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert example == {name: default for name, default, _ in compose.PORT.findall(FILE.read_text("utf-8"))}
    settings = Settings.from_env({})
    addresses = {
        "postgres": str(settings.database.port),
        "kafka": settings.kafka.bootstrap_servers,
        "spark-master": settings.spark.master_url,
        "api": settings.api_url,
        "airflow": settings.airflow_ui_url,
        "spark-master-ui": settings.spark_ui_url,
        "dashboard": str(DASHBOARD_PORT),
    }
    assert {name: int(address.rpartition(":")[2]) for name, address in addresses.items()} == {
        name: ports()[name] for name in addresses
    }


def test_the_front_door_moves_every_published_port() -> None:
    script = f"root={PROJECT_ROOT}; . ops/containers/commands.sh; ACTSTOCK_PORT_OFFSET=100 ports_by_offset"
    environ = {"ACTSTOCK_HOME": "", "PATH": os.defpath, "state": ""}
    run = subprocess.run(["bash", "-euc", script], env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True)
    moved = dict(line.split("=") for line in run.stdout.splitlines())
    wanted = {
        f"PORT_{name.upper().replace('-', '_')}": str(port + 100)
        for name, port in ports().items()
        if name not in INSIDE
    }
    beside = {"PORT_SPARK_WORKER_UI": "8182-8189", "PORT_PROMETHEUS": "9190", "ACTSTOCK_PORT_OFFSET": "100"}
    assert moved == wanted | beside, run.stderr


def test_the_api_believes_a_proxy_what_it_was_asked_over(services: dict[str, Any]) -> None:
    """Natively uvicorn trusts 127.0.0.1 by itself. A container sees Docker's address in its place."""
    assert services["api"]["environment"]["FORWARDED_ALLOW_IPS"] == "*"


def test_the_front_door_waits_for_every_service_that_stays_up(services: dict[str, Any]) -> None:
    script = (PROJECT_ROOT / "ops" / "containers" / "commands.sh").read_text(encoding="utf-8")
    [left_out] = re.findall(r"^one_shots='([\w|-]+)'", script, re.MULTILINE)
    stays_up = {name for name, service in services.items() if service.get("restart") == "unless-stopped"}
    assert set(left_out.split("|")) == set(services) - stays_up


@pytest.mark.parametrize(
    ("service", "user", "password"),
    [
        ("api", "actstock_read", "DB_READ_PASSWORD"),
        ("airflow-scheduler", "actstock_collect", "DB_COLLECT_PASSWORD"),
        ("schema", "postgres", "DB_PASSWORD"),
        ("dashboard", None, None),
    ],
)
def test_a_login_is_that_of_the_container(service: str, user: str | None, password: str | None) -> None:
    native = read_services()[service]
    assert (native.users.get("DB_USER"), native.secrets.get("DB_PASSWORD")) == (user, password)


def test_a_setting_that_names_no_address_is_the_same_natively(services: dict[str, Any], tmp_path: Path) -> None:
    given = service_environment(Stack(tmp_path), Path("/java"), {})
    compared = {
        name: (value, given[name])
        for service in read_services()
        for name, value in services[service].get("environment", {}).items()
        if name in given and name not in {*USERS, *ADDRESSES} and "$" not in value
    }
    assert {"DB_NAME", "SPARK_DAEMON_MEMORY", "SPARK_MASTER_OPTS", "SPARK_WORKER_OPTS"} <= set(compared)
    assert all(here == there for here, there in compared.values()), compared


def test_kafka_and_zookeeper_are_set_up_alike_natively(services: dict[str, Any]) -> None:
    written = (PROJECT_ROOT / "ops" / "native" / "conf" / "kafka.properties").read_text(encoding="utf-8")
    natively = dict(line.split("=", 1) for line in written.splitlines() if not line.startswith("#"))
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in services["kafka"]["environment"].items()
    }
    compared = {name: (given[name], natively[name]) for name in given.keys() & natively if "$" not in natively[name]}
    assert {"log.retention.hours", "log.cleaner.dedupe.buffer.size", "offsets.topic.num.partitions"} <= set(compared)
    alone = {"sasl.enabled.mechanisms", "zookeeper.connect"}
    assert all(here == there for name, (here, there) in compared.items() if name not in alone), compared
    heaps = {"kafka": "KAFKA_HEAP_OPTS", "zookeeper": "JVMFLAGS"}
    for name, variable in heaps.items():
        sizes = re.findall(r"-Xm[sx]\w+", services[name]["environment"][variable])
        assert len(sizes) == 2 and sizes == re.findall(r"-Xm[sx]\w+", services[name]["x-native"]["command"])


def test_links_of_the_dashboard_follow_the_ports(services: dict[str, Any]) -> None:
    for name, setting in {"AIRFLOW_UI_URL": "airflow-webserver", "SPARK_UI_URL": "spark-master"}.items():
        port = re.search(r"localhost:(\$\{PORT_\w+:-\d+\})", services["api"]["environment"][name])
        assert port and any(port[1] in published for published in services[setting]["ports"])


def test_what_stays_up_fits_eight_gigabytes(services: dict[str, Any]) -> None:
    assert all("mem_limit" in service for service in services.values())
    stays_up = [each for each in services.values() if each.get("restart") == "unless-stopped"]
    assert sum(megabytes(each) for each in stays_up if each.get("profiles") != ["monitoring"]) <= 8 * 1024


def test_whatever_is_waited_for_has_a_health_check_or_an_end(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, condition in service.get("depends_on", {}).items():
            wanted = condition["condition"]
            assert wanted != "service_healthy" or "healthcheck" in services[name], name
            assert wanted != "service_completed_successfully" or services[name]["restart"] == "on-failure", name


def test_everything_ends_within_half_a_minute_and_comes_back_after_a_crash(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if service.get("restart") == "unless-stopped":
            assert service["stop_grace_period"] == "30s", name
        else:
            assert service.get("restart") == "on-failure" or name == "cli"


class TestSecrets:
    def asked_for(self) -> set[str]:
        return set(re.findall(r"\$\{([A-Z_]+):\?is missing", FILE.read_text(encoding="utf-8")))

    def test_the_front_door_makes_up_what_the_file_asks_for(self, tmp_path: Path) -> None:
        made = self.env(tmp_path)
        assert set(made) == self.asked_for()
        assert len(made["AIRFLOW_FERNET_KEY"]) == 44
        assert all(len(value) >= 12 for value in made.values())
        assert len(set(made.values())) == len(made)

    def test_natively_the_same_ones_are_made_up(self, tmp_path: Path) -> None:
        made, native = self.env(tmp_path), stack_secrets.load(tmp_path / "secrets.env")
        assert {name: len(value) for name, value in native.items()} == {name: len(made[name]) for name in made}
        assert set(made) == set(compose.secret_sizes()) > set(LOGINS)

    def test_what_is_there_stays(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("API_KEY=mine\nYAHOO_PACE_SECONDS=3\n")
        made = self.env(tmp_path)
        assert (made["API_KEY"], made["YAHOO_PACE_SECONDS"]) == ("mine", "3")
        assert self.env(tmp_path) == made

    def test_only_the_owner_can_read_them(self, tmp_path: Path) -> None:
        self.env(tmp_path)
        assert (tmp_path / ".env").stat().st_mode & 0o077 == 0

    def test_no_secret_has_a_default(self) -> None:
        text = FILE.read_text(encoding="utf-8")
        assert not re.findall(r"\$\{\w*(?:PASSWORD|KEY|SECRET)\w*:?-[^}]", text)

    def test_settings_can_be_written_beside_them(self, tmp_path: Path) -> None:
        self.env(tmp_path)
        made = self.env(tmp_path, "PIPELINE_SCHEDULE=controller", "STAGE_DELAY_MINUTES=5")
        assert set(made) > self.asked_for()
        again = self.env(tmp_path, "PIPELINE_SCHEDULE=staggered")
        assert again == made | {"PIPELINE_SCHEDULE": "staggered"}
        assert (tmp_path / ".env").read_text().count("PIPELINE_SCHEDULE") == 1
        assert (tmp_path / ".env").stat().st_mode & 0o077 == 0

    def test_a_setting_brings_no_secret_with_it(self, tmp_path: Path) -> None:
        """Natively a secret in .env goes before the platform's own, whose folder may be elsewhere."""
        assert self.env(tmp_path, "ALERT_LANGUAGE=ko") == {"ALERT_LANGUAGE": "ko"}
        assert set(self.env(tmp_path)) == self.asked_for() | {"ALERT_LANGUAGE"}

    def test_what_is_no_setting_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        refused = front_door(tmp_path, "env", "A=1", "staggered")
        assert refused.returncode == 1
        assert "write a setting as NAME=VALUE, not staggered" in refused.stderr
        assert not (tmp_path / ".env").exists()

    @pytest.mark.parametrize("value", ['say "no"', "it's", "two\nlines", "two\rlines", "C:\\"])
    def test_what_a_line_of_it_cannot_hold_is_refused(self, tmp_path: Path, value: str) -> None:
        refused = front_door(tmp_path, "env", "A=1", f"DASHBOARD_PASSWORD={value}")
        assert refused.returncode == 1
        assert "the value of DASHBOARD_PASSWORD may have no quotes, no line break" in refused.stderr
        assert value not in refused.stderr
        assert not (tmp_path / ".env").exists()

    def test_a_value_stays_what_was_given(self, tmp_path: Path) -> None:
        """Docker Compose would replace $NAME and leave out what is behind #. In single quotes it does neither."""
        given = {"DASHBOARD_PASSWORD": "a$b\\ #1", "ALERT_URLS": "json://a.test json://b.test", "KAFKA_PREFIX": "mine-"}
        made = self.env(tmp_path, *(f"{name}={value}" for name, value in given.items()))
        assert {name: made[name] for name in given} == given
        text = (tmp_path / ".env").read_text()
        assert "\nDASHBOARD_PASSWORD='a$b\\ #1'\n" in text
        assert "\nKAFKA_PREFIX=mine-\n" in text

    def test_a_demo_that_is_refused_writes_nothing(self, tmp_path: Path) -> None:
        docker = tmp_path / "bin" / "docker"
        docker.parent.mkdir()
        docker.write_text("#!/bin/sh\nexit 0\n")
        docker.chmod(0o755)
        refused = front_door(tmp_path, "demo", "--docker", "--nosuch", "7")
        assert refused.returncode == 1
        assert "demo does not know --nosuch" in refused.stderr
        assert not (tmp_path / ".env").exists()

    def test_a_native_platform_keeps_its_key_and_password(self, tmp_path: Path) -> None:
        """`.env` goes before the native secrets: made up anew, they would lock the users of a native platform out."""
        native = stack_secrets.load(tmp_path / "checkout" / ".actstock" / "secrets.env")
        assert self.env(tmp_path) == native

    def test_what_cannot_be_written_leaves_the_old_file(self, tmp_path: Path) -> None:
        made = self.env(tmp_path)
        (tmp_path / ".env.new").mkdir()
        refused = front_door(tmp_path, "env", "PIPELINE_SCHEDULE=controller")
        assert refused.returncode == 1
        assert "could not be written" in refused.stderr
        assert read_env_file(tmp_path / ".env") == made

    @pytest.mark.parametrize("name", ["two words", 'a "quoted" one', "$(touch owned)", "`touch owned`", "a=b"])
    def test_a_folders_name_is_not_evaluated(self, tmp_path: Path, name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . {PROJECT_ROOT}/ops/containers/commands.sh; "
            'die() { exit 1; }; market_of --market "$1" | remember; recall; printf %s "$MARKET_FOLDER"'
        )
        command = ["bash", "-euc", script, "start.sh", str(folder)]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert run.stdout == str(folder)
        assert not (tmp_path / "owned").exists()

    @pytest.mark.parametrize("words", [("--quick", "--seed", "7"), ("--seed=7", "--quick")])
    def test_a_quick_demo_is_on_the_same_market(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . {PROJECT_ROOT}/ops/containers/commands.sh; "
            'die() { exit 1; }; market_of "$@"'
        )
        said = [
            subprocess.run(["bash", "-euc", script, "start.sh", *each], capture_output=True, text=True, check=True)
            for each in (words, ("--seed", "7"))
        ]
        assert said[0].stdout == said[1].stdout
        assert "--seed 7" in said[0].stdout

    def env(self, folder: Path, *settings: str) -> dict[str, str]:
        front_door(folder, "env", *settings).check_returncode()
        return read_env_file(folder / ".env")


class TestFrontDoor:
    """start.sh where neither Docker nor an installation is."""

    def test_help_lists_every_command_and_installs_nothing(self, tmp_path: Path) -> None:
        shown = front_door(tmp_path, "--help")
        assert shown.returncode == 0
        words = " ".join(shown.stdout.split())
        for parser, said in front_door_commands():
            assert parser.prog.removeprefix("./start.sh ") in words
            assert " ".join(said.split()) in words

    @pytest.mark.parametrize(
        ("environ", "file", "warned"),
        [
            ({}, "ACTSTOCK_BIND=0.0.0.0", False),
            ({}, "ACTSTOCK_BIND_INSIDE=127.0.0.1", False),
            ({}, "ACTSTOCK_BIND_INSIDE=0.0.0.0", True),
            ({"ACTSTOCK_BIND_INSIDE": "192.0.2.7"}, "", True),
            ({"ACTSTOCK_BIND_INSIDE": "127.0.0.1"}, "ACTSTOCK_BIND_INSIDE=0.0.0.0", False),
        ],
    )
    def test_whoever_opens_what_asks_for_no_login_is_warned(
        self, tmp_path: Path, environ: dict[str, str], file: str, warned: bool
    ) -> None:
        (tmp_path / ".env").write_text(f"{file}\n")
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; "
            'say() { echo "$@"; }; warn_of_open_ports'
        )
        environ = {"ACTSTOCK_ENV_FILE": str(tmp_path / ".env"), "PATH": os.defpath, **environ}
        run = subprocess.run(
            ["bash", "-euc", script], env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
        )
        assert ("WARNING: ACTSTOCK_BIND_INSIDE" in run.stdout) is warned

    @pytest.mark.parametrize(("address", "is_told"), [("", True), ("http://market-server:8090", False)])
    def test_a_start_tells_its_requests_before_it_starts_anything(
        self, tmp_path: Path, address: str, is_told: bool
    ) -> None:
        (tmp_path / ".env").write_text(f"YAHOO_BASE_URL={address}\n")
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; mkdir {tmp_path}/run; "
            "docker() { :; }; say() { :; }; die() { echo $*; exit 1; }; wait_for_history() { :; }; "
            'write_env() { :; }; compose() { echo "$@"; }; containers_main up'
        )
        environ = {"ACTSTOCK_ENV_FILE": str(tmp_path / ".env"), "PATH": os.defpath}
        run = subprocess.run(
            ["bash", "-euc", script], env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
        )
        called = run.stdout.splitlines()
        plan, start = (
            [at for at, command in enumerate(called) if re.search(words, command)]
            for words in (r"^run .* cli plan$", r"^up ")
        )
        assert bool(plan) is is_told
        assert plan[:1] < start[:1]

    def test_asked_for_docker_it_says_that_there_is_none(self, tmp_path: Path) -> None:
        refused = front_door(tmp_path, "up", "--docker")
        assert refused.returncode == 1
        assert "Docker with Compose v2 does not answer here" in refused.stderr

    def test_what_docker_compose_has_started_is_taken_over(self, tmp_path: Path) -> None:
        (tmp_path / ".env").touch()
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; "
            "docker() { :; }; timeout() { [[ $* = *project=actstock ]] && echo c0ffee; }; "
            'adopt && cat "$started"'
        )
        environ = {"ACTSTOCK_ENV_FILE": str(tmp_path / ".env"), "PATH": os.defpath}
        run = subprocess.run(
            ["bash", "-euc", script], env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
        )
        assert run.stdout == "COMPOSE_PROJECT_NAME=actstock\n", run.stderr

    @pytest.mark.parametrize(
        ("services", "called"),
        [
            (["api", "dashboard"], "up --detach --no-build --no-deps --force-recreate api dashboard"),
            (["two"], "up --detach --no-build --no-deps --force-recreate --scale two=2 two"),
            ([], ""),
        ],
    )
    def test_a_restart_makes_containers_anew(self, tmp_path: Path, services: list[str], called: str) -> None:
        """docker compose restart would keep the settings of the first start."""
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; "
            'compose() { case $* in "ps --quiet two") seq 2 ;; ps*) echo 1 ;; *) echo "$@" ;; esac; }; '
            'die() { exit 1; }; containers_restart "$@"'
        )
        command = ["bash", "-euc", script, "start.sh", *services]
        run = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert run.stdout.strip() == called
        assert (run.returncode == 0) is bool(services)

    def test_a_backup_is_written_where_it_is_asked_for(self, tmp_path: Path) -> None:
        (tmp_path / ".env").touch()
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; "
            'compose() { echo "$@"; }; die() { echo "$*"; exit 1; }; containers_backup "$@"'
        )
        environ = {"ACTSTOCK_ENV_FILE": str(tmp_path / ".env"), "PATH": os.defpath}
        command = ["bash", "-euc", script, "start.sh", str(tmp_path / "a b.tar")]
        run = subprocess.run(command, env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert run.stdout == (
            f"run --rm --no-deps --quiet-pull --user {os.getuid()}:{os.getgid()} --volume {tmp_path}:/backup --volume "
            f"{tmp_path}/.env:/run/settings.env:ro --env ENV_FILE_SEEN=/run/settings.env backup python -m "
            "ops.backup.command /backup/a b.tar\n"
        ), run.stderr
        nowhere = [*command[:-1], str(tmp_path / "nowhere" / "a.tar")]
        run = subprocess.run(nowhere, env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout) == (1, f"backup: there is no folder {tmp_path}/nowhere\n")

    @pytest.mark.parametrize(
        ("setting", "seen"),
        [
            ("", f"{PROJECT_ROOT}/config:/exchange-days --env EXCHANGE_DAYS_FILE=/exchange-days/exchange_days.csv"),
            ("EXCHANGE_DAYS_FILE=/etc/my.csv", "/etc:/exchange-days --env EXCHANGE_DAYS_FILE=/exchange-days/my.csv"),
        ],
    )
    def test_extra_days_are_written_where_they_lie(self, tmp_path: Path, setting: str, seen: str) -> None:
        """A mounted file cannot be replaced, but its folder's entry can. The file keeps its owner."""
        (tmp_path / ".env").write_text(f"{setting}\n")
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; "
            'compose() { echo "$@"; }; containers_closed_days --add XKRX 2026-06-04 "two words"'
        )
        environ = {"ACTSTOCK_ENV_FILE": str(tmp_path / ".env"), "PATH": os.defpath}
        run = subprocess.run(
            ["bash", "-euc", script], env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
        )
        user = f"{os.getuid()}:{os.getgid()}"
        assert run.stdout == (
            f"run --rm --no-deps --quiet-pull --user {user} --volume {seen} "
            "cli closed-days --add XKRX 2026-06-04 two words\n"
        ), run.stderr

    @pytest.mark.parametrize(
        ("words", "option", "name"),
        [
            (("verify", "--kept", "FILE"), "--kept", "heads: of_may.txt"),
            (("verify", "--kept=FILE"), "--kept", "heads.txt"),
            (("lab", "--brief", "--variants", "FILE", "--resamples", "10"), "--variants", "mine.toml"),
        ],
    )
    def test_a_file_of_this_machine_is_seen(
        self, tmp_path: Path, words: tuple[str, ...], option: str, name: str
    ) -> None:
        """Also one that only its owner may read: the container's user is another one."""
        file = tmp_path / name
        file.write_text("what it says\n")
        file.chmod(0o600)
        run = self.in_containers(tmp_path, *(word.replace("FILE", str(file)) for word in words))
        [(mounted, command)] = re.findall(r"^run .* --volume (\S+:/given/.*:ro) cli (.*)$", run.stdout, re.MULTILINE)
        place = f"/given/{name.replace(':', '_')}"
        assert mounted.split(":", 1)[1] == f"{place}:ro"
        others = [word for word in words[1:] if not word.startswith(option) and word != "FILE"]
        assert command == " ".join([words[0], *others, option, place])
        assert run.stdout.splitlines()[1:] == ["what it says", "644"]
        assert not Path(mounted.split(":")[0]).exists()

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        run = self.in_containers(tmp_path, "verify", "--kept", "nowhere.txt")
        assert (run.returncode, run.stdout) == (1, "--kept nowhere.txt: there is no such file\n")

    @pytest.mark.parametrize("words", [("verify",), ("verify", "--head", "--send"), ("lab", "--brief")])
    def test_without_a_file_none_is_mounted(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        run = self.in_containers(tmp_path, *words)
        assert run.stdout == f"run --rm --no-deps --quiet-pull --no-TTY cli {' '.join(words)}\n", run.stderr

    @pytest.mark.parametrize(
        ("words", "way"),
        [(("bench",), r"demo --native\. .*bench --native PART"), (("screenshots",), "demo --native")],
    )
    def test_what_only_a_native_platform_has_is_refused_with_the_way(
        self, tmp_path: Path, words: tuple[str, ...], way: str
    ) -> None:
        run = self.in_containers(tmp_path, *words)
        assert run.returncode == 1 and re.search(way, run.stdout), run.stdout

    @pytest.mark.parametrize(
        ("containers", "code"),
        [
            (["api running 0 healthy", "spark-worker running 0", "schema exited 0"], 0),
            (["api running 0 healthy", "collector running 0"], 0),
            (["api running 0 unhealthy"], 1),
            (["api running 0 starting"], 1),
            (["api exited 0"], 1),
            (["api restarting 1"], 1),
            (["api running 0 healthy", "topics exited 1"], 1),
            ([], 1),
        ],
    )
    def test_the_status_ends_as_it_is(self, tmp_path: Path, containers: list[str], code: int) -> None:
        run = self.in_containers(tmp_path, "status", containers="\n".join(containers))
        assert run.returncode == code, run.stderr
        assert run.stdout.splitlines()[-1].endswith(" cli status"), "the addresses are shown all the same"

    def in_containers(self, folder: Path, *words: str, containers: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command on stand-ins for Docker. A mounted file is shown, and its mode."""
        (folder / ".env").touch()
        (folder / "run").mkdir()
        script = (
            f"root={PROJECT_ROOT}; state={folder}; . ops/containers/commands.sh; "
            'die() { echo "$*"; exit 1; }; adopt() { :; }; recall() { :; }; compose() { '
            'case $* in *Status*) ;; ps*) [ -z "$CONTAINERS" ] || echo "$CONTAINERS" ;; '
            '*) echo "$@"; [ -z "${copy:-}" ] || { cat "$copy"; stat -c %a "$copy"; } ;; esac; }; containers_main "$@"'
        )
        environ = {"ACTSTOCK_ENV_FILE": str(folder / ".env"), "PATH": os.defpath, "CONTAINERS": containers}
        command = ["bash", "-euo", "pipefail", "-c", script, "start.sh", *words]
        return subprocess.run(command, env=environ, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)


class TestInterruptedRestore:
    """A restore into containers, with stand-ins for Docker, that Ctrl-C or a signal meets at one of its steps."""

    STAND_INS = """
    say() { echo "$*"; }; die() { say "$*"; exit 1; }; adopt() { return 1; }; containers_up() { compose start; }
    at() { [[ "$*" != *"$MOMENT"* ]] || kill -s "$SIGNAL" $$; }
    docker() {
        case $* in
            "volume ls --quiet") printf 'actstock_%s\\n' postgres-data airflow-db-data ;;
            "volume ls "*actstock) printf 'actstock_%s\\n' postgres-data airflow-db-data kafka-data ;;
            *) echo "docker $*" >&2 ;;
        esac
    }
    in_restore() { at "$1"; [ "$1" != ready ] || { mkdir "$restored/config"; echo API_KEY=new >"$restored/env"; }; }
    in_cli() { :; }; for_old_data() { at "$1"; }
    compose() { echo "compose $1" >&2; at "$1"; }
    """

    def restore(self, folder: Path, moment: str, signal: str = "INT", stand_ins: str = STAND_INS) -> tuple[int, str]:
        (folder / "backup.tar").touch()
        (folder / ".env").write_text("API_KEY=before\n")
        script = f"root={PROJECT_ROOT}; state={folder}; . ops/containers/commands.sh; {stand_ins} containers_restore $0"
        given = {"ACTSTOCK_ENV_FILE": str(folder / ".env"), "PATH": os.defpath, "MOMENT": moment, "SIGNAL": signal}
        # A signal that the tests were started without cannot be caught.
        run = subprocess.run(
            ["env", "--default-signal", "bash", "-euc", script, str(folder / "backup.tar")],
            env=given, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return run.returncode, run.stdout

    @pytest.mark.parametrize("moment", ["build", "market", "ready"])
    def test_while_it_reads_nothing_has_happened(self, tmp_path: Path, moment: str) -> None:
        code, said = self.restore(tmp_path, moment)
        assert (code, "Interrupted: nothing was replaced" in said, "compose down" in said) == (130, True, False), said
        assert said.splitlines()[-1] == "docker volume rm actstock_kafka-data", "reading makes all volumes of a project"
        self.assert_as_before(tmp_path)

    def test_where_nobody_knows_what_was_there_no_volume_is_removed(self, tmp_path: Path) -> None:
        unknown = self.STAND_INS.replace('"volume ls --quiet") printf', '"volume ls --quiet") return 1; printf')
        code, said = self.restore(tmp_path, "never", stand_ins=unknown)
        assert (code, "volume rm" in said) == (1, False), said
        self.assert_as_before(tmp_path)

    def test_it_says_that_it_replaces_what_was_there_before(self, tmp_path: Path) -> None:
        """Not what reading the backup has made."""
        (tmp_path / ".env").write_text("API_KEY=before\n")
        stand_ins = self.STAND_INS.replace("in_restore() {", 'in_restore() { echo "step $*" >&2;')
        for before, said in (("", False), ("actstock_postgres-data", True)):
            listed = stand_ins.replace(
                "printf 'actstock_%s\\n' postgres-data airflow-db-data ;;", f"echo {before} ;;", 1
            )
            shown = self.restore(tmp_path, "never", stand_ins=listed)[1]
            [ready] = [line for line in shown.splitlines() if line.startswith("step ready")]
            assert ("the databases in the volumes of actstock" in ready, "--here" in ready) == (said, said)

    @pytest.mark.parametrize(("signal", "code"), [("INT", 130), ("TERM", 143), ("HUP", 143)])
    @pytest.mark.parametrize("moment", ["set_aside", "up", "fill"])
    def test_while_it_fills_the_old_state_comes_back(self, tmp_path: Path, moment: str, signal: str, code: int) -> None:
        """Nothing goes on running, which would stand in the next one's way."""
        ended, said = self.restore(tmp_path, moment, signal)
        assert (ended, "what was there is kept" in said) == (code, True), said
        assert said.splitlines()[-2:] == ["compose down", "docker volume rm actstock_kafka-data"]
        self.assert_as_before(tmp_path)

    def test_behind_that_the_start_is_what_is_left(self, tmp_path: Path) -> None:
        code, said = self.restore(tmp_path, "start")
        assert (code, "./start.sh --docker goes on" in said, "compose down" in said) == (130, True, False), said
        assert (tmp_path / ".env").read_text().startswith("API_KEY=new\n")
        assert (tmp_path / "run" / "containers.env").exists()

    def test_without_one_it_goes_through(self, tmp_path: Path) -> None:
        code, said = self.restore(tmp_path, "never")
        assert (code, "compose down" in said, "Interrupted" in said) == (0, False, False), said
        assert (tmp_path / ".env").read_text().startswith("API_KEY=new\n")

    def assert_as_before(self, folder: Path) -> None:
        assert (folder / ".env").read_text() == "API_KEY=before\n"
        assert not (folder / "run" / "restored").exists()
        assert not (folder / "run" / "containers.env").exists()


class TestOldData:
    """A restore into volumes of PostgreSQL 15, with folders in their place and stand-ins for Docker."""

    # A container of a database sees its volume alone; a server of 18 makes a folder in it, unless it is said otherwise.
    STAND_INS = """
    say() { echo "$*"; }; die() { say "$*"; exit 1; }; adopt() { return 1; }; containers_up() { :; }; in_cli() { :; }
    docker() { [ "$2" != ls ] || ls "$state/volumes" | sed 's/^/actstock_/'; }
    fails() { [[ " $FAILING " != *" $1 "* ]] || return 1; [ "$KILLED" != "$1" ] || kill -9 $$; }
    in_restore() {
        fails "$1" || return
        [ "$1" != ready ] || { mkdir "$restored/config"; echo API_KEY=new >"$restored/env"; }
    }
    compose() {
        local service script step
        case $1 in
            run)
                while [ "$1" != bash ]; do shift; done
                service=$2 script=$4 step=$6
                fails "$service-$step" || return
                script=${script//\\/var\\/lib\\/postgresql/$state/volumes/$service-data}
                PG_MAJOR=18 PGDATA=$state/volumes/$service-data/18/docker bash -euc "$script" old-data "$step"
                ;;
            up)
                echo "up with ACTSTOCK_RESTORING=${ACTSTOCK_RESTORING:-}"
                for service in postgres airflow-db; do
                    mkdir -p "$state/volumes/$service-data/18/docker"
                    echo 18 >"$state/volumes/$service-data/18/docker/PG_VERSION"
                done
                fails up
                ;;
            *) echo "compose $1" ;;
        esac
    }
    """
    DATABASES = ("postgres", "airflow-db")
    OLD: ClassVar = {"PG_VERSION": "15\n", "base": "rows\n", ".hidden": "\n"}

    @pytest.fixture
    def state(self, tmp_path: Path) -> Path:
        for name in self.DATABASES:
            volume = tmp_path / "volumes" / f"{name}-data"
            volume.mkdir(parents=True)
            for file, text in self.OLD.items():
                (volume / file).write_text(text)
        return tmp_path

    def restore(self, state: Path, failing: str = "", killed: str = "") -> tuple[int, str]:
        (state / "backup.tar").touch()
        (state / ".env").write_text("API_KEY=before\n")
        script = (
            f"root={PROJECT_ROOT}; state={state}; . ops/containers/commands.sh; {self.STAND_INS} containers_restore $0"
        )
        given = {"ACTSTOCK_ENV_FILE": str(state / ".env"), "PATH": os.defpath, "FAILING": failing, "KILLED": killed}
        run = subprocess.run(
            ["bash", "-euc", script, str(state / "backup.tar")],
            env=given, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return run.returncode, run.stdout

    def files(self, state: Path) -> dict[str, dict[str, str]]:
        """Return the text of each volume's files, by their paths."""
        return {
            name: {
                str(path.relative_to(volume)): path.read_text() for path in sorted(volume.rglob("*")) if path.is_file()
            }
            for name in self.DATABASES
            for volume in [state / "volumes" / f"{name}-data"]
        }

    @property
    def kept(self) -> dict[str, dict[str, str]]:
        of_each = {f"before-18/{name}": text for name, text in self.OLD.items()} | {"18/docker/PG_VERSION": "18\n"}
        return dict.fromkeys(self.DATABASES, of_each)

    @property
    def as_before(self) -> dict[str, dict[str, str]]:
        return dict.fromkeys(self.DATABASES, self.OLD)

    def test_they_are_kept_beside_the_new_ones(self, state: Path) -> None:
        code, said = self.restore(state)
        assert (code, self.files(state)) == (0, self.kept), said
        assert said.count("What PostgreSQL 15 had is kept in before-18 of its volume") == 2
        assert "up with ACTSTOCK_RESTORING=1" in said

    @pytest.mark.parametrize("failing", ["up", "fill", "postgres-set_aside", "airflow-db-set_aside"])
    def test_a_restore_that_fails_puts_them_back(self, state: Path, failing: str) -> None:
        """Version 15 finds its data again, and version 18 still says what to do with them."""
        code, said = self.restore(state, failing)
        assert (code, self.files(state)) == (1, self.as_before), said
        assert (state / ".env").read_text() == "API_KEY=before\n"
        assert "othing was replaced" in said
        assert said.index("compose stop") < said.index("compose down"), "nobody uses the volumes meanwhile"
        code, said = self.restore(state)
        assert (code, self.files(state)) == (0, self.kept), said

    @pytest.mark.parametrize("killed", ["postgres-set_aside", "airflow-db-set_aside", "up", "fill", "postgres-keep"])
    def test_one_that_is_killed_is_made_up_for_by_the_next(self, state: Path, killed: str) -> None:
        code, _ = self.restore(state, killed=killed)
        assert code != 0
        code, said = self.restore(state)
        assert (code, self.files(state)) == (0, self.kept), said

    @pytest.mark.parametrize("moved", [(), ("PG_VERSION",), ("base", ".hidden")])
    @pytest.mark.parametrize(("failing", "code"), [("", 0), ("fill", 1)])
    def test_one_that_was_killed_halfway_is_made_up_for(
        self, state: Path, moved: tuple[str, ...], failing: str, code: int
    ) -> None:
        for name in self.DATABASES:
            volume = state / "volumes" / f"{name}-data"
            (volume / "before-18").mkdir()
            (volume / "before-18" / "restoring").touch()
            for file in moved:
                (volume / file).rename(volume / "before-18" / file)
        ended, said = self.restore(state, failing)
        assert (ended, self.files(state)) == (code, self.as_before if failing else self.kept), said

    def test_a_killed_one_and_one_that_fails_leave_them_as_they_were(self, state: Path) -> None:
        self.restore(state, killed="fill")
        code, said = self.restore(state, "fill")
        assert (code, self.files(state)) == (1, self.as_before), said

    def test_what_cannot_be_put_back_is_told(self, state: Path) -> None:
        code, said = self.restore(state, "fill airflow-db-put_back")
        assert code == 1
        assert "could not be put back: restore once more" in said
        code, said = self.restore(state)
        assert (code, self.files(state)["airflow-db"]) == (0, self.kept["airflow-db"]), said

    def test_those_that_were_kept_before_stay_when_a_later_restore_fails(self, state: Path) -> None:
        """It is not they that it replaces."""
        self.restore(state)
        code, said = self.restore(state, "fill")
        assert (code, self.files(state)) == (1, self.kept), said
