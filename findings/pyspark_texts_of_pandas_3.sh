#!/usr/bin/env bash
# PySpark 4.3.0 turns a missing text of pandas 3.1.1 into the text "nan" when another column cannot go by Arrow.
#
# A table with a stock's sector, one of them None, goes by Arrow, and the sector is null. With a column of numbers and
# texts beside it Arrow cannot take the table; PySpark falls back to pickled rows, as it does by default, and warns of
# that. pandas 3 keeps a missing text as a float NaN in its new text columns, and on this way it becomes the word "nan":
# a sector of its own in each grouping, which no `IS NULL` finds. With pandas 2.3.3 it is null on both ways. PySpark
# advises against pandas 3 in a warning, but does not say what goes wrong.
#
# Seen on 2026-11-30 with Python 3.11 and Java 17, which has to be there. Source: `createDataFrame` of a pandas table
# with spark.sql.execution.arrow.pyspark.enabled and .fallback.enabled, both as they are by default.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/look.py" <<'PYTHON'
import warnings

import pandas
import pyspark
from pyspark.sql import SparkSession

warnings.filterwarnings("ignore")
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", False).getOrCreate()
sectors = pandas.DataFrame({"ticker": ["XOM", "NEW"], "sector": ["Energy", None]})
print("pyspark", pyspark.__version__, "pandas", pandas.__version__)
for way, table in (("by Arrow", sectors), ("by rows", sectors.assign(lot=[100, "odd"]))):
    frame = spark.createDataFrame(table)
    print(way, sorted(map(repr, (row.sector for row in frame.collect()))), "null:", frame.where("sector IS NULL").count())
PYTHON
python3 -m venv "$work/venv"
export PYSPARK_PYTHON=$work/venv/bin/python SPARK_LOCAL_IP=127.0.0.1
see() {
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0 pyarrow==26.0.1 "pandas==$1"
    "$work/venv/bin/python" "$work/look.py" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}
seen=$(see 3.1.1 && see 2.3.3)
printf '%s\n' "$seen"
expected="pyspark 4.3.0 pandas 3.1.1
by Arrow [\"'Energy'\", 'None'] null: 1
by rows [\"'Energy'\", \"'nan'\"] null: 0
pyspark 4.3.0 pandas 2.3.3
by Arrow [\"'Energy'\", 'None'] null: 1
by rows [\"'Energy'\", 'None'] null: 1"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
