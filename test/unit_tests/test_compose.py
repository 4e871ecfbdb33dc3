"""What docker-compose.yml promises: the contract's services, ports and limits, and no secret of its own."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.config import PROJECT_ROOT
from ops.documents.interfaces import front_door_commands
from ops.secrets import read_env_file
from ops.services import read_services
from ops.stack import PORTS

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
UNITS = {"m": 1, "g": 1024}


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


def test_the_services_and_ports_of_the_contract(services: dict[str, Any]) -> None:
    assert {name: published(services[name]) for name in SEED_PORTS} == SEED_PORTS
    assert all(not published(services[name]) for name in WITHOUT_PORTS)


def test_the_same_services_as_natively(services: dict[str, Any]) -> None:
    native = read_services()
    assert set(services) == set(native) | {"cli"}
    for name, service in native.items():
        ports = {PORTS[port] for port in service.ports} - {PORTS["airflow-scheduler"]}  # a health check from outside
        assert published(services[name]) == ports, name


def test_every_port_is_bound_to_this_machine_unless_a_setting_says_otherwise(services: dict[str, Any]) -> None:
    for service in services.values():
        assert all(port.startswith("${ACTSTOCK_BIND:-127.0.0.1}:") for port in service.get("ports", []))


def test_links_of_the_dashboard_follow_the_ports(services: dict[str, Any]) -> None:
    for name, setting in {"AIRFLOW_UI_URL": "airflow-webserver", "SPARK_UI_URL": "spark-master"}.items():
        port = re.search(r"localhost:(\$\{PORT_\w+:-\d+\})", services["api"]["environment"][name])
        assert port and any(port[1] in published for published in services[setting]["ports"])


def test_what_stays_up_fits_eight_gigabytes(services: dict[str, Any]) -> None:
    assert all("mem_limit" in service for service in services.values())
    assert sum(megabytes(each) for each in services.values() if each.get("restart") == "unless-stopped") <= 8 * 1024


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
        made = self.env(tmp_path, "PIPELINE_SCHEDULE=controller", "STAGE_DELAY_MINUTES=5")
        again = self.env(tmp_path, "PIPELINE_SCHEDULE=staggered")
        assert again == made | {"PIPELINE_SCHEDULE": "staggered"}
        assert (tmp_path / ".env").read_text().count("PIPELINE_SCHEDULE") == 1
        assert (tmp_path / ".env").stat().st_mode & 0o077 == 0

    def test_what_is_no_setting_is_refused(self, tmp_path: Path) -> None:
        refused = front_door(tmp_path, "env", "staggered")
        assert refused.returncode == 1
        assert "write a setting as NAME=VALUE, not staggered" in refused.stderr

    def env(self, folder: Path, *settings: str) -> dict[str, str]:
        front_door(folder, "env", *settings).check_returncode()
        return read_env_file(folder / ".env")


class TestFrontDoor:
    """start.sh where neither Docker nor an installation is."""

    def test_help_lists_every_command_and_installs_nothing(self, tmp_path: Path) -> None:
        shown = front_door(tmp_path, "--help")
        assert shown.returncode == 0
        for parser, said in front_door_commands():
            assert parser.prog in shown.stdout
            assert said in shown.stdout

    def test_asked_for_docker_it_says_that_there_is_none(self, tmp_path: Path) -> None:
        refused = front_door(tmp_path, "up", "--docker")
        assert refused.returncode == 1
        assert "Docker with Compose v2 does not answer here" in refused.stderr

    def test_what_docker_compose_has_started_is_taken_over(self, tmp_path: Path) -> None:
        (tmp_path / ".env").touch()
        script = (
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers.sh; "
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
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers.sh; "
            'compose() { case $* in "ps --quiet two") seq 2 ;; ps*) echo 1 ;; *) echo "$@" ;; esac; }; '
            'die() { exit 1; }; containers_restart "$@"'
        )
        command = ["bash", "-euc", script, "start.sh", *services]
        run = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        assert run.stdout.strip() == called
        assert (run.returncode == 0) is bool(services)

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
            f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers.sh; "
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


def front_door(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Copy start.sh and its needs to a machine whose Docker does not answer."""
    checkout = folder / "checkout"
    (checkout / "ops").mkdir(parents=True, exist_ok=True)
    for name in ("start.sh", "ops/containers.sh", "requirements-native.txt", "QUICK_REFERENCE.md"):
        shutil.copy(PROJECT_ROOT / name, checkout / name)
    docker = folder / "bin" / "docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    return subprocess.run(
        [checkout / "start.sh", *arguments],
        env={"ACTSTOCK_ENV_FILE": str(folder / ".env"), "PATH": f"{docker.parent}:{os.defpath}"},
        capture_output=True,
        text=True,
        check=False,
    )
