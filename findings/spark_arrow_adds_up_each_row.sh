#!/usr/bin/env bash
# PySpark 4.3.0 adds up the bytes of the Arrow batch that it makes for Python after each row: a function over batches
# takes about twice as long as with the one limit that switches this off.
#
# A batch has two limits, spark.sql.execution.arrow.maxRecordsPerBatch and (since 4.1) .maxBytesPerBatch, 64 MB by
# default. To compare with the second one, Spark sets the number of values of each column's vector anew after each row
# and sums up their sizes. It leaves that out for 2147483647 alone, which is not documented: one byte less, and it adds
# up as before, though a batch of so few rows never comes near.
#
# Four million rows of a text, a date and a price go to a function that only counts its batches. The rows, their number
# and the batches are the same. Three runs of each in turn, the shortest counts; a first one warms the JVM up. Seen on
# 2026-12-01 with Python 3.11 and Java 17, which has to be there: 2.0 to 2.3 times as long.
# Source: `writeSizedBatch` in PythonArrowInput.scala, and `sizeInBytes` in ArrowWriter.scala.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0 pyarrow==26.0.1 pandas==3.0.6
cat >"$work/look.py" <<'PYTHON'
import time

from pyspark import __version__
from pyspark.sql import SparkSession

ROWS = 4_000_000
LIMIT = "spark.sql.execution.arrow.maxBytesPerBatch"


def count(batches):
    import pyarrow

    for batch in batches:
        yield pyarrow.RecordBatch.from_pydict({"rows": [batch.num_rows], "batches": [1]})


spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
rows = spark.range(0, ROWS, 1, 1).selectExpr(
    "'E' || (id % 500) AS ticker", "DATE'2000-01-03' + CAST(id % 5000 AS INT) AS day", "id / 7.0D AS price"
)


def measured(limit: int) -> tuple[float, list[int]]:
    spark.conf.set(LIMIT, str(limit))
    began = time.monotonic()
    found = rows.mapInArrow(count, "rows long, batches long").groupBy().sum().collect()
    return time.monotonic() - began, list(found[0])


limits = {"64 MB": 2**26, "2147483646": 2**31 - 2, "2147483647": 2**31 - 1}
measured(2**26)
found = [{name: measured(limit) for name, limit in limits.items()} for _ in range(3)]
best = {name: min(each[name][0] for each in found) for name in limits}
[(total, batches)] = {tuple(said) for each in found for _, said in each.values()}
free = best.pop("2147483647")
print(f"PySpark {__version__}, {total:,} rows in {batches} batches, whatever the limit")
for name, seconds in best.items():
    times = seconds / free
    print(f"a limit of {name}: {'over 1.4 times' if times > 1.4 else f'{times:.1f} times'} as long as one of 2147483647")
PYTHON
seen=$(PYSPARK_PYTHON=$work/venv/bin/python "$work/venv/bin/python" "$work/look.py" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
printf '%s\n' "$seen"
expected="PySpark 4.3.0, 4,000,000 rows in 400 batches, whatever the limit
a limit of 64 MB: over 1.4 times as long as one of 2147483647
a limit of 2147483646: over 1.4 times as long as one of 2147483647"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
