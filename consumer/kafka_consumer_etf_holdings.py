"""Store lists: etf-holdings-data -> collected_etf_holdings, collected_monthly_benchmark_holdings, collected_meta_etf.

Snapshots of a month go to the second of them, all others to the first.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from config.config import Topic
from consumer.storing import Address, run_consumer
from database.db_helper import Connection, Values, merge_partition, upsert
from database.tables import ETF_HOLDINGS, META_ETF, MONTHLY_BENCHMARK_HOLDINGS, received
from utils.command_line import require_no_arguments
from utils.messages import HoldingsSnapshot

OF_DAY, OF_MONTH = received(ETF_HOLDINGS, "answer_digest"), received(MONTHLY_BENCHMARK_HOLDINGS, "answer_digest")
META = received(META_ETF)


def write(messages: Sequence[tuple[HoldingsSnapshot, Address]]) -> Callable[[Connection], object]:
    return partial(_write, messages)


def _write(messages: Sequence[tuple[HoldingsSnapshot, Address]], conn: Connection) -> None:
    """Make each snapshot's list the only one of its ETF and day (or month): a holding that left the fund goes."""
    for snapshot, address in messages:
        key = {"etf_ticker": snapshot.etf_ticker}
        if snapshot.month_of:
            month = key | {"as_of_date": snapshot.month_of}
            merge_partition(conn, OF_MONTH, month, list(monthly_rows(snapshot, address)))
        else:
            day = key | {"collected_date": snapshot.collected_date}
            merge_partition(conn, OF_DAY, day, list(rows(snapshot, address)))
    upsert(conn, META, metadata_rows(messages))


def rows(snapshot: HoldingsSnapshot, address: Address) -> Iterator[Values]:
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
            snapshot.answer_digest,
            *address,
        )


def monthly_rows(snapshot: HoldingsSnapshot, address: Address) -> Iterator[Values]:
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
            snapshot.answer_digest,
            *address,
        )


def metadata_rows(messages: Sequence[tuple[HoldingsSnapshot, Address]]) -> Iterator[Values]:
    for snapshot, address in messages:
        if known := snapshot.metadata:
            yield snapshot.etf_ticker, known.etf_type, known.sector_name, known.description, *address


def main(arguments: Sequence[str] | None = None) -> int:
    require_no_arguments(__doc__, arguments)
    return run_consumer(Topic.ETF_HOLDINGS, HoldingsSnapshot, write)


if __name__ == "__main__":
    sys.exit(main())
