"""Our side of `bench scale` on Parquet: returns and flags over 5, 10 and 20 sessions, by Spark as a wide job has it.

`python -m ops.bench.scale_returns MADE CORES MEMORY FOLDER...`

The function is the benchmark's own. A job joins prices to the two ends of each window, since it publishes a row, with
the reason, where a price is missing, too (`batch.returns.with_returns`). A test holds that both give the same returns.
Spark reads the bars, brings each ticker's together and runs the tasks. What a task has, it computes as arrays and
writes by itself: windows of rows in the JVM take twice as long.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from config.config import Settings
from config.periods import PERIODS
from utils.spark_utils import WIDE, session, together

if TYPE_CHECKING:
    from pyarrow import RecordBatch

FIRST = date(2000, 1, 3)
# Of what Spark sends to Python. By default a batch has a sixth of the rows, and is more work than what it holds; and
# after each row Spark adds up the bytes of its batch, unless just this limit is given: a third of the job's time
# (findings/spark_arrow_adds_up_each_row.sh).
BATCHES = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(2**16),
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
}


def returns_of_bars(
    tickers: NDArray[np.int64], positions: NDArray[np.int64], prices: NDArray[np.float64], periods: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """Return the return over N sessions to each bar, in any order of the bars, or NaN where it has no start.

    tickers, positions: of each bar its ticker's number and its session's, both counted from 0 without a gap
    """
    # A row of sessions for each ticker, behind as many empty ones as a window is long. By the session's number, not by
    # the number of bars: a missing bar must not lengthen the window.
    longest = max(periods)
    width = longest + int(positions.max(initial=0)) + 1
    places = tickers * width + positions + longest
    priced = np.full((int(tickers.max(initial=0)) + 1) * width, np.nan)
    priced[places] = prices
    return {days: prices / priced[places - days] - 1.0 for days in periods}


def write_returns(made: Path) -> Callable[[Iterator["RecordBatch"]], Iterator["RecordBatch"]]:
    """Return what writes the bars of a partition with their returns and flags, and yields how many there are."""

    def write(batches: Iterator["RecordBatch"]) -> Iterator["RecordBatch"]:
        import pyarrow
        from pyarrow import parquet
        from pyspark import TaskContext

        held = list(batches)
        if not held:
            return
        table = pyarrow.Table.from_batches(held).combine_chunks()
        names = table["ticker"].combine_chunks().dictionary_encode()
        positions = (table["trade_date"].to_numpy() - np.datetime64(FIRST)).astype(np.int64)
        tickers = names.indices.to_numpy().astype(np.int64)
        returns = returns_of_bars(tickers, positions, table["price"].to_numpy(), PERIODS)
        columns = table.set_column(0, "ticker", names)
        for days, values in returns.items():
            columns = columns.append_column(f"return_{days}d", pyarrow.array(values, from_pandas=True))
        for days, values in returns.items():
            columns = columns.append_column(f"is_up_{days}d", pyarrow.array(values > 0))
        task = TaskContext.get()
        assert task is not None
        # A task that is repeated writes its file anew.
        parquet.write_table(columns, made / f"{task.partitionId():05d}.parquet", use_dictionary=["ticker"])
        yield pyarrow.RecordBatch.from_pydict({"rows": [len(columns)]})

    return write


def main(made: str, cores: str, memory: str, *folders: str) -> None:
    """Write the returns of all bars in the folders, and print how many bars there are."""
    settings = replace(Settings.from_env().spark, master_url=f"local[{cores}]", executor_memory=memory)
    profile = replace(WIDE, session_conf={**WIDE.session_conf, **BATCHES})
    spark = session(settings, "bench scale", profile)
    Path(made).mkdir(parents=True)
    bars = together(spark.read.parquet(*folders), "ticker")
    [(rows,)] = bars.mapInArrow(write_returns(Path(made)), "rows long").groupBy().sum("rows").collect()
    print(json.dumps({"rows": rows}))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
