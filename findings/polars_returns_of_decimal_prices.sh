#!/usr/bin/env bash
# polars 2.1.0 divides DECIMAL prices to as many decimals as they have: each return of a price in won is 0.
#
# duckdb 2.0.1 hands its DECIMAL columns to polars as such. The quotient and the product of two of them have the larger
# of both scales in polars' expressions, and are rounded to it. 70100 won after 69800 is a gain of 0.43 %, and polars says
# 1 - 1 = 0; the 0.4 % of a price in cents is 0.00 and the 0.9 % after it 0.01. Ten weights of 0.100 times a gain of
# 0.004 make 0.000 instead of 0.004. Nothing warns. The same words in polars' own SQL keep six more decimals for the
# quotient and all of the product, `pct_change` answers with floats, and duckdb says what they say. `Expr.truediv`,
# which is the same as `/`, is described as float division.
#
# Seen on 2026-11-30 with Python 3.11. Source: `Div` and `Mul` of `DecimalChunked` in
# crates/polars-core/src/chunked_array/arithmetic/decimal.rs of polars.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1
seen=$("$work/venv/bin/python" - <<'PYTHON'
import duckdb
import polars

GAIN = "close / before - 1"


def texts(values):
    return [f"{value:.6f}" if isinstance(value, float) else str(value) for value in values]


print("polars", polars.__version__, "duckdb", duckdb.__version__)
for kind, closes in (("DECIMAL(12, 0)", "69800, 70100, 71500"), ("DECIMAL(12, 2)", "100, 100.4, 101.3")):
    prices = duckdb.sql(f"SELECT unnest([{closes}])::{kind} AS close").pl()
    close, before = polars.col("close"), polars.col("close").shift()
    pairs = prices.with_columns(before=before).drop_nulls()
    print(kind, "as", *(str(prices.schema[name]) for name in prices.columns))
    print("expression", *texts(prices.select(close / before - 1).to_series().drop_nulls()))
    print("SQL", *texts(pairs.select(polars.sql_expr(GAIN)).to_series()))
    print("pct_change", *texts(prices["close"].pct_change().drop_nulls()))
    print("duckdb", *texts(gain for (gain,) in duckdb.sql(f"SELECT {GAIN} FROM pairs").fetchall()))
query = "SELECT 0.1::DECIMAL(4, 3) AS weight, 0.004::DECIMAL(4, 3) AS gain FROM range(10)"
holdings = duckdb.sql(query).pl()
product = polars.col("weight") * polars.col("gain")
totals = (
    holdings.select(product.sum()).item(), holdings.select(polars.sql_expr("SUM(weight * gain)")).item(),
    duckdb.sql("SELECT sum(weight * gain) FROM holdings").fetchall()[0][0],
)
print("ten weights times gains: expression", totals[0], "SQL", totals[1], "duckdb", totals[2])
PYTHON
)
printf '%s\n' "$seen"
expected='polars 2.1.0 duckdb 2.0.1
DECIMAL(12, 0) as Decimal(precision=12, scale=0)
expression 0 0
SQL 0.004298 0.019971
pct_change 0.004298 0.019971
duckdb 0.004298 0.019971
DECIMAL(12, 2) as Decimal(precision=12, scale=2)
expression 0.00 0.01
SQL 0.00400000 0.00896414
pct_change 0.004000 0.008964
duckdb 0.004000 0.008964
ten weights times gains: expression 0.000 SQL 0.004000 duckdb 0.004000'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
