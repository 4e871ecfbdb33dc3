"""What has been collected already: the collectors ask before they fetch, and after they sent."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from psycopg2 import sql

from database.db_helper import Connection, Row, fetch
from database.queries.errors import REASON
from database.tables import DAILY_STOCK_HISTORY, Table
from utils.reasons import Reason, from_rows, reason

PRICE_COLUMNS = (
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "adj_close",
    "volume",
    "dividend",
    "split_ratio",
    "capital_gain",
)


def bars(conn: Connection, table: Table, ticker: str) -> dict[date, Row]:
    """Return a ticker's bars by session: price columns, currency, origin, and of a stock its name and size."""
    size = ("shares_outstanding", "market_cap", "market_cap_source")
    of_stock = ("company_name", *size) if table is DAILY_STOCK_HISTORY else ()
    columns = (*PRICE_COLUMNS, "currency", "fetched_at", *of_stock)
    query = sql.SQL(
        "SELECT trade_date, {}, ENCODE(answer_digest, 'hex') AS answer_digest FROM {}"
        " WHERE ticker = %(ticker)s ORDER BY trade_date"
    ).format(sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table.name))
    return {row.pop("trade_date"): row for row in fetch(conn, query, {"ticker": ticker})}


def quote_digest_before(conn: Connection, ticker: str, moment: datetime) -> str | None:
    """Return the digest of the answer that a stock's newest share count up to a moment is from, or None.

    The evidence has it: a row that has changed since names a later answer.
    """
    rows = fetch(
        conn,
        """
        SELECT ENCODE(quote_digest, 'hex') AS digest
        FROM evidence_daily_stock_history
        WHERE ticker = %(ticker)s AND fetched_at <= %(moment)s AND quote_digest IS NOT NULL
        ORDER BY fetched_at DESC
        LIMIT 1
        """,
        {"ticker": ticker, "moment": moment},
    )
    return rows[0]["digest"] if rows else None


def absent(conn: Connection, table: Table, wanted: Sequence[tuple[str, date]]) -> list[tuple[str, date]]:
    """Return the wanted (ticker, day) that the table lacks. Its key begins with the ticker and ends with the day."""
    query = sql.SQL(
        """
        SELECT ticker, day
        FROM UNNEST(%(tickers)s::text[], %(days)s::date[]) AS wanted (ticker, day)
        WHERE NOT EXISTS (
            SELECT 1 FROM {table} AS stored
            WHERE (stored.{ticker}, stored.{day}) = (wanted.ticker, wanted.day))
        ORDER BY ticker, day
        """
    ).format(table=sql.Identifier(table.name), ticker=sql.Identifier(table.key[0]), day=sql.Identifier(table.key[-1]))
    params = {"tickers": [ticker for ticker, _ in wanted], "days": [day for _, day in wanted]}
    return [(row["ticker"], row["day"]) for row in fetch(conn, query, params)]


def snapshot_dates(conn: Connection, etf: str) -> list[date]:
    """Return the days on which the ETF's holdings were collected, in order."""
    rows = fetch(
        conn,
        "SELECT DISTINCT collected_date FROM collected_etf_holdings WHERE etf_ticker = %(etf)s ORDER BY collected_date",
        {"etf": etf},
    )
    return [row["collected_date"] for row in rows]


def listed_since(conn: Connection, etfs: Collection[str], day: date) -> set[str]:
    """Return which of these ETFs have a snapshot of a day or later."""
    rows = fetch(
        conn,
        "SELECT DISTINCT etf_ticker FROM collected_etf_holdings"
        " WHERE etf_ticker = ANY(%(etfs)s) AND collected_date >= %(day)s",
        {"etfs": list(etfs), "day": day},
    )
    return {row["etf_ticker"] for row in rows}


def snapshot(conn: Connection, etf: str, collected_date: date) -> list[Row]:
    """Return the holdings of one snapshot, largest first."""
    return fetch(
        conn,
        """
        SELECT stock_ticker, stock_name, holding_percent, holding_rank, fetched_at, source, run_id,
            ENCODE(answer_digest, 'hex') AS answer_digest
        FROM collected_etf_holdings
        WHERE etf_ticker = %(etf)s AND collected_date = %(collected_date)s
        ORDER BY holding_rank
        """,
        {"etf": etf, "collected_date": collected_date},
    )


def newest_sessions(conn: Connection, table: Table, tickers: Sequence[str]) -> dict[str, date]:
    """Return the newest stored session of each of these tickers that has one."""
    query = sql.SQL(
        """
        SELECT wanted.ticker, newest.trade_date
        FROM UNNEST(%(tickers)s::text[]) AS wanted (ticker),
            LATERAL (
                SELECT trade_date FROM {} AS bar WHERE bar.ticker = wanted.ticker ORDER BY trade_date DESC LIMIT 1
            ) AS newest
        """
    ).format(sql.Identifier(table.name))
    return {row["ticker"]: row["trade_date"] for row in fetch(conn, query, {"tickers": list(tickers)})}


def first_session(conn: Connection, table: Table, ticker: str) -> date | None:
    """Return a ticker's first stored session, or None without one."""
    query = sql.SQL("SELECT MIN(trade_date) AS first FROM {} WHERE ticker = %(ticker)s").format(
        sql.Identifier(table.name)
    )
    first: date | None = fetch(conn, query, {"ticker": ticker})[0]["first"]
    return first


def currencies(conn: Connection, table: Table, tickers: Sequence[str]) -> set[str]:
    """Return the currencies of these tickers' stored prices."""
    query = sql.SQL("SELECT DISTINCT currency FROM {} WHERE ticker = ANY(%(tickers)s)").format(
        sql.Identifier(table.name)
    )
    return {row["currency"] for row in fetch(conn, query, {"tickers": list(tickers)})}


def rejected(conn: Connection, topics: Sequence[str], keys: Sequence[str]) -> dict[str, Reason]:
    """Return by message key the newest reason why a message was rejected and not replayed since."""
    rows = fetch(
        conn,
        f"""
        SELECT DISTINCT ON (message_key) message_key, id, {REASON} AS reason
        FROM logs_consumer_error
        WHERE topic = ANY(%(topics)s) AND message_key = ANY(%(keys)s) AND replayed_at IS NULL
        ORDER BY message_key, id DESC
        """,
        {"topics": list(topics), "keys": list(keys)},
    )
    return {row["message_key"]: reason("quarantined", id=row["id"], reason=from_rows(row["reason"])) for row in rows}


def quarantined(conn: Connection, topic: str, ticker: str) -> set[date]:
    """Return the sessions of a ticker whose bars were rejected and wait for a person."""
    return set(rejected_bars(conn, topic, ticker))


def rejected_bars(conn: Connection, topic: str, ticker: str) -> dict[date, Row]:
    """Return the bars of a ticker that wait for a person: by session the one that was rejected last."""
    rows = fetch(
        conn,
        """
        SELECT DISTINCT ON (trade_date) trade_date, raw_value
        FROM logs_consumer_error
        WHERE topic = %(topic)s AND ticker = %(ticker)s AND replayed_at IS NULL AND trade_date IS NOT NULL
        ORDER BY trade_date, id DESC
        """,
        {"topic": topic, "ticker": ticker},
    )
    return {row["trade_date"]: _values(row["raw_value"]) for row in rows}


def accepted_steps(conn: Connection, topic: str, ticker: str) -> dict[date, float | None]:
    """Return by accepted session of a ticker the step of its close; None where it is not known."""
    rows = fetch(
        conn,
        """
        SELECT trade_date, raw_value
        FROM logs_consumer_error
        WHERE topic = %(topic)s AND ticker = %(ticker)s AND replayed_at IS NOT NULL AND trade_date IS NOT NULL
            AND raw_value LIKE '%%"is_accepted": true%%'
        ORDER BY id
        """,
        {"topic": topic, "ticker": ticker},
    )
    return {row["trade_date"]: _step(_values(row["raw_value"])) for row in rows}


def _values(raw: str | None) -> Row:
    """Return a message's fields; none where it is no message."""
    try:
        values = msgspec.json.decode(raw or "")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _step(values: Row) -> float | None:
    """Return the step of a message's close against the one before.

    >>> _step({"close_price": 160.0, "previous_close": 100.0}), _step({"close_price": 160.0, "previous_close": None})
    (1.6, None)
    """
    close, before = (_price(values.get(column)) for column in ("close_price", "previous_close"))
    return close / before if close and before else None


def _price(value: Any) -> float | None:
    return float(value) if isinstance(value, float | int) and value > 0 else None


def any_row(conn: Connection, table: Table) -> bool:
    query: Any = sql.SQL("SELECT EXISTS (SELECT 1 FROM {}) AS found").format(sql.Identifier(table.name))
    return bool(fetch(conn, query)[0]["found"])
