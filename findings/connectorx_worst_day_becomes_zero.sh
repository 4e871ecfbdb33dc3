#!/usr/bin/env bash
# connectorx 0.4.6, reading in parts, loses a fund's worst day and gives pandas a row of zeros in its place.
#
# It reads by any numerical column, as its README says, and cuts the column's smallest value to a whole number towards
# zero. Returns in percent from -2.7 to 3.6 are read from -2 on: the worst day is gone. The table for pandas has been made
# as long as the query without parts, and the row that no part fills stays as it was made: a return of 0.0 on 1 January
# 1970, of a fund that is named by the number 0. Each row outside of a `partition_range` ends so. Without parts each row is
# right. Arrow and polars 2.1.0, whose `read_database_uri` calls connectorx, get a row too few. Nothing warns.
#
# Seen on 2026-11-30 with Python 3.11 and SQLite; REAL, DOUBLE PRECISION and NUMERIC of PostgreSQL 16 fare the same.
# Source: `partition_sql`, which shows the parts, and `read_sql` of the package on PyPI. The README excludes NULL alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check connectorx==0.4.6 pandas==3.1.1 \
    polars==2.1.0 pyarrow==26.0.1
seen=$("$work/venv/bin/python" - "$work" <<'PYTHON'
import sqlite3
import sys

import connectorx
import pandas
import polars

QUERY = "SELECT fund, day, gain FROM returns ORDER BY day"
RETURNS = {"2026-03-02": 0.3, "2026-03-03": -2.7, "2026-03-04": -0.4, "2026-03-05": 3.6, "2026-03-06": -1.1}
with sqlite3.connect(f"{sys.argv[1]}/returns.db") as database:
    database.execute("CREATE TABLE returns (fund TEXT, day DATE, gain DOUBLE)")
    database.executemany("INSERT INTO returns VALUES ('SPY', ?, ?)", RETURNS.items())
database.close()
uri = f"sqlite://{sys.argv[1]}/returns.db"


def told(table):
    table = table.sort_values("day")
    days = ", ".join(f"{row.fund} {row.day:%Y-%m-%d} {row.gain}" for row in table.itertuples())
    return f"worst {table.gain.min()} mean {table.gain.mean():.2f}: {days}"


print("connectorx", connectorx.__version__, "pandas", pandas.__version__, "polars", polars.__version__)
print("whole,", told(connectorx.read_sql(uri, QUERY)))
parts = {"partition_on": "gain", "partition_num": 2}
print("in parts,", told(connectorx.read_sql(uri, QUERY, **parts)))
print("from -2 to 1,", told(connectorx.read_sql(uri, QUERY, **parts, partition_range=(-2, 1))))
for part in connectorx.partition_sql(uri, QUERY, "gain", 2):
    print(part.partition(" WHERE ")[2].replace("CXTMPTAB_PART.", ""))
arrow = connectorx.read_sql(uri, QUERY, return_type="arrow", **parts)
print("rows of Arrow", arrow.num_rows, "polars", polars.read_database_uri(QUERY, uri, **parts).height)
PYTHON
)
printf '%s\n' "$seen"
expected='connectorx 0.4.6 pandas 3.1.1 polars 2.1.0
whole, worst -2.7 mean -0.06: SPY 2026-03-02 0.3, SPY 2026-03-03 -2.7, SPY 2026-03-04 -0.4, SPY 2026-03-05 3.6, SPY 2026-03-06 -1.1
in parts, worst -1.1 mean 0.48: 0 1970-01-01 0.0, SPY 2026-03-02 0.3, SPY 2026-03-04 -0.4, SPY 2026-03-05 3.6, SPY 2026-03-06 -1.1
from -2 to 1, worst -1.1 mean -0.24: 0 1970-01-01 0.0, 0 1970-01-01 0.0, SPY 2026-03-02 0.3, SPY 2026-03-04 -0.4, SPY 2026-03-06 -1.1
-2 <= gain AND gain < 1
1 <= gain AND gain < 4
rows of Arrow 4 polars 4'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
