#!/usr/bin/env bash
# Spark 4.3.0 finds fewer rows in a table once the table is cached, when a column has a NaN.
#
# Spark orders NaN above all numbers and equal to itself. A cached batch keeps the smallest and the largest value of
# each column, so that a filter can pass over the batch. They are found by Java's `<` and `>`, which are false for NaN,
# so 4 is the largest of 1, 2, NaN and 4: `x > 5` and `x = NaN`, which have a row each, have none after `cache()`.
# `isnan(x)` asks for no bounds and finds it. Caching, which is there for speed alone, changes the answer, as does
# losing the cache.
#
# Seen on 2026-11-30 with Python 3.11 and Java 17, which has to be there. Source: `DoubleColumnStats` in
# org/apache/spark/sql/execution/columnar/ColumnStats.scala.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
export PYSPARK_PYTHON=$work/venv/bin/python SPARK_LOCAL_IP=127.0.0.1
cat >"$work/look.py" <<'PYTHON'
import pyspark
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", False).getOrCreate()
prices = spark.range(0, 4, 1, 1).selectExpr("IF(id = 2, DOUBLE('NaN'), id + 1D) AS x")
filters = ("x > 5", "x = DOUBLE('NaN')", "isnan(x)", "x < 5")
print("pyspark", pyspark.__version__)
plain = [prices.where(condition).count() for condition in filters]
prices.cache().count()
for condition, rows in zip(filters, plain, strict=True):
    print(condition, "rows:", rows, "cached:", prices.where(condition).count())
spark.conf.set("spark.sql.inMemoryColumnarStorage.partitionPruning", False)
print("without the bounds:", *(prices.where(condition).count() for condition in filters))
PYTHON
seen=$("$work/venv/bin/python" "$work/look.py" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
printf '%s\n' "$seen"
expected="pyspark 4.3.0
x > 5 rows: 1 cached: 0
x = DOUBLE('NaN') rows: 1 cached: 0
isnan(x) rows: 1 cached: 1
x < 5 rows: 3 cached: 3
without the bounds: 1 1 1 3"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
