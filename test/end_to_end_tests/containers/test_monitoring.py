"""The profile `monitoring`: Prometheus reaches whom it is told to ask, and its rules find what they ask for."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from compose_project import compose
from config.config import PROJECT_ROOT
from ops.pipeline.airflow_client import Run

MONITORING = PROJECT_ROOT / "monitoring"
PATIENCE_SECONDS = 60


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def prometheus(pipeline: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Start the service as it is, but that it asks each second, and not each minute."""
    folder = tmp_path_factory.mktemp("monitoring")
    folder.chmod(0o755)
    for file in MONITORING.iterdir():
        (folder / file.name).write_text(file.read_text(encoding="utf-8").replace("_interval: 1m", "_interval: 1s"))
    beside = tmp_path_factory.mktemp("compose") / "impatient.yml"
    beside.write_text(json.dumps({"services": {"prometheus": {"volumes": [f"{folder}:/etc/prometheus:ro"]}}}))
    files = ("--file", "docker-compose.yml", "--file", str(beside), "--profile", "monitoring")
    compose(*files, "up", "--detach", "--no-deps", "prometheus")
    try:
        address = compose(*files, "port", "prometheus", "9090").strip()
        with httpx.Client(base_url=f"http://{address}/api/v1") as client:
            yield client
    finally:
        compose(*files, "rm", "--stop", "--force", "prometheus")


def answer(prometheus: httpx.Client, path: str, **parameters: str) -> Any:
    return prometheus.get(path, params=parameters).raise_for_status().json()["data"]


def value(prometheus: httpx.Client, query: str) -> float:
    """Return the one value of a query."""
    [found] = answer(prometheus, "/query", query=query)["result"]
    return float(found["value"][1])


def states(prometheus: httpx.Client) -> Counter[tuple[str, str]]:
    """Return how many targets of each job there are in each state."""
    try:
        targets = answer(prometheus, "/targets")["activeTargets"]
    except httpx.HTTPError:  # it is starting
        return Counter()
    return Counter((target["labels"]["job"], target["health"]) for target in targets)


def test_all_that_it_asks_answer(prometheus: httpx.Client) -> None:
    wanted = {("api", "up"): 1, ("consumers", "up"): 3, ("spark", "up"): 2}
    until = time.monotonic() + PATIENCE_SECONDS
    while (found := states(prometheus)) != wanted:
        assert time.monotonic() < until, found
        time.sleep(0.5)
    assert value(prometheus, "actstock_database_up") == 1
    assert value(prometheus, "count(actstock_consumer_lag_messages)") == 9


def test_a_rule_finds_what_it_asks_for(prometheus: httpx.Client) -> None:
    loaded = [rule for group in answer(prometheus, "/rules")["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule["health"] for rule in loaded} == {rule["alert"]: "ok" for rule in rules()}
    [old] = [rule["expr"] for rule in rules() if rule["alert"] == "PortfoliosOld"]
    published, _, _ = old.partition(" > ")
    assert value(prometheus, published) > 0
