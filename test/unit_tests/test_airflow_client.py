"""The client of Airflow's API beside an Airflow that answers late."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ops.errors import NotRunning, RunFailed
from ops.pipeline import airflow_client
from ops.pipeline.airflow_client import Airflow

LOGIN = "/auth/token"


def client(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response], patience: float = 60
) -> Airflow:
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"access_token": "a"}) if request.url.path == LOGIN else answer(request)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **given: real(transport=httpx.MockTransport(handle), **given))
    return Airflow("http://airflow", "admin", "secret", patience=patience)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_client, "PAUSE_SECONDS", 0)


DAGS = httpx.Response(200, json={"dags": [{"dag_id": "a", "is_paused": False}]})


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError, 500, 502, 503, 504]
)
def test_what_reads_waits_for_an_airflow_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: type[httpx.TransportError] | int,
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 4:
            return DAGS
        if isinstance(trouble, int):
            return httpx.Response(trouble)
        raise trouble("no answer", request=request)

    assert client(monkeypatch, answer).dags() == {"a": False}
    assert len(asked) == 4
    assert capsys.readouterr().out.count("Airflow does not answer") == 1


def test_an_airflow_that_stays_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no answer", request=request)

    airflow = client(monkeypatch, answer, patience=0)
    with pytest.raises(NotRunning, match=r"http://airflow does not answer .*: \./start\.sh status"):
        airflow.dags()


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("no such DAG", "no such DAG"),
        ({"reason": "Unique constraint violation", "statement": "hidden"}, "Unique constraint violation"),
        ([{"loc": ["body", "conf"], "msg": "Field required", "type": "missing"}], "body.conf: Field required"),
        ({"statement": "hidden"}, "no reason given"),
    ],
)
def test_what_airflow_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch, detail: object, said: str) -> None:
    airflow = client(monkeypatch, lambda request: httpx.Response(409, json={"detail": detail}))
    with pytest.raises(RunFailed, match=f"Airflow refused POST /api/v2/dags/a/dagRuns: {said}$"):
        airflow.trigger("a", {})


def test_a_backfill_is_found_while_it_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [{"id": 3, "completed_at": "2026-08-21T22:00:00Z"}, {"id": 4, "completed_at": None}]
    airflow = client(monkeypatch, lambda request: httpx.Response(200, json={"backfills": listed}))
    assert airflow.running_backfill("a") == 4
    listed.pop()
    assert airflow.running_backfill("a") is None


@pytest.mark.parametrize("conf", [{"as_of_date": "2026-08-21"}, {}])
def test_a_runs_id_names_its_session(monkeypatch: pytest.MonkeyPatch, conf: dict[str, str]) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(409, json={"detail": "enough"})

    with pytest.raises(RunFailed):
        client(monkeypatch, answer).trigger("a", conf)
    assert sent[0]["conf"] == conf
    # Without a session Airflow makes the id itself.
    assert sent[0].get("dag_run_id", "manual__2026-08-21__").startswith("manual__2026-08-21__") and len(sent) == 1
    assert ("dag_run_id" in sent[0]) == bool(conf)


def test_a_run_is_triggered_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late answer says nothing of whether the run was started."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        raise httpx.ReadTimeout("timed out", request=request)

    with pytest.raises(NotRunning):
        client(monkeypatch, answer).trigger("a", {})
    assert asked == ["POST"]
