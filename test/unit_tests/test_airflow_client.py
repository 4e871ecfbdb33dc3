"""The client of Airflow's API beside an Airflow that answers late."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from ops.errors import NotRunning, RunFailed
from ops.pipeline import airflow_client
from ops.pipeline.airflow_client import LOGIN, Airflow


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


DAGS = httpx.Response(200, json={"dags": [{"dag_id": "a", "is_paused": False}], "total_entries": 1})


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
    airflow = client(
        monkeypatch, lambda request: httpx.Response(200, json={"backfills": listed, "total_entries": len(listed)})
    )
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


def paged(name: str, rows: list[dict[str, Any]], at_most: int) -> Callable[[httpx.Request], httpx.Response]:
    """Answer as Airflow does, which sends at most its maximum_page_limit, however much is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = {key: int(request.url.params.get(key, default)) for key, default in (("limit", 50), ("offset", 0))}
        part = rows[asked["offset"] :][: min(asked["limit"], at_most)]
        return httpx.Response(200, json={name: part, "total_entries": len(rows)})

    return answer


def run_of(number: int) -> dict[str, Any]:
    moments = {"queued_at": None, "end_date": None}
    return {"dag_id": "a", "dag_run_id": f"run {number} of all", "state": "success"} | moments


MANY = range(251)
DAYS = date(2025, 8, 1), date(2026, 7, 31)
BACKFILLS = [{"id": number, "completed_at": None if number == MANY[-1] else "2026-08-21T22:00:00Z"} for number in MANY]
PAUSED = [{"dag_id": str(number), "is_paused": True} for number in MANY]
BROKEN = [{"filename": str(number), "stack_trace": "wrong"} for number in MANY]
RUNS = [run_of(number) for number in MANY]


@pytest.mark.parametrize("at_most", [100, 30])
@pytest.mark.parametrize(
    ("name", "rows", "ask", "expected"),
    [
        ("dag_runs", RUNS, lambda airflow: len(airflow.backfill_runs("a", *DAYS)), 251),
        ("dag_runs", RUNS, lambda airflow: len(airflow.runs_named("of all")), 251),
        ("dags", PAUSED, lambda airflow: len(airflow.dags()), 251),
        ("import_errors", BROKEN, lambda airflow: len(airflow.import_errors()), 251),
        ("backfills", BACKFILLS, lambda airflow: airflow.running_backfill("a"), 250),
    ],
)
def test_a_long_list_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    rows: list[dict[str, Any]],
    ask: Callable[[Airflow], int],
    expected: int,
    at_most: int,
) -> None:
    assert ask(client(monkeypatch, paged(name, rows, at_most))) == expected


def test_the_runs_of_a_backfill_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = client(monkeypatch, paged("dag_runs", RUNS, 100)).backfill_runs("a", *DAYS)
    assert [run.run_id for run in runs] == [f"run {number} of all" for number in MANY]


def test_a_list_that_grows_shorter_meanwhile_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"dags": [{"dag_id": "a", "is_paused": False}], "total_entries": 2}, {"dags": [], "total_entries": 2}]
    airflow = client(monkeypatch, lambda _: httpx.Response(200, json=answers.pop(0)))
    assert airflow.dags() == {"a": False}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_that_has_ended_is_renewed(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if len(asked) == 1:
            return httpx.Response(401, json={"detail": "Token Expired"})
        return DAGS if method == "GET" else httpx.Response(200, json=run_of(1))

    airflow = client(monkeypatch, answer)
    assert airflow.dags() == {"a": False} if method == "GET" else airflow.trigger("a", {}).run_id == "run 1 of all"
    assert asked == [method, method]


def test_a_login_that_is_refused_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(401, json={"detail": "Invalid credentials"})

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **given: real(transport=httpx.MockTransport(refuse), **given))
    with pytest.raises(RunFailed, match="Airflow refused POST /auth/token: Invalid credentials"):
        Airflow("http://airflow", "admin", "wrong")
    assert asked == [LOGIN]
