"""The market server of a running platform: what it serves, and its clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from ops.errors import NotRunning
from utils.errors import InvalidInput

TIMEOUT_SECONDS = 30
REAL = "real"


@dataclass(frozen=True)
class ServedMarket:
    """Which market it is (two servers of the same one say the same), and its first and last session."""

    identity: str
    first_session: date
    last_session: date


def authorization(token: str) -> dict[str, str]:
    """Return the header that a market server's control asks for."""
    return {"Authorization": f"Bearer {token}"}


class MarketServer:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = authorization(token)

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

    def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Let the server answer wrongly until the faults are cleared. fault: one of market/faults.py, with its kind."""
        self._ask("/control/faults", fault, "POST")

    def clear_faults(self) -> None:
        self._ask("/control/faults", method="DELETE")

    def set_noise(self, is_on: bool) -> None:
        """Switch whether every second answer differs a little from the first."""
        self._ask("/control/noise", {"is_on": is_on})

    def _ask(self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
        method = method or ("PUT" if body else "GET")
        try:
            answer = httpx.request(
                method, self._url + path, json=body, headers=self._headers, timeout=TIMEOUT_SECONDS, trust_env=False
            )
        except httpx.HTTPError as error:
            raise NotRunning(
                f"the market server at {self._url} does not answer ({error}): ./start.sh logs market-server"
            ) from None
        if answer.is_error:
            raise InvalidInput(f"the market server refuses: {answer.json()['detail']}")
        return answer.json()
