"""Airflow's REST API: the few calls that running and watching a pipeline takes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import httpx

from ops.console import say
from ops.errors import NotRunning, RunFailed

TIMEOUT_SECONDS = 30.0
# Airflow may be away for a moment, or busy: what only reads is asked again for so long.
PATIENCE_SECONDS = 180.0
PAUSE_SECONDS = 2.0
# More of a list Airflow sends at once only where its maximum_page_limit allows it.
PAGE = 100
ALL = "~"
LOGIN = "/auth/token"
# States after which nothing more happens.
ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
BAD = frozenset({"failed", "upstream_failed"})


@dataclass(frozen=True)
class Run:
    dag_id: str
    run_id: str
    state: str
    queued: datetime | None
    ended: datetime | None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Task:
    run: Run
    task_id: str
    state: str
    started: datetime | None
    ended: datetime | None
    seconds: float
    tries: int

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_active(self) -> bool:
        return self.state in ("running", "deferred", "up_for_retry", "up_for_reschedule")

    @property
    def is_retried(self) -> bool:
        return self.state == "up_for_retry"


class Airflow:
    """A logged-in client; RunFailed repeats what Airflow says is wrong."""

    def __init__(self, url: str, user: str, password: str, shown: str = "", patience: float = PATIENCE_SECONDS) -> None:
        """Log in. shown: the address for people, where it differs from ours. patience: in seconds."""
        self._patience = patience
        self.url = url
        self.shown = shown or url
        # Airflow is a neighbour: a proxy of the environment has no business here.
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._login = {"username": user, "password": password}
        self._log_in()

    def dags(self) -> dict[str, bool]:
        """Return for each DAG id whether it is paused."""
        found = self._list("/api/v2/dags", "dags", exclude_stale=True)
        return {dag["dag_id"]: dag["is_paused"] for dag in found}

    def unpause(self, dag_id: str) -> None:
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def import_errors(self) -> dict[str, str]:
        """Return for each broken file the last line of its error."""
        found = self._list("/api/v2/importErrors", "import_errors")
        return {error["filename"]: error["stack_trace"].strip().splitlines()[-1] for error in found}

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> Run:
        """Start a run. Its id names the session that is asked for: a list of runs shows the id alone."""
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf)}
        if session := conf.get("as_of_date"):
            body["dag_run_id"] = f"manual__{session}__{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        return _run(self._ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body))

    def run(self, run: Run) -> Run:
        return _run(self._ask("GET", _path(run)))

    def fail(self, run: Run) -> None:
        """End a run as failed, and its tasks that are at work."""
        self._ask("PATCH", _path(run), json={"state": "failed"})

    def runs_named(self, ending: str) -> list[Run]:
        """Return the runs of any DAG whose id ends so: a run's id ends with that of the run that started it."""
        found = self._list(f"/api/v2/dags/{ALL}/dagRuns", "dag_runs", run_id_pattern=f"%{ending}")
        return [_run(raw) for raw in found if raw["dag_run_id"].endswith(ending)]

    def tasks(self, run: Run) -> list[Task]:
        return [_task(run, raw) for raw in self._list(f"{_path(run)}/taskInstances", "task_instances")]

    def failure_of(self, task: Task) -> str:
        """Return what the log of a task's last try says went wrong."""
        path = f"{_path(task.run)}/taskInstances/{task.task_id}/logs/{max(task.tries, 1)}"
        lines = self._ask("GET", path, params={"full_content": True}).get("content", [])
        return failure_in([line for line in lines if isinstance(line, dict)])

    def running_backfill(self, dag_id: str) -> int | None:
        """Return the number of the DAG's backfill that is under way, or None without one."""
        found = self._list("/api/v2/backfills", "backfills", dag_id=dag_id)
        return next((int(each["id"]) for each in found if each["completed_at"] is None), None)

    def backfill_range(self, backfill_id: int) -> tuple[date, date]:
        """Return the first and the last day of a backfill."""
        found = self._ask("GET", f"/api/v2/backfills/{backfill_id}")
        return datetime.fromisoformat(found["from_date"]).date(), datetime.fromisoformat(found["to_date"]).date()

    def cancel_backfill(self, backfill_id: int) -> None:
        """End a backfill: sessions that have not begun are left out."""
        self._ask("PUT", f"/api/v2/backfills/{backfill_id}/cancel")

    def create_backfill(self, dag_id: str, start: date, end: date, conf: Mapping[str, Any]) -> int:
        """Start a backfill of both days and all between. A day that has a run is run again."""
        body = {
            "dag_id": dag_id,
            "from_date": f"{start}T00:00:00Z",
            "to_date": f"{end}T00:00:00Z",
            "max_active_runs": 1,
            "reprocess_behavior": "completed",
            "dag_run_conf": dict(conf),
        }
        return int(self._ask("POST", "/api/v2/backfills", json=body)["id"])

    def backfill_is_over(self, backfill_id: int) -> bool:
        return self._ask("GET", f"/api/v2/backfills/{backfill_id}")["completed_at"] is not None

    def backfill_runs(self, dag_id: str, start: date, end: date) -> list[Run]:
        """Return the runs of a backfill in the order of their dates."""
        found = self._list(
            f"/api/v2/dags/{dag_id}/dagRuns",
            "dag_runs",
            run_type="backfill",
            logical_date_gte=f"{start}T00:00:00Z",
            logical_date_lte=f"{end}T23:59:59Z",
            order_by="logical_date",
        )
        return [_run(raw) for raw in found]

    def address(self, run: Run) -> str:
        return f"{self.shown}/dags/{run.dag_id}/runs/{quote(run.run_id)}"

    def _log_in(self) -> None:
        token = self._ask("POST", LOGIN, json=self._login)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _list(self, path: str, name: str, **params: Any) -> list[Mapping[str, Any]]:
        """Return a list as a whole, which Airflow sends page by page."""
        rows: list[Mapping[str, Any]] = []
        while True:
            page = self._ask("GET", path, params=params | {"limit": PAGE, "offset": len(rows)})
            rows += page[name]
            if not page[name] or len(rows) >= page["total_entries"]:
                return rows

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._request(method, path, **arguments)
            if answer.status_code == httpx.codes.UNAUTHORIZED and path != LOGIN:
                self._log_in()  # a login ends after a day, and a backfill may take longer
                answer = self._request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise NotRunning(f"Airflow at {self.url} does not answer ({error}): ./start.sh status") from None
        if answer.is_error:
            raise RunFailed(f"Airflow refused {method} {path}: {_detail(answer)}")
        return answer.json()

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send a request. One that only reads is repeated while Airflow is away."""
        deadline = time.monotonic() + (self._patience if method == "GET" else 0)
        is_waiting = False
        while True:
            try:
                answer = self._http.request(method, path, **arguments)
                # While its database is away it answers with 500.
                if not answer.is_server_error or time.monotonic() > deadline:
                    return answer
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            if not is_waiting:
                say(f"  [dim]Airflow does not answer; asking again for {self._patience / 60:.0f} minutes[/]")
                is_waiting = True
            time.sleep(PAUSE_SECONDS)


def failure_in(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the exception's message, or the last event of the log without one. Marks of a group are no events.

    >>> detail = [{"exc_type": "NotStored", "exc_value": "3 rows are missing", "frames": []}]
    >>> failure_in([{"event": "Task failed with exception", "error_detail": detail}, {"event": "Task finished"}])
    '3 rows are missing'
    >>> failure_in([{"event": "Killed"}])
    'Killed'
    >>> failure_in([{"event": "::group::Pre Execute"}])
    'its process ended before its work began'
    """
    exceptions = [cause for line in lines for cause in line.get("error_detail") or []]
    if exceptions:
        return str(exceptions[-1]["exc_value"] or exceptions[-1]["exc_type"])
    if not lines:
        return "its log is empty"
    events = [str(line["event"]) for line in lines if not str(line["event"]).startswith("::")]
    return events[-1] if events else "its process ended before its work began"


def _path(run: Run) -> str:
    return f"/api/v2/dags/{run.dag_id}/dagRuns/{quote(run.run_id, safe='')}"


def _run(raw: Mapping[str, Any]) -> Run:
    return Run(
        dag_id=raw["dag_id"],
        run_id=raw["dag_run_id"],
        state=raw["state"],
        queued=_moment(raw["queued_at"]),
        ended=_moment(raw["end_date"]),
    )


def _task(run: Run, raw: Mapping[str, Any]) -> Task:
    return Task(
        run=run,
        task_id=raw["task_id"],
        state=raw["state"] or "none",
        started=_moment(raw["start_date"]),
        ended=_moment(raw["end_date"]),
        seconds=raw["duration"] or 0.0,
        tries=raw["try_number"],
    )


def _moment(raw: str | None) -> datetime | None:
    return datetime.fromisoformat(raw) if raw else None


def _detail(answer: httpx.Response) -> str:
    """Return what Airflow says is wrong: a text, or the messages of the objects that it sends in some cases."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
    return "; ".join(map(_problem, detail if isinstance(detail, list) else [detail]))


def _problem(detail: Any) -> str:
    """Return the message of one problem.

    >>> _problem({"type": "missing", "loc": ["body", "conf"], "msg": "Field required"})
    'body.conf: Field required'
    >>> _problem({"reason": "Unique constraint violation", "statement": "INSERT"})
    'Unique constraint violation'
    """
    if not isinstance(detail, dict):
        return str(detail)
    message = next((str(detail[name]) for name in ("msg", "message", "reason") if name in detail), "no reason given")
    where = ".".join(map(str, detail.get("loc", ())))
    return f"{where}: {message}" if where else message
