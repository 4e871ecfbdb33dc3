"""Days with one to five troubles of the source drawn at random, beside the same days without them.

Each publication equals the clean day's, or is degraded and names the ticker in trouble. No stage fails. Once the
source has recovered, everything equals the clean days. Client, market server, PostgreSQL and Spark are real. Only the
broker is a stand-in.

UNPLEASANT_BATCHES=20 runs 320 days instead of the 16 of an ordinary run.
"""

import io
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
import pytest

from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from collector import gaps, kafka_producer_etf_daily, kafka_producer_etf_holdings, kafka_producer_stock_daily
from config.config import DatabaseSettings, Settings
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch
from market.invented import InventedMarket
from reason_words import words_in
from scratch_databases import forget_everything
from utils.dates import exchange_of, session_at, session_before

UNTIL = date(2026, 8, 21)
BATCHES = int(os.environ.get("UNPLEASANT_BATCHES", "1"))
DAYS_A_BATCH = 16
# Sessions from one day to the next, and of which a day's figures are made: no day sees another one's troubles.
SPACING, WINDOW = 32, 28
TOLERANCE = 1e-9
# After healing: a bar that came later has an adjusted close of another fetch, which is single precision at the source.
HEALED_TOLERANCE = 1e-6
RUN_ID = "an unpleasant day"

UNIVERSE = """
benchmark = "SPY"
periods = [5, 10, 20]
top_holdings = 5
max_position_weight = 1.0
cost_rate = 0.0010
[benchmarks]
SPY = "S&P 500"
EWY = "MSCI South Korea"
[sectors]
XLF = "Financial"
XLV = "Healthcare"
XLI = "Industrial"
XLU = "Utilities"
"""

Trouble = dict[str, Any]
Draw = Callable[[random.Random, str, date], Trouble]


def _before(ticker: str, session: date, count: int) -> date:
    return session_before(session, count, exchange_of(ticker))


# Of an ETF or a stock.
OF_PRICES: dict[str, Draw] = {
    "missing_bar": lambda r, ticker, day: {"ticker": ticker, "session": day},
    "nan_bar": lambda r, ticker, day: {"ticker": ticker, "session": day},
    "null_rows": lambda r, ticker, day: {"ticker": ticker, "sessions": [_before(ticker, day, 1), day]},
    "scaled_bar": lambda r, ticker, day: {"ticker": ticker, "session": day, "factor": r.choice([100.0, 0.01, 3.0])},
    "close_outside_range": lambda r, ticker, day: {"ticker": ticker, "session": day},
    "unadjusted_split": lambda r, ticker, day: {
        "ticker": ticker,
        "session": _before(ticker, day, r.randrange(5)),
        "ratio": r.choice([20.0, 10.0, 4.0, 2.0, 0.1, 0.05]),
    },
    "odd_dividend": lambda r, ticker, day: {
        "ticker": ticker,
        "session": _before(ticker, day, r.randrange(5)),
        "effect": "scaled",
        "factor": 100.0,
        "amount": 0.5,
    },
    "ragged_arrays": lambda r, ticker, day: {"ticker": ticker, "column": r.choice(["timestamp", "close", "adjclose"])},
    "currency_missing": lambda r, ticker, day: {"ticker": ticker, "how": r.choice(["null", "absent"])},
    "renamed": lambda r, ticker, day: {"ticker": ticker, "to": "OTHERNAME"},
    "http_status": lambda r, ticker, day: {
        "ticker": ticker,
        "endpoint": "chart",
        "status": r.choice([403, 422, 500, 502, 999]),
        "body": r.choice(["json", "html", "text"]),
    },
    "unknown_ticker": lambda r, ticker, day: {"ticker": ticker},
    "partial_bar": lambda r, ticker, day: {"ticker": ticker},
    "thin": lambda r, ticker, day: {"ticker": ticker},
}
OF_STOCKS: dict[str, Draw] = {
    "no_market_cap": lambda r, ticker, day: {"ticker": ticker},
    "no_quote": lambda r, ticker, day: {"ticker": ticker, "how": r.choice(["none", "absent"])},
    "share_class": lambda r, ticker, day: {"ticker": ticker, "ratio": r.uniform(0.3, 0.9)},
    "no_profile": lambda r, ticker, day: {"ticker": ticker},
}
OF_ETFS: dict[str, Draw] = {
    "no_holdings": lambda r, ticker, day: {"ticker": ticker, "how": r.choice(["not_found", "null", "empty"])},
    "odd_holding": lambda r, ticker, day: {"ticker": ticker, "how": r.choice(["negative", "long_symbol", "no_symbol"])},
}
# A list of holdings is only ever today's: a day that had none of a fund keeps an older one, and says so.
LOSES_HOLDINGS = {"no_holdings", "unknown_ticker"}


@dataclass(frozen=True)
class Day:
    """A session, its troubles, and the tickers that have them."""

    session: date
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def tickers(self) -> set[str]:
        return {trouble["ticker"] for trouble in self.troubles}

    @property
    def heals(self) -> bool:
        etfs = universe().etfs
        return not any(each["kind"] in LOSES_HOLDINGS and each["ticker"] in etfs for each in self.troubles)


@dataclass
class Published:
    """What two jobs say of some sessions: (session, period) -> rows and publication."""

    rows: dict[tuple[date, int], dict[str, Row]]
    lines: dict[tuple[date, int], Row]

    @classmethod
    def read(cls, conn: Connection) -> "Published":
        rows: dict[tuple[date, int], dict[str, Row]] = {}
        for row in fetch(conn, "SELECT * FROM analytics_trending_etfs"):
            rows.setdefault((row["as_of_date"], 0), {})[row["etf_ticker"]] = row
        for row in fetch(conn, "SELECT * FROM analytics_portfolio_allocation"):
            rows.setdefault((row["as_of_date"], row["period_days"]), {})[row["ticker"]] = row
        lines = fetch(conn, "SELECT * FROM analytics_publication")
        return cls(rows, {(line["as_of_date"], line["period_days"]): line for line in lines})


@pytest.fixture(scope="module", autouse=True)
def small_universe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Six funds: three hundred days of all fifteen would take an hour."""
    file = tmp_path_factory.mktemp("universe") / "universe.toml"
    file.write_text(UNIVERSE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNIVERSE_FILE", str(file))
        universe.cache_clear()
        yield
    universe.cache_clear()


@pytest.fixture(scope="module")
def invented() -> InventedMarket:
    return InventedMarket(seed=7, until=UNTIL)


@dataclass
class Platform:
    """Collects into one database. Publishes there, or into another one with the rows that an evening knew."""

    settings: Settings
    evenings: DatabaseSettings
    market: httpx.Client
    spark: Any

    def collect(self, session: date, troubles: list[Trouble]) -> None:
        self.market.put("/control/clock", json={"at": str(session)}).raise_for_status()
        for trouble in troubles:
            answer = self.market.post("/control/faults", json=json.loads(json.dumps(trouble, default=str)))
            assert answer.is_success, f"{trouble}: {answer.text}"
        kafka_producer_etf_daily.run(self.settings, "all", session, RUN_ID, accept_late=True)
        kafka_producer_etf_holdings.run(self.settings, "all", session, RUN_ID)
        kafka_producer_stock_daily.run(self.settings, session, (), RUN_ID, accept_late=True)
        self.market.delete("/control/faults").raise_for_status()

    def keep_evening(self, session: date) -> None:
        """Copy what the evening knew of its own window: the next collection heals what it can."""
        start = session_before(session, WINDOW)
        within = f"trade_date BETWEEN '{start}' AND '{session}'"
        parts = {
            "collected_daily_etf_ohlc": within,
            "collected_daily_stock_history": within,
            "collected_etf_holdings": f"collected_date <= '{session}'",
            "logs_expected_bar": within,
            "logs_consumer_error": within,
            "logs_price_break": within,
            "logs_missing_holdings": f"as_of_date = '{session}'",
        }
        with closing(connect(self.settings.database)) as source, closing(connect(self.evenings)) as target:
            for table, condition in parts.items():
                _copy(source, target, table, condition)

    def publish(self, database: DatabaseSettings, sessions: list[date]) -> Published:
        with closing(connect(database)) as conn:
            for run in (identifier.run, allocator.run):
                run(Job(self.spark, conn, database, sessions, RUN_ID))
            return Published.read(conn)

    def held(self) -> dict[date, dict[str, list[str]]]:
        """Day -> fund -> its largest holdings."""
        found: dict[date, dict[str, list[str]]] = {}
        with closing(connect(self.settings.database)) as conn:
            rows = fetch(conn, "SELECT * FROM collected_etf_holdings WHERE holding_rank <= 5 ORDER BY holding_rank")
        for row in rows:
            found.setdefault(row["collected_date"], {}).setdefault(row["etf_ticker"], []).append(row["stock_ticker"])
        return found

    def empty(self) -> None:
        for database in (self.settings.database, self.evenings):
            with closing(connect(database)) as conn:
                forget_everything(conn)


def _copy(source: Connection, target: Connection, table: str, condition: str) -> None:
    buffer = io.StringIO()
    with source, source.cursor() as cursor:
        cursor.copy_expert(f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT", buffer)
    buffer.seek(0)
    with target, target.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE arriving (LIKE {table}) ON COMMIT DROP")
        cursor.copy_expert("COPY arriving FROM STDIN", buffer)
        cursor.execute(f"INSERT INTO {table} SELECT * FROM arriving ON CONFLICT DO NOTHING")


@pytest.fixture
def platform(settings: Settings, empty_database: DatabaseSettings, market: httpx.Client, spark: Any) -> Platform:
    # Two versions of an adjusted close would make figures differ by 1e-7 between any two runs.
    market.put("/control/noise", json={"is_on": False}).raise_for_status()
    return Platform(settings, empty_database, market, spark)


def sessions_of(batch: int, invented: InventedMarket) -> list[date]:
    begin = len(invented.sessions) - SPACING * DAYS_A_BATCH - batch * 2
    return [invented.sessions[begin + SPACING * number] for number in range(DAYS_A_BATCH)]


def _draw(random_: random.Random, session: date, held: dict[str, list[str]]) -> list[Trouble]:
    etfs = [etf for etf in universe().candidates if etf != "EWY"]
    stocks = sorted({ticker for listed in held.values() for ticker in listed})
    found: dict[str, Trouble] = {}
    for _ in range(random_.randint(1, 5)):
        kind = random_.choice([*OF_PRICES, *OF_STOCKS, *OF_ETFS])
        among = etfs if kind in OF_ETFS or (kind in OF_PRICES and random_.random() < 0.3) else stocks
        ticker = random_.choice(among)
        own_session = session_at(ticker, session) or session
        trouble = {"kind": kind, **(OF_PRICES | OF_STOCKS | OF_ETFS)[kind](random_, ticker, own_session)}
        found.setdefault(ticker, trouble)  # one trouble a ticker: their effects are told apart
    return list(found.values())


@dataclass(frozen=True)
class Outcome:
    """The publications of each day on its evening and of all days in the end, and each fund's holdings on each day."""

    evenings: Published
    end: Published
    held: dict[date, dict[str, list[str]]]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_what_is_published_is_right_or_says_why_not(batch: int, platform: Platform, invented: InventedMarket) -> None:
    sessions = sessions_of(batch, invented)
    clean = _lived_through(platform, [Day(session) for session in sessions])
    random_ = random.Random(batch)
    # The first day only begins the history: nothing can be known of an answer that is wrong from the start.
    days = [Day(sessions[0]), *(Day(day, _draw(random_, day, clean.held[day])) for day in sessions[1:])]

    troubled = _lived_through(platform, days)

    unexplained = [problem for day in days for problem in _unexplained(day, clean.evenings, troubled.evenings)]
    assert not unexplained, "\n".join(unexplained)
    marked = {day for (day, _), line in troubled.evenings.lines.items() if line["degraded_reason"]}
    assert len(marked) >= len(days) / 2, "troubles that nobody notices are no troubles"
    left = [
        f"{each}; troubles {day.troubles}"
        for day in days
        if day.heals
        for each in _differences(day.session, clean.end, troubled.end)
    ]
    assert not left, "after healing:\n" + "\n".join(left)


def _lived_through(platform: Platform, days: list[Day]) -> Outcome:
    """Collect each evening with its troubles, and in the end once more without any."""
    platform.empty()
    for day in days:
        platform.collect(day.session, day.troubles)
        platform.keep_evening(day.session)
    sessions = [day.session for day in days]
    evenings = platform.publish(platform.evenings, sessions)
    gaps.repoll(platform.settings, None, None)
    return Outcome(evenings, platform.publish(platform.settings.database, sessions), platform.held())


def _unexplained(day: Day, clean: Published, evening: Published) -> Iterator[str]:
    """Figures that differ from the clean day's though nothing says so, or not of whom."""
    for period in (0, *universe().periods):
        line, before = evening.lines[day.session, period], clean.lines[day.session, period]
        reason = words_in(line["degraded_reason"]) or ""
        differences = list(_period_differences((day.session, period), clean, evening))
        if differences and not any(ticker in reason for ticker in day.tickers):
            yield f"{day.session} over {period}: {differences[0]}; told {reason!r}; troubles {day.troubles}"
        elif reason != (words_in(before["degraded_reason"]) or "") and not any(
            ticker in reason for ticker in day.tickers
        ):
            yield f"{day.session} over {period}: {reason!r} names nobody of {day.troubles}"


def _differences(session: date, clean: Published, other: Published) -> Iterator[str]:
    for period in (0, *universe().periods):
        for difference in _period_differences((session, period), clean, other, HEALED_TOLERANCE):
            yield f"{session} over {period}: {difference}"


FIGURES = ("return_5d", "return_10d", "return_20d", "outperformance", "portfolio_weight", "period_return", "market_cap")


def _period_differences(
    key: tuple[date, int], clean: Published, other: Published, tolerance: float = TOLERANCE
) -> Iterator[str]:
    expected, found = clean.rows.get(key, {}), other.rows.get(key, {})
    if expected.keys() != found.keys():
        yield f"rows of {sorted(found)} instead of {sorted(expected)}"
    for ticker in expected.keys() & found.keys():
        for figure in FIGURES:
            right, seen = expected[ticker].get(figure), found[ticker].get(figure)
            if _apart(right, seen, tolerance):
                yield f"{ticker} {figure} {seen} instead of {right}"


def _apart(right: float | None, seen: float | None, tolerance: float) -> bool:
    if right is None or seen is None:
        return right is not seen
    return abs(right - seen) > tolerance * max(1.0, abs(right))
