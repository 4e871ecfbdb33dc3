"""Bring Airflow's database up to its version, with our pools: `python airflow/initialise.py`.

Airflow's own commands cost seven seconds each, so they run only when the version or the pools have changed. What was
done is noted in the database itself, as its comment: it is then never taken for another one's.
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
NOTE = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"


def wanted_note() -> str:
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
        cursor.execute(NOTE)
        if cursor.fetchone() == (wanted_note(),):
            print("Airflow's database is up to date")
            return 0
        for command in (["airflow", "db", "migrate"], ["airflow", "pools", "import", str(POOLS_FILE)]):
            code = subprocess.run(command, check=False).returncode
            if code:
                print(f"error: {' '.join(command)} ended with code {code}", file=sys.stderr)
                return code
        comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
        cursor.execute(comment.format(sql.Identifier(str(url.database)), sql.Literal(wanted_note())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
