"""Store holdings snapshots: etf-holdings-data -> collected_etf_holdings."""

import sys
from collections.abc import Iterator, Sequence

from config.config import Topic
from consumer.storing import run_consumer
from database.db_helper import Connection, Values, replace_partition
from database.tables import ETF_HOLDINGS
from utils.messages import HoldingsSnapshot


def write(conn: Connection, snapshots: Sequence[HoldingsSnapshot]) -> None:
    """Each snapshot replaces the one of the same ETF and day, so that a holding that left the list goes with it."""
    for snapshot in snapshots:
        key = {"etf_ticker": snapshot.etf_ticker, "collected_date": snapshot.collected_date}
        replace_partition(conn, ETF_HOLDINGS, key, list(rows(snapshot)))


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


def main() -> int:
    return run_consumer(Topic.ETF_HOLDINGS, HoldingsSnapshot, write)


if __name__ == "__main__":
    sys.exit(main())
