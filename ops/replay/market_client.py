"""The market server of a running platform: what it serves, and its clock."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ops.errors import NotRunning
from utils.errors import InvalidInput

TIMEOUT_SECONDS = 30
REAL = "real"
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class ServedMarket:
    """Which market it is (two servers of the same one say the same), and its first and last session."""

    identity: str
    first_session: date
    last_session: date


class MarketServer:
    def __init__(self, url: str) -> None:
        self._url = url

    def market(self) -> ServedMarket:
        status = self._ask("/control/status")
        identity = " ".join(str(status[name]) for name in ("source", "seed", "market"))
        first, last = (date.fromisoformat(status[name]) for name in ("first_session", "last_session"))
        return ServedMarket(identity, first, last)

    def clock(self) -> str:
        """Return the clock's setting, in the words that set it again."""
        state = self._ask("/control/clock")
        return REAL if state["is_real"] else str(state["at"])

    def set_clock(self, at: str) -> None:
        """Set the clock to a session (a little after its close), a moment with its time zone, or "real"."""
        self._ask("/control/clock", {"at": at})

    def _ask(self, path: str, body: Mapping[str, str] | None = None) -> Any:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(
            self._url + path, data, {"Content-Type": "application/json"}, method="PUT" if body else "GET"
        )
        try:
            with _open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise InvalidInput(f"the market server refuses: {json.load(error)['detail']}") from None
        except OSError as error:
            raise NotRunning(
                f"the market server at {self._url} does not answer ({error}): ./start.sh logs market-server"
            ) from None
