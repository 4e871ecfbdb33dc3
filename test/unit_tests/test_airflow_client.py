"""The client of Airflow's API beside an Airflow that answers late."""

from collections.abc import Callable

import httpx
import pytest

from ops.errors import NotRunning
from ops.pipeline.airflow_client import TRIES, Airflow

LOGIN = "/auth/token"


def client(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> Airflow:
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"access_token": "a"}) if request.url.path == LOGIN else answer(request)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **given: real(transport=httpx.MockTransport(handle), **given))
    return Airflow("http://airflow", "admin", "secret")


def test_what_reads_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) < TRIES:
            raise httpx.ReadTimeout("timed out", request=request)
        return httpx.Response(200, json={"dags": [{"dag_id": "a", "is_paused": False}]})

    assert client(monkeypatch, answer).dags() == {"a": False}
    assert len(asked) == TRIES


@pytest.mark.parametrize(("failure", "tries"), [(httpx.ReadTimeout, TRIES), (httpx.ConnectError, 1)])
def test_an_airflow_that_is_away_is_named(
    monkeypatch: pytest.MonkeyPatch, failure: type[httpx.TransportError], tries: int
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise failure("no answer", request=request)

    with pytest.raises(NotRunning, match=r"http://airflow does not answer .*: \./start\.sh status"):
        client(monkeypatch, answer).dags()
    assert len(asked) == tries


def test_a_run_is_triggered_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late answer says nothing of whether the run was started."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        raise httpx.ReadTimeout("timed out", request=request)

    with pytest.raises(NotRunning):
        client(monkeypatch, answer).trigger("a", {})
    assert asked == ["POST"]
