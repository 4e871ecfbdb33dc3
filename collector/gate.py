"""The one way to Yahoo: spaces the requests of all processes, remembers each, and stays shut for a while after a 429.

The state is the table logs_yahoo_request and an advisory lock, because DAG tasks, containers and people at a shell
share one address, and Yahoo counts by address.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.config import YahooSettings
from database.db_helper import Connection, held_alone
from database.queries import requests
from utils.errors import RateLimited

TOO_MANY_REQUESTS = 429


@dataclass
class Turn:
    """One request. Its maker fills in the status, which stays None without an answer."""

    http_status: int | None = None


class RequestGate:
    """Lets one request at a time through to Yahoo, for all processes."""

    def __init__(
        self,
        conn: Connection,
        settings: YahooSettings,
        run_id: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._conn = conn
        self._settings = settings
        self._run_id = run_id
        self._sleep = sleep
        self.count = 0

    @contextmanager
    def turn(self, endpoint: str, symbol: str) -> Iterator[Turn]:
        """Wait for this process's turn, then hold the gate for the length of one request.

        RateLimited when the gate is shut because Yahoo said 429 less than `cooldown_seconds` ago.
        """
        turn = Turn()
        # Held until the request is recorded: the next process measures its pace from that line.
        with held_alone(self._conn, "actstock yahoo"):
            self._wait()
            self.count += 1
            try:
                yield turn
            finally:
                requests.record(self._conn, endpoint, symbol, turn.http_status, self._run_id)
        if turn.http_status == TOO_MANY_REQUESTS:
            raise self._shut(requests.latest(self._conn).now)

    def _wait(self) -> None:
        latest = requests.latest(self._conn)
        if latest.limited_at and latest.now < latest.limited_at + self._cooldown:
            raise self._shut(latest.limited_at)
        if latest.requested_at:
            since = (latest.now - latest.requested_at).total_seconds()
            self._sleep(max(0.0, self._settings.pace_seconds - since))

    @property
    def _cooldown(self) -> timedelta:
        return timedelta(seconds=self._settings.cooldown_seconds)

    def _shut(self, since: datetime) -> RateLimited:
        return RateLimited(
            f"Yahoo answered 429 (too many requests) at {since:%H:%M:%S} UTC: no request is sent before "
            f"{since + self._cooldown:%H:%M:%S} UTC (YAHOO_COOLDOWN_SECONDS). "
            "What was collected is kept; a later run goes on from there."
        )
