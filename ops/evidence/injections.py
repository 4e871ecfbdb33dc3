"""Changes of what is stored, for the checks: restated bars, splits and a migration."""

import random
from datetime import date

from database import tables
from database.db_helper import Connection, fetch, transaction
from database.queries.evidence_as_of import versions_of

DAILY = (tables.DAILY_ETF_OHLC, tables.DAILY_STOCK_HISTORY)
PRICES = ("open_price", "high_price", "low_price", "close_price", "adj_close")


def restate(conn: Connection, count: int, seed: int, since: date = date.min) -> None:
    """Change the closes of so many stored bars, from a day on, each in an answer of its own."""
    chance = random.Random(seed)
    bars = [
        (table, row["ticker"], row["trade_date"])
        for table in DAILY
        for row in fetch(
            conn,
            f"SELECT ticker, trade_date FROM {table.name} WHERE trade_date >= %(since)s ORDER BY ticker, trade_date",
            {"since": since},
        )
    ]
    for table, ticker, day in chance.sample(bars, count):
        factor = chance.uniform(0.9, 1.1)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table.name} SET adj_close = adj_close * %s, close_price = close_price * %s "
                "WHERE (ticker, trade_date) = (%s, %s)",
                (factor, factor, ticker, day),
            )


def split(conn: Connection, count: int, seed: int) -> None:
    """Rescale all bars of so many tickers, as a source does after a split."""
    chance = random.Random(seed)
    for table in DAILY:
        tickers = [row["ticker"] for row in fetch(conn, f"SELECT DISTINCT ticker FROM {table.name} ORDER BY ticker")]
        for ticker in chance.sample(tickers, min(count // 2 + count % 2, len(tickers))):
            scaled = ", ".join(f"{price} = {price} / %(ratio)s" for price in PRICES)
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {table.name} SET {scaled} WHERE ticker = %(ticker)s",
                    {"ratio": chance.choice((2, 3, 10, 0.1)), "ticker": ticker},
                )


def migrate(conn: Connection) -> None:
    """Add a column to what is collected, to its versions and to what is published, as a migration does."""
    collected = tables.DAILY_STOCK_HISTORY
    with transaction(conn), conn.cursor() as cursor:
        for table in (collected.name, versions_of(collected), tables.PORTFOLIO_ALLOCATION.name):
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN later_known TEXT DEFAULT 'not known yet'")
