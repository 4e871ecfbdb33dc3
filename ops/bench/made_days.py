"""Days made for the count of requests: ten funds trend that hold forty stocks, others are still held, and ten fail.

The stages that collect run as the processes that they are in Airflow, on a market server, a database and topics of
their own. What the jobs between them would publish is written down instead of computed.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx

from collector.bootstrap import prepare
from collector.request_budget import FIRST_START
from config.config import Settings
from config.universe import universe
from database import tables
from database.db_helper import Connection, connect, fetch, replace_partition, transaction
from database.queries import requests
from database.tables import Table
from ops.bench.day_requests import HELD, Day, kind_of
from ops.bench.report import step
from ops.bench.scratch import PREFIX, scratch_database
from ops.errors import RunFailed
from ops.native.environment import client_environment
from ops.native.stack import Stack
from ops.replay.market_client import MarketServer
from ops.replay.sandbox import CONSUMER_MODULES, module_process
from utils.dates import session_before
from utils.kafka_utils import delete_topics
from utils.reasons import as_json, reason

TRENDING, CHOSEN, STILL_HELD, FAILING = 10, 40, 15, 10
START_SECONDS = 60
ETF_BARS = "collector.kafka_producer_etf_daily"


@dataclass(frozen=True)
class Made:
    """settings, environ: of the processes of a made day; market: its server's address; as_of: its session."""

    settings: Settings
    environ: Mapping[str, str]
    market: str
    as_of: date

    def run(self, module: str, run_id: str, *arguments: str, as_of: date | None = None) -> None:
        """Run a producer until every row is stored."""
        session = str(as_of or self.as_of)
        command = [sys.executable, "-m", module, *arguments, "--as-of-date", session, "--run-id", run_id]
        ended = subprocess.run(
            [*command, "--accept-late", "--wait"], env=self.environ, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise RunFailed(f"{module}: {(ended.stderr.strip().splitlines() or ['no word of why'])[-1]}")


def made_days(stack: Stack, settings: Settings) -> list[Day]:
    """Make three days: the chosen stocks alone, those and the held ones, and the same with ten that fail."""
    environ = os.environ | client_environment(stack)
    with tempfile.TemporaryDirectory() as folder, _market_server(environ, Path(folder)) as market:
        return [
            _day(settings, environ, market, Path(folder), "chosen alone"),
            _day(settings, environ, market, Path(folder), "with held", held=STILL_HELD),
            _day(settings, environ, market, Path(folder), f"{FAILING} fail", held=STILL_HELD, failing=FAILING),
        ]


def fullest(holdings: Mapping[str, Sequence[str]], funds: int, stocks: int) -> tuple[str, ...]:
    """Choose that many funds that together hold as many stocks as possible, up to the given number."""

    def together(chosen: Iterable[str]) -> int:
        return len({stock for fund in chosen for stock in holdings[fund]})

    every = sorted(combinations(sorted(holdings), min(funds, len(holdings))), key=together)
    return next((chosen for chosen in reversed(every) if together(chosen) <= stocks), every[0])


def _day(
    settings: Settings,
    environ: Mapping[str, str],
    market: str,
    folder: Path,
    name: str,
    held: int = 0,
    failing: int = 0,
) -> Day:
    server = MarketServer(market, environ["MARKET_TOKEN"])
    with _stage(settings, environ, market, folder) as made, closing(connect(made.settings.database)) as conn:
        _prepare(made)
        top, known = _holdings(conn)
        funds = fullest({fund: top[fund] for fund in universe().candidates}, TRENDING, CHOSEN)
        chosen = {stock for fund in funds for stock in top[fund]}
        others = sorted(known - chosen - set(universe().etfs))[:held]
        _publish(conn, made.as_of, funds, others)
        # The first of each fund, so that they do not follow each other: that would be an outage of the source.
        first_ones = dict.fromkeys(
            stock for rank in zip(*(top[fund] for fund in funds), strict=False) for stock in rank
        )
        for stock in list(first_ones)[:failing]:
            server.add_fault({"kind": "server_error", "endpoint": "chart", "ticker": stock})
        for group in ("benchmark", "sector"):
            made.run(ETF_BARS, name, "--group", group)
        made.run("collector.kafka_producer_trending_etf_holdings", name)
        day = _counted(conn, name, set(others))
    server.clear_faults()
    step(f"{name}: {day.total} requests")
    return day


def _prepare(made: Made) -> None:
    """Store the bars and holdings of the funds as they are known the evening before."""
    before = session_before(made.as_of, 1)
    server = MarketServer(made.market, made.environ["MARKET_TOKEN"])
    server.set_clock(str(before))
    made.run(ETF_BARS, FIRST_START, "--group", "all", as_of=before)
    made.run("collector.kafka_producer_etf_holdings", FIRST_START, "--group", "all", as_of=before)
    server.set_clock(str(made.as_of))


def _holdings(conn: Connection) -> tuple[dict[str, list[str]], set[str]]:
    """Return each fund's largest holdings, and every stock that any fund lists."""
    rows = fetch(
        conn,
        "SELECT etf_ticker, stock_ticker, holding_rank FROM collected_etf_holdings ORDER BY etf_ticker, holding_rank",
    )
    top: dict[str, list[str]] = {etf: [] for etf in universe().etfs}
    for row in rows:
        if row["holding_rank"] <= universe().top_holdings:
            top[row["etf_ticker"]].append(row["stock_ticker"])
    return top, {row["stock_ticker"] for row in rows}


def _publish(conn: Connection, as_of: date, trending: Sequence[str], held: Sequence[str]) -> None:
    """Write what stage 3 publishes for the session, and what stage 5 published for the one before."""
    before = session_before(as_of, 1)
    with transaction(conn):
        rows = [_row(tables.TRENDING_ETFS, as_of_date=as_of, etf_ticker=etf) for etf in trending]
        replace_partition(conn, tables.TRENDING_ETFS, {"as_of_date": as_of}, rows)
        line = _row(tables.PUBLICATION, job="trending", as_of_date=as_of, row_count=len(rows))
        replace_partition(conn, tables.PUBLICATION, {"job": "trending"}, [line])
        if held:
            weight = 1 / len(held)
            positions = [
                _row(
                    tables.PORTFOLIO_ALLOCATION, as_of_date=before, ticker=each, period_days=5, portfolio_weight=weight
                )
                for each in held
            ]
            replace_partition(conn, tables.PORTFOLIO_ALLOCATION, {"as_of_date": before}, positions)
            line = _row(tables.PUBLICATION, job="allocation", as_of_date=before, period_days=5, row_count=len(held))
            replace_partition(conn, tables.PUBLICATION, {"job": "allocation"}, [line])


def _row(table: Table, **given: Any) -> tuple[Any, ...]:
    """Fill a row that only has to exist: required columns get some value."""
    day = given["as_of_date"]
    filled = {
        **{name: True for name in table.columns if name.startswith("is_")},
        **dict.fromkeys(("holdings_as_of", "start_session", "end_session"), day),
        **dict.fromkeys(("period_return", "score"), 0.01),
        **dict.fromkeys(("market_cap", "position_rank"), 1),
        "period_days": 0,
        "cash_weight": 0.0,
        "status": "published",
        "market_cap_source": "quoted",
        "allocation_reason": as_json([reason("text", text="made")]),
        "source_etfs": [],
        "source": "simulated",
    }
    return tuple((filled | given).get(name) for name in table.columns)


def _counted(conn: Connection, name: str, held: set[str]) -> Day:
    day = Day(name)
    for row in requests.of_runs(conn):
        if row["run_id"] == name:
            is_held = row["endpoint"] == "chart" and row["symbol"] in held
            day.add(HELD if is_held else kind_of(row["endpoint"], row["symbol"], universe()))
    return day


@contextmanager
def _stage(settings: Settings, environ: Mapping[str, str], market: str, folder: Path) -> Iterator[Made]:
    """Make a database, topics and consumers for one day, and remove them afterwards."""
    prefix = f"{PREFIX}{uuid.uuid4().hex[:8]}-"
    with ExitStack() as stack:
        database = stack.enter_context(scratch_database(settings.database))
        own = {
            **environ,
            "DB_NAME": database.name,
            "DB_USER": database.user,
            "DB_PASSWORD": database.password,
            "KAFKA_PREFIX": prefix,
            "YAHOO_BASE_URL": market,
            "YAHOO_PACE_SECONDS": "0",
            "YAHOO_CACHE_DIR": str(folder / prefix),
        }
        made = Settings.from_env(own)
        stack.callback(delete_topics, settings.kafka, prefix)
        prepare(made)
        for module in CONSUMER_MODULES.values():
            stack.enter_context(module_process([module], own, folder / f"{prefix}{module}.log"))
        yield Made(made, own, market, MarketServer(market, own["MARKET_TOKEN"]).market().last_session)


@contextmanager
def _market_server(environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, command = f"http://127.0.0.1:{port}", ["market.server", "--port", str(port)]
    with module_process(command, environ, folder / "market-server.log") as server:
        until = time.monotonic() + START_SECONDS
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > until:
                raise RunFailed("the market server for the made days does not start")
            time.sleep(0.2)
        yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=1, trust_env=False).is_success
    except httpx.HTTPError:
        return False
