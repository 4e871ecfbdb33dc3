"""Migrate Airflow's database and import the pools: `python airflow/initialise.py`.

Airflow's own commands take seven seconds each, so they only run when the version or the pools have changed. A comment
on the database tells for which version and pools it was made. It moves and disappears with the database.
"""

import hashlib
import os
import subprocess
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url

POOLS_FILE = Path(__file__).with_name("pools.json")
READ_COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"


def wanted_comment() -> str:
    return f"airflow {version('apache-airflow-core')}, pools {hashlib.sha256(POOLS_FILE.read_bytes()).hexdigest()[:16]}"


def main() -> int:
    url = make_url(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    try:
        conn = psycopg2.connect(
            host=url.host, port=url.port, dbname=url.database, user=url.username, password=url.password
        )
    except psycopg2.OperationalError as error:
        print(f"error: Airflow's database at {url.host}:{url.port} cannot be used: {error}", file=sys.stderr)
        return 1
    with closing(conn), conn, conn.cursor() as cursor:
        cursor.execute(READ_COMMENT)
        if cursor.fetchone() == (wanted_comment(),):
            print("Airflow's database is up to date")
            return 0
        for command in (["airflow", "db", "migrate"], ["airflow", "pools", "import", str(POOLS_FILE)]):
            code = subprocess.run(command, check=False).returncode
            if code:
                print(f"error: {' '.join(command)} ended with code {code}", file=sys.stderr)
                return code
        comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
        cursor.execute(comment.format(sql.Identifier(str(url.database)), sql.Literal(wanted_comment())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
