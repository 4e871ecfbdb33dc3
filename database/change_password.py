"""Change the password of a database's owner: `python -m database.change_password` asks for the new one.

`--airflow` does it in Airflow's database. The logins of database/roles.py get theirs at each start.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from getpass import getpass

from psycopg2 import sql
from psycopg2.extensions import encrypt_password, parse_dsn

from config.config import DatabaseSettings, Settings
from config.secret_rule import RULE, is_fit
from database.db_helper import connect, transaction
from utils.command_line import exit_code_of
from utils.errors import InvalidInput

AIRFLOW = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Change the password of a database's owner.")
    parser.add_argument("--airflow", action="store_true", help="of Airflow's database, not of the platform's")
    of_airflow: bool = parser.parse_args(arguments).airflow
    return exit_code_of(lambda: _change(of_airflow))


def _change(of_airflow: bool) -> None:
    database = airflow_database(os.environ) if of_airflow else Settings.from_env().database
    change(database, ask())
    setting = "AIRFLOW_DB_PASSWORD" if of_airflow else "DB_PASSWORD"
    print(f"{database.user} has the new password. Write it as {setting} where the old one stands, then stop and start.")


def airflow_database(environ: Mapping[str, str]) -> DatabaseSettings:
    """Return Airflow's database with its owner's login. InvalidInput where no setting names it."""
    address = environ.get(AIRFLOW, "")
    if not address:
        raise InvalidInput(f"{AIRFLOW} is not set: run this with ./start.sh exec")
    known = parse_dsn(address.replace("+psycopg2", "", 1))
    return DatabaseSettings(
        known["host"], int(known.get("port", 5432)), known["dbname"], known["user"], known["password"]
    )


def ask() -> str:
    """Return a new password, typed twice or a line of standard input. InvalidInput if it is not fit for a file."""
    if sys.stdin.isatty():
        password = getpass("New password: ")
        if getpass("Once more: ") != password:
            raise InvalidInput("the two differ: nothing was changed")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not is_fit(password):
        raise InvalidInput(f"{RULE}: nothing was changed")
    return password


def change(database: DatabaseSettings, password: str) -> None:
    """Give the login of `database` another password. The server and its log get a hash of it alone."""
    with closing(connect(database)) as conn, transaction(conn), conn.cursor() as cursor:
        hashed = encrypt_password(password, database.user, conn, "scram-sha-256")
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        cursor.execute(statement.format(sql.Identifier(database.user), sql.Literal(hashed)))


if __name__ == "__main__":
    sys.exit(main())
