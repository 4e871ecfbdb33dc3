"""The dashboard's views to look at and to measure: name -> address. The only list of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from api.auth import HEADER
from config.universe import universe
from ops.errors import NotRunning, RunFailed

TIMEOUT_SECONDS = 10
# So many sessions back: over a month, so that the session shown has a later month.
OLDER_BY_SESSIONS = 25
FIRST = "portfolio-20d"


@dataclass(frozen=True)
class Subjects:
    """What the addresses name: the newest session and an older one, a stock of the newest portfolio, an ETF.

    sessions: how many are published in all.
    """

    session: str
    older_session: str
    stock: str
    etf: str
    sessions: int = 0


def views(subjects: Subjects) -> Mapping[str, str]:
    """Return every view by name, in the order in which a reader meets them."""
    periods = sorted(universe().periods, reverse=True)
    return {
        **{f"portfolio-{days}d": f"/?period={days}" for days in periods},
        "portfolio-monthly": "/?period=monthly",
        "portfolio-older": f"/?period={periods[0]}&as_of={subjects.older_session}",
        "trades": f"/trades?period={periods[0]}",
        "map": "/map",
        "ticker-stock": f"/ticker/{quote(subjects.stock)}",
        "ticker-etf": f"/ticker/{quote(subjects.etf)}",
        "evidence": f"/evidence/{quote(subjects.stock)}?period={periods[0]}&as_of={subjects.session}",
        "performance": "/performance",
        "lab": "/lab",
        "pipeline": "/pipeline",
        "error": "/?period=7",
    }


def subjects_of(api_url: str, api_key: str, transport: httpx.BaseTransport | None = None) -> Subjects:
    """Ask the running platform's API for subjects that exist. Tests pass a transport."""
    key = {HEADER: api_key}
    with httpx.Client(
        base_url=api_url, headers=key, timeout=TIMEOUT_SECONDS, transport=transport, trust_env=False
    ) as client:
        sessions = [each["as_of_date"] for each in _answer(client, "/dashboard/calendar")["sessions"]]
        if not sessions:
            raise RunFailed("no session is published yet: ./start.sh run pipeline")
        stocks = [each["ticker"] for each in _answer(client, "/stocks/portfolio")["positions"]]
    benchmark = universe().benchmark
    return Subjects(sessions[-1], older(sessions), stocks[0] if stocks else benchmark, benchmark, len(sessions))


def older(sessions: Sequence[str]) -> str:
    """Return the session OLDER_BY_SESSIONS before the newest one, or the first of all.

    >>> older(["2026-08-19", "2026-08-20", "2026-08-21"])
    '2026-08-19'
    """
    return sessions[max(0, len(sessions) - 1 - OLDER_BY_SESSIONS)]


def _answer(client: httpx.Client, path: str) -> dict[str, list[dict[str, str]]]:
    try:
        response = client.get(path)
    except httpx.HTTPError as error:
        raise NotRunning(f"the API at {client.base_url} does not answer ({error}): ./start.sh status") from None
    if response.is_error:
        raise RunFailed(
            f"{path} answers {response.status_code}: {response.text[:200]}. Has a portfolio been published?"
        )
    answer: dict[str, list[dict[str, str]]] = response.json()
    return answer
