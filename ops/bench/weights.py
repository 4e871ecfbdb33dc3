"""Everything behind a published weight, in one call: every weight of many sessions, each asked for once.

So no answer comes from the response cache. What is measured is what a reader waits for.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from statistics import median, quantiles
from urllib.parse import quote

import httpx

from api.auth import HEADER
from config.config import DatabaseSettings, Settings
from database.db_helper import connect, fetch
from ops.bench.api import second_server
from ops.bench.report import Target, step, table
from ops.errors import RunFailed
from ops.native.stack import Stack

SESSIONS = 250
WEIGHTS = 1500
WARM_UP = 20
WANTED_MS = 50
SOME_WEIGHTS = """
    WITH session AS (
        SELECT DISTINCT as_of_date
        FROM evidence_portfolio_allocation
        ORDER BY as_of_date DESC
        LIMIT %(sessions)s
    )
    SELECT as_of_date, period_days, ticker, (SELECT COUNT(*) FROM session) AS sessions
    FROM (SELECT DISTINCT as_of_date, period_days, ticker FROM evidence_portfolio_allocation) AS weight
    JOIN session USING (as_of_date)
    ORDER BY MD5(ticker || as_of_date || period_days)
    LIMIT %(weights)s
"""


def measure(stack: Stack, settings: Settings) -> list[Target]:
    paths, sessions = _paths(settings.database)
    with (
        second_server(stack) as url,
        httpx.Client(base_url=url, headers={HEADER: settings.api_key}, trust_env=False) as client,
    ):
        for path in paths[:WARM_UP]:
            _milliseconds(client, path)
        step(f"{len(paths[WARM_UP:])} weights of {sessions} sessions, each asked for once, one after another")
        times = [_milliseconds(client, path) for path in paths[WARM_UP:]]
    percentile = quantiles(times, n=100)[98]
    table(
        ("route", "median", "p99", "longest"),
        [("/evidence/weights", *(f"{figure:.1f} ms" for figure in (median(times), percentile, max(times))))],
    )
    return [
        Target(f"everything behind a weight of {sessions} sessions, p99", percentile, WANTED_MS, " ms", at_most=True)
    ]


def _paths(database: DatabaseSettings) -> tuple[Sequence[str], int]:
    """Return the addresses of the weights to ask for, in no order, and how many sessions they are of."""
    with closing(connect(database)) as conn:
        rows = fetch(conn, SOME_WEIGHTS, {"sessions": SESSIONS, "weights": WEIGHTS})
    if len(rows) < WARM_UP + 2:
        raise RunFailed(f"{len(rows)} published weights have evidence: run the five stages for some sessions first")
    paths = [f"/evidence/weights/{row['as_of_date']}/{row['period_days']}/{quote(row['ticker'])}" for row in rows]
    return paths, rows[0]["sessions"]


def _milliseconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    response = client.get(path)
    if response.is_error:
        raise RunFailed(f"{path} answers {response.status_code}: {response.text[:200]}")
    return (time.perf_counter() - began) * 1000
