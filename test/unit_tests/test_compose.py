"""What docker-compose.yml promises: the contract's services, ports and limits, and no secret of its own."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.config import PROJECT_ROOT
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

    def env(self, folder: Path) -> dict[str, str]:
        command = f"say() {{ :; }}; root={PROJECT_ROOT}; state={folder}; . ops/containers.sh; write_env"
        subprocess.run(
            ["bash", "-euc", command], env={"ACTSTOCK_ENV_FILE": str(folder / ".env")}, cwd=PROJECT_ROOT, check=True
        )
        return read_env_file(folder / ".env")
