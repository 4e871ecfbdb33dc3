"""What a table held as of a position of its chain: each row's newest version by then, without those removed by then."""

from collections.abc import Sequence

from database import tables
from database.schema_reader import schema
from database.tables import Table

# Every table of which versions are kept: what is collected, which prices are in doubt, and what was missing.
VERSIONED: Sequence[Table] = (
    tables.META_ETF,
    tables.DAILY_ETF_OHLC,
    tables.DAILY_STOCK_HISTORY,
    tables.ETF_HOLDINGS,
    tables.MONTHLY_BENCHMARK_HOLDINGS,
    tables.PRICE_BREAK,
    tables.CONSUMER_ERROR,
    tables.EXPECTED_BAR,
    tables.MISSING_HOLDINGS,
)


def versions_of(table: Table) -> str:
    """Return the name of the table with all versions of a table's rows.

    >>> versions_of(tables.DAILY_ETF_OHLC)
    'evidence_daily_etf_ohlc'
    """
    return "evidence_" + table.name.partition("_")[2]


def columns_of(table: Table) -> tuple[str, ...]:
    """Return all columns of a table, in its own order."""
    return tuple(schema()[table.name].columns)


def as_of(table: Table) -> str:
    """Return the query of all columns of a table's rows as of %(position)s, in the table's own order."""
    columns, key = ", ".join(columns_of(table)), ", ".join(schema()[table.name].key)
    return f"""
        SELECT {columns}
        FROM (
            SELECT DISTINCT ON ({key}) is_removed, {columns}
            FROM {versions_of(table)}
            WHERE position <= %(position)s
            ORDER BY {key}, position DESC
        ) AS newest
        WHERE NOT is_removed
    """
