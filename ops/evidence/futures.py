"""Random futures: all that could be collected after a session, drawn so that nothing of it follows from before.

Prices are drawn as answers that leave the bars before the session as they are. A real source would rescale these after
a split or a dividend, which leaves every return as it is and only says with other numbers what it has said before.
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from psycopg2 import extensions

from config.universe import universe
from config.universe_csv import SECTORS_OF_STOCKS
from database import tables
from database.db_helper import Connection, Row, fetch, transaction, upsert
from database.queries import evidence
from database.tables import Table
from utils.dates import HOME_EXCHANGE, find_exchange, session_after, sessions_between
from utils.reasons import as_json, reason

# As far as a draw goes: further than the longest window and the life of a monthly portfolio.
SESSIONS_AHEAD = 25
DRAWN = as_json([reason("text", text="drawn")])
# A stock whose sector was not known by a session is in the first one known later.
SECTOR_KNOWN_SINCE = """
    (ticker, trade_date) IN (
        SELECT ticker, MIN(trade_date) FROM collected_daily_stock_history WHERE sector IS NOT NULL GROUP BY ticker)
"""
HELD_SINCE = """
    (etf_ticker, collected_date) IN (
        SELECT etf_ticker, MIN(collected_date) FROM collected_etf_holdings GROUP BY etf_ticker)
    OR (stock_ticker, collected_date) IN (
        SELECT stock_ticker, MIN(collected_date) FROM collected_etf_holdings GROUP BY stock_ticker)
"""
UNKNOWN_AT_THE_SOURCE = """
    state = 'missing'
    AND NOT EXISTS (SELECT FROM collected_daily_etf_ohlc AS bar WHERE bar.ticker = logs_expected_bar.ticker)
    AND NOT EXISTS (SELECT FROM collected_daily_stock_history AS bar WHERE bar.ticker = logs_expected_bar.ticker)
"""
STAYS = {
    tables.ETF_HOLDINGS: HELD_SINCE,
    tables.DAILY_STOCK_HISTORY: SECTOR_KNOWN_SINCE,
    tables.EXPECTED_BAR: UNKNOWN_AT_THE_SOURCE,
}
DAILY = {tables.DAILY_ETF_OHLC: "etf", tables.DAILY_STOCK_HISTORY: "stock"}
# In the order in which they are cut: whether a ticker has bars at all is asked before those behind the cut go.
DATED = {
    tables.EXPECTED_BAR: "trade_date",
    tables.DAILY_ETF_OHLC: "trade_date",
    tables.DAILY_STOCK_HISTORY: "trade_date",
    tables.ETF_HOLDINGS: "collected_date",
    tables.PRICE_BREAK: "trade_date",
    tables.CONSUMER_ERROR: "trade_date",
    tables.MISSING_HOLDINGS: "as_of_date",
}


def forget(conn: Connection, session: date, first: date, jobs: Collection[str]) -> None:
    """Delete all that was collected, logged and published after a session, and from a first one on what jobs published.

    What the jobs use for earlier sessions, too, and say so (holdings_as_of, state_unknown), stays: a fund's first list
    of holdings, since when a stock is known from one and its sector is known, and of which tickers the source knows no
    bar at all.
    """
    with transaction(conn), conn.cursor() as cursor:
        for table, day in DATED.items():
            known = f" AND NOT ({STAYS[table]})" if table in STAYS else ""
            cursor.execute(f"DELETE FROM {table.name} WHERE {day} > %s{known}", (session,))
        for job in evidence.OF_JOB:
            since = first if job in jobs else session + timedelta(days=1)
            forget_published(cursor, job, since)


def forget_published(cursor: extensions.cursor, job: str, since: date) -> None:
    """Delete what a job has published of a day and of those behind it. Runs inside the caller's transaction."""
    for published in evidence.OF_JOB[job]:
        for name in filter(None, (published.table, published.kept)):
            own = " AND job = %(job)s" if "job" in name.columns else ""
            query = f"DELETE FROM {name.name} WHERE {published.day} >= %(since)s{own}"
            cursor.execute(query, {"since": since, "job": job})
    cursor.execute(
        "DELETE FROM evidence_link WHERE chain = 'publications' AND about ->> 'job' = %s "
        "AND (about ->> 'as_of_date')::date >= %s",
        (job, since),
    )


def draw(conn: Connection, session: date, seed: str) -> None:
    """Add a future of 25 sessions behind a session. The same seed draws the same one from the same past."""
    future = _Future(conn, session, random.Random(f"{seed} {session}"))
    rows: dict[Table, list[Row]] = {
        **{table: list(future.bars(table)) for table in DAILY},
        tables.ETF_HOLDINGS: list(future.holdings()),
        tables.PRICE_BREAK: list(future.breaks()),
        tables.CONSUMER_ERROR: list(future.rejections()),
        tables.EXPECTED_BAR: list(future.late_bars()),
        tables.MISSING_HOLDINGS: list(future.missing_holdings()),
    }
    with transaction(conn):
        for table, drawn in rows.items():
            upsert(conn, table, (tuple(row.get(column) for column in table.columns) for row in drawn))


class _Future:
    """What a source could say after a session, from the newest bars and holdings by then."""

    def __init__(self, conn: Connection, session: date, chance: random.Random) -> None:
        self._session, self._chance = session, chance
        self._at = datetime.combine(session, time(23), UTC)
        self._newest = {table: _newest_bars(conn, table) for table in DAILY}
        self._days: dict[str, Sequence[date]] = {}
        held = fetch(
            conn,
            "SELECT DISTINCT stock_ticker FROM collected_etf_holdings WHERE collected_date <= %(session)s ORDER BY 1",
            {"session": session},
        )
        self._held = [row["stock_ticker"] for row in held]

    def bars(self, table: Table) -> Iterator[Row]:
        for bar in self._newest[table]:
            days = self._days_of(bar["ticker"])
            listed = self._chance.choice((len(days), len(days), len(days), self._chance.randrange(len(days))))
            for day in days[:listed]:
                if self._chance.random() > 0.1:
                    yield (
                        bar
                        | self._prices(bar)
                        | self._company(table, bar)
                        | {"trade_date": day, "fetched_at": self._at}
                    )

    def holdings(self) -> Iterator[Row]:
        for etf in universe().etfs if self._held else ():
            for day in self._some(self._home_days(), 3):
                stocks = self._some(self._held, 10)
                for rank, stock in enumerate(stocks, 1):
                    yield self._row(
                        etf_ticker=etf,
                        stock_ticker=stock,
                        stock_name=f"{stock} later",
                        holding_percent=round(self._chance.uniform(0.001, 0.2), 6),
                        collected_date=day,
                        holding_rank=rank,
                    )

    def breaks(self) -> Iterator[Row]:
        for kind, ticker, day in self._some_bars():
            yield {
                "kind": kind,
                "ticker": ticker,
                "trade_date": day,
                "is_withheld": self._chance.random() < 0.5,
                "reason": DRAWN,
                "judged_at": self._at,
            }

    def rejections(self) -> Iterator[Row]:
        for offset, (kind, ticker, day) in enumerate(self._some_bars()):
            yield {
                "raw_value": "{}",
                "error_msg": "drawn",
                "reason": DRAWN,
                "topic": "etf-daily-data" if kind == "etf" else "stock-daily-data",
                "partition_id": 0,
                "kafka_offset": 10**12 + offset,
                "ticker": ticker,
                "trade_date": day,
                "record_time": 0,
            }

    def late_bars(self) -> Iterator[Row]:
        for kind, ticker, day in self._some_bars():
            state = self._chance.choice(("late", "missing", "closed"))
            yield {"kind": kind, "ticker": ticker, "trade_date": day, "state": state, "reason": DRAWN}

    def missing_holdings(self) -> Iterator[Row]:
        for etf in self._some(universe().etfs, 5):
            for day in self._some(self._home_days(), 3):
                yield {"etf_ticker": etf, "as_of_date": day, "reason": DRAWN}

    def _row(self, **values: Any) -> Row:
        return {"fetched_at": self._at, "source": "simulated", "run_id": None, **values}

    def _prices(self, bar: Mapping[str, Any]) -> Row:
        close = float(bar["close_price"]) * self._chance.lognormvariate(0, 0.5)
        return {
            **dict.fromkeys(("open_price", "high_price", "low_price", "close_price"), round(max(close, 1e-6), 6)),
            "adj_close": round(max(close * self._chance.uniform(0.3, 1), 1e-6), 6),
            "volume": self._chance.randrange(10**9),
            "dividend": self._chance.choice((0, 0, 0, round(close * 0.1, 6))),
            "split_ratio": self._chance.choice((1,) * 9 + (0.1, 2, 50)),
            "price_change_percent": None,
        }

    def _company(self, table: Table, bar: Row) -> Row:
        if table is not tables.DAILY_STOCK_HISTORY:
            return {}
        is_known = bar["sector"] and bar["trade_date"] <= self._session
        return {
            "sector": self._chance.choice(SECTORS_OF_STOCKS) if is_known else bar["sector"],
            "company_name": f"drawn {self._chance.randrange(1000)}",
            "market_cap": self._chance.choice((None, self._chance.randrange(10**6, 10**13))),
            "market_cap_source": "quoted",
            "shares_outstanding": self._chance.randrange(1, 10**10),
        }

    def _some_bars(self) -> Iterator[tuple[str, str, date]]:
        """Yield (kind, ticker, session) of about every tenth bar, each once."""
        for table, kind in DAILY.items():
            for bar in self._newest[table]:
                own = "rate" if bar.get("quote_type") == "CURRENCY" else kind
                for day in self._days_of(bar["ticker"]):
                    if self._chance.random() < 0.1:
                        yield own, bar["ticker"], day

    def _some(self, of: Sequence[Any], count: int) -> list[Any]:
        return self._chance.sample(list(of), min(count, len(of)))

    def _home_days(self) -> Sequence[date]:
        return self._days_on(HOME_EXCHANGE)

    def _days_of(self, ticker: str) -> Sequence[date]:
        return self._days_on(find_exchange(ticker) or HOME_EXCHANGE)

    def _days_on(self, exchange: str) -> Sequence[date]:
        if exchange not in self._days:
            last = session_after(self._session, SESSIONS_AHEAD)
            self._days[exchange] = [
                day for day in sessions_between(self._session, last, exchange) if day > self._session
            ]
        return self._days[exchange]


def _newest_bars(conn: Connection, table: Table) -> list[Row]:
    return fetch(conn, f"SELECT DISTINCT ON (ticker) * FROM {table.name} ORDER BY ticker, trade_date DESC")
