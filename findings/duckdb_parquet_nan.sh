#!/usr/bin/env bash
# duckdb 2.0.1 reads a Parquet file of pyarrow 26.0.1 with a NaN in it otherwise than the table it was written from.
#
# duckdb orders NaN above all numbers. Parquet's statistics leave NaN out, and pyarrow writes them so, as the format
# says: 1 and 3 for the values 1, 2, NaN, 3. duckdb takes them for the bounds of all values. It loses the row with NaN
# from `x > 5` and even from `x = 'NaN'`, adds it to `x <= 3`, and says that the largest value is 3. Its own Parquet
# files have no bounds where there is a NaN, so that a look at one of them finds nothing.
#
# Seen on 2026-11-30 with Python 3.11. Source: `write_table` of pyarrow, `read_parquet` of duckdb.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
seen=$("$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import duckdb
import pyarrow
from pyarrow import parquet

prices = pyarrow.table({"x": [1.0, 2.0, float("nan"), 3.0]})
theirs, own = f"{sys.argv[1]}/pyarrow.parquet", f"{sys.argv[1]}/duckdb.parquet"
parquet.write_table(prices, theirs)
duckdb.execute(f"COPY prices TO '{own}' (FORMAT parquet)")
bounds = parquet.ParquetFile(theirs).metadata.row_group(0).column(0).statistics
print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__, "bounds", bounds.min, bounds.max)
print("of the table, of duckdb's file, of pyarrow's file")
for what, where in (("count(*)", "x > 5"), ("count(*)", "x = 'NaN'"), ("count(*)", "x <= 3"), ("max(x)", "true")):
    tables = ("prices", f"'{own}'", f"'{theirs}'")
    print(what, where, *(duckdb.execute(f"SELECT {what} FROM {table} WHERE {where}").fetchone()[0] for table in tables))
PYTHON
)
printf '%s\n' "$seen"
expected='duckdb 2.0.1 pyarrow 26.0.1 bounds 1.0 3.0
of the table, of duckdb'"'"'s file, of pyarrow'"'"'s file
count(*) x > 5 1 1 0
count(*) x = '"'"'NaN'"'"' 1 1 0
count(*) x <= 3 3 3 4
max(x) true nan nan 3.0'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
