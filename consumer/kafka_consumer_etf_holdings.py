"""Store holdings snapshots: etf-holdings-data -> collected_etf_holdings and collected_meta_etf.

Snapshots of a month go to collected_monthly_benchmark_holdings instead.
"""

import sys
from collections.abc import Iterator, Sequence

from config.config import Topic
from consumer.storing import run_consumer
from database.db_helper import Connection, Values, replace_partition, upsert
from database.tables import ETF_HOLDINGS, META_ETF, MONTHLY_BENCHMARK_HOLDINGS
from utils.messages import HoldingsSnapshot


def write(conn: Connection, snapshots: Sequence[HoldingsSnapshot]) -> None:
    """Replace the stored snapshots of the same ETF and day (or month)."""
    # Replaced, not merged: a holding that left the fund must not stay.
    for snapshot in snapshots:
        key = {"etf_ticker": snapshot.etf_ticker}
        if snapshot.month_of:
            month = key | {"as_of_date": snapshot.month_of}
            replace_partition(conn, MONTHLY_BENCHMARK_HOLDINGS, month, list(monthly_rows(snapshot)))
        else:
            day = key | {"collected_date": snapshot.collected_date}
            replace_partition(conn, ETF_HOLDINGS, day, list(rows(snapshot)))
    upsert(conn, META_ETF, metadata_rows(snapshots))


def rows(snapshot: HoldingsSnapshot) -> Iterator[Values]:
    for holding in snapshot.holdings:
        yield (
            snapshot.etf_ticker,
            holding.ticker,
            holding.name,
            holding.percent,
            snapshot.collected_date,
            holding.rank,
            snapshot.fetched_at,
            snapshot.source,
            snapshot.run_id,
        )


def monthly_rows(snapshot: HoldingsSnapshot) -> Iterator[Values]:
    for holding in snapshot.holdings:
        yield (
            snapshot.etf_ticker,
            holding.ticker,
            holding.name,
            holding.percent,
            snapshot.month_of,
            snapshot.collected_date,
            snapshot.fetched_at,
            snapshot.source,
            snapshot.run_id,
        )


def metadata_rows(snapshots: Sequence[HoldingsSnapshot]) -> Iterator[Values]:
    for snapshot in snapshots:
        if known := snapshot.metadata:
            yield snapshot.etf_ticker, known.etf_type, known.sector_name, known.description


def main() -> int:
    return run_consumer(Topic.ETF_HOLDINGS, HoldingsSnapshot, write)


if __name__ == "__main__":
    sys.exit(main())
