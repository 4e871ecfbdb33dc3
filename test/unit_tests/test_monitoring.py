"""What is given to Prometheus names what there is: figures, services and ports."""

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from api.metrics import ApiMetrics
from api.response_cache import ResponseCache
from config.config import OFF, PROJECT_ROOT, MetricsSettings, Settings, Topic
from consumer.metrics import ConsumerMetrics, port_of
from database.queries import metrics
from ops.native import compose
from ops.native.environment import SPARK_DAEMON_OPTIONS, SPARK_METRICS_OPTIONS, service_environment
from ops.native.stack import Stack
from utils.lag import Lag

MONITORING = PROJECT_ROOT / "monitoring"
CASES = PROJECT_ROOT / "test" / "integration_tests" / "alerts_test.yml"
CONSUMERS = {topic: f"consumer-{topic.consumer_group}" for topic in Topic}
STATE = metrics.State(
    requests={("chart", "ok"): 1},
    budget_left=0,
    shut_until=datetime(2026, 8, 21, tzinfo=UTC),
    bars={("late",): 1},
    publication_ages={("allocation",): 1},
    runs={("stage", "failed"): 1},
)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in read(MONITORING / "alerts.yml")["groups"] for rule in group["rules"]]


def jobs() -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in read(MONITORING / "prometheus.yml")["scrape_configs"]}


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> list[Metric]:
    """Return all that the API and the consumers can tell."""
    monkeypatch.setattr(metrics, "state", lambda conn, yahoo: STATE)
    pool: Any = SimpleNamespace(in_use=0, limit=1, read=lambda query: query(None))
    api = ApiMetrics(pool, ResponseCache(pool.read), Settings.from_env({}).yahoo)
    api.answered("/", 200, 0.1)
    consumer = ConsumerMetrics(Topic.ETF_DAILY)
    consumer.behind([Lag(Topic.ETF_DAILY, 0, 1, 2)])
    found = [*api.registry.collect(), *consumer.registry.collect()]
    return [family for family in found if family.name.startswith("actstock_")]


def test_rules_ask_for_what_is_told(families: list[Metric]) -> None:
    asked = {name for rule in rules() for name in re.findall(r"\bactstock_\w+", rule["expr"])}
    assert len(asked) > 8
    assert asked <= {sample.name for family in families for sample in family.samples}


def test_no_label_is_one_that_prometheus_gives(families: list[Metric]) -> None:
    """It would call ours exported_job, and rules would ask for one that is not there."""
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert labels and labels.isdisjoint({"job", "instance"})


def test_the_document_lists_what_is_told_with_its_labels(families: list[Metric]) -> None:
    text = (PROJECT_ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    listed = {name: labels for name, labels in re.findall(r"^\| `(actstock_\w+)` \| ([^|]*?) ?\|", text, re.MULTILINE)}
    told = {
        family.name + "_total" * (family.type == "counter"): ", ".join(
            label for label in family.samples[0].labels if label != "le"
        )
        for family in families
    }
    assert listed == told


def test_every_rule_is_tried_and_says_how_grave_it_is() -> None:
    cases = {case["alertname"] for test in read(CASES)["tests"] for case in test["alert_rule_test"]}
    assert {rule["alert"] for rule in rules()} == cases
    assert {rule["labels"]["severity"] for rule in rules()} == {"critical", "warning"}
    assert all(rule["annotations"]["summary"] for rule in rules())


def test_prometheus_asks_each_service_where_it_answers() -> None:
    settings = MetricsSettings(9101, "")
    [*consumers] = jobs()["consumers"]["dns_sd_configs"]
    assert {(each["names"][0], each["port"]) for each in consumers} == {
        (service, port_of(settings, topic)) for topic, service in CONSUMERS.items()
    }
    targets = [
        target.split(":")[0]
        for job in jobs().values()
        for place in job.get("static_configs", [])
        for target in place["targets"]
    ]
    names = [name for job in jobs().values() for place in job.get("dns_sd_configs", []) for name in place["names"]]
    assert {*targets, *names} <= set(compose.services())


def test_natively_the_same_is_asked_on_this_machine(tmp_path: Path) -> None:
    stack, settings = Stack(tmp_path), MetricsSettings(9101, "")
    native = read(MONITORING / "prometheus.native.yml")["scrape_configs"]
    asked = {
        (job["job_name"], target, place.get("labels", {}).get("consumer"))
        for job in native
        for place in job["static_configs"]
        for target in place["targets"]
    }
    assert asked == {
        ("api", f"127.0.0.1:{stack.port('api')}", None),
        ("spark", f"127.0.0.1:{stack.port('spark-master-ui')}", None),
        ("spark", f"127.0.0.1:{stack.port('spark-worker-ui')}", None),
        *(
            ("consumers", f"127.0.0.1:{port_of(settings, topic)}", f"consumer-{topic.consumer_group}")
            for topic in Topic
        ),
    }
    assert [job.get("metrics_path") for job in native] == [job.get("metrics_path") for job in jobs().values()]
    assert not any("dns_sd_configs" in job for job in native)


def test_a_consumer_without_a_target_is_missed() -> None:
    [relabel] = jobs()["consumers"]["relabel_configs"]
    assert relabel == {"source_labels": ["__meta_dns_name"], "target_label": "consumer"}
    [rule] = [rule for rule in rules() if rule["alert"] == "ConsumerAway"]
    assert {
        name for name in CONSUMERS.values() if f'absent(up{{job="consumers", consumer="{name}"}})' in rule["expr"]
    } == {*CONSUMERS.values()}


def test_the_service_changes_nothing_and_comes_only_when_it_is_asked_for() -> None:
    service = compose.services()["prometheus"]
    assert service["profiles"] == ["monitoring"]
    assert re.fullmatch(r"prom/prometheus:v\d+\.\d+\.\d+", service["image"])
    assert "./monitoring:/etc/prometheus:ro" in service["volumes"]
    [command] = service["command"]
    assert f">{jobs()['api']['authorization']['credentials_file']} " in command


@pytest.mark.parametrize("service", CONSUMERS.values())
def test_a_consumer_is_reached_by_its_neighbours_alone(service: str) -> None:
    consumer = compose.services()[service]
    assert "ports" not in consumer
    assert consumer["environment"]["CONSUMER_METRICS_BIND"] == "0.0.0.0"


def test_spark_and_airflow_tell_theirs_once_it_is_set(tmp_path: Path) -> None:
    off = service_environment(Stack(tmp_path), Path("/java"), {})
    on = service_environment(Stack(tmp_path), Path("/java"), {"SPARK_METRICS": "1", "AIRFLOW_METRICS": "1"})
    assert off["SPARK_DAEMON_JAVA_OPTS"] == SPARK_DAEMON_OPTIONS
    assert on["SPARK_DAEMON_JAVA_OPTS"] == f"{SPARK_DAEMON_OPTIONS} {SPARK_METRICS_OPTIONS}"
    assert (off["AIRFLOW__METRICS__OTEL_ON"], on["AIRFLOW__METRICS__OTEL_ON"]) == ("0", "1")


@pytest.mark.parametrize("value", [*OFF, "False", "1", "true"])
@pytest.mark.parametrize("name", ["spark-master", "spark-worker"])
def test_containers_of_spark_have_the_same_options(name: str, value: str, tmp_path: Path) -> None:
    service = compose.services()[name]
    options = ("SPARK_DAEMON_JAVA_OPTS", "SPARK_METRICS_OPTIONS")
    given = {option: service["environment"][option] for option in options}
    [*_, script] = service["entrypoint"]
    environ = given | {"SPARK_METRICS": value, "PATH": os.defpath}
    command = ["bash", "-c", script.replace("$$", "$"), "sh", "-c", 'printf %s "$SPARK_DAEMON_JAVA_OPTS"']
    run = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    native = service_environment(Stack(tmp_path), Path("/java"), {"SPARK_METRICS": value})
    assert run.stdout == native["SPARK_DAEMON_JAVA_OPTS"]
    assert (SPARK_METRICS_OPTIONS in run.stdout) is (value in ("1", "true"))
