"""The service `upgrade-backup`: a backup before the schema or Airflow's own is migrated, or no migration.

At every other start it only looks, and ends.
"""

import os
import re
import sys
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from urllib.parse import urlsplit

from config.config import DatabaseSettings, Settings
from database.db_helper import Connection, connect, fetch
from database.migrate import read_migrations
from ops.backup.folder import BEFORE_UPGRADE
from utils.command_line import exit_code_of

COMMENT = "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = current_database()"
# What airflow/initialise.py writes there.
MADE_FOR = re.compile(r"airflow ([\w.+]+),")


def main() -> int:
    reasons: list[str] = []
    code = exit_code_of(lambda: reasons.extend(upgrades(os.environ)))
    if code or not reasons:
        print("nothing is to be upgraded" if not code else "the start ends here", flush=True)
        return code
    print(f"a backup before the upgrade: {', '.join(reasons)}", flush=True)
    from ops.backup.scheduled import make

    code = make(Settings.from_env().backup, BEFORE_UPGRADE)
    if code:
        print("error: nothing is upgraded without a backup: see the reason above, then start again", flush=True)
    return code


def upgrades(environ: Mapping[str, str]) -> list[str]:
    """Return what the start that is under way will change of databases that have something."""
    with closing(connect(Settings.from_env(environ).database)) as conn:
        reasons = _migrations(conn)
    with closing(connect(airflow_database(environ))) as conn:
        return reasons + _airflow(conn)


def airflow_database(environ: Mapping[str, str]) -> DatabaseSettings:
    url = urlsplit(environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    return DatabaseSettings(
        url.hostname or "", url.port or 5432, url.path.strip("/"), url.username or "", url.password or ""
    )


def _migrations(conn: Connection) -> list[str]:
    [is_there] = fetch(
        conn,
        "SELECT to_regclass('collected_meta_etf') IS NOT NULL AS rows, "
        "to_regclass('schema_migration') IS NOT NULL AS migrations",
    )
    if not is_there["rows"]:
        return []
    applied = fetch(conn, "SELECT version FROM schema_migration") if is_there["migrations"] else []
    had = {row["version"] for row in applied}
    return [each.name for each in read_migrations() if each.version not in had]


def _airflow(conn: Connection) -> list[str]:
    [row] = fetch(conn, COMMENT)
    made_for = MADE_FOR.match(row["comment"] or "")
    wanted = version("apache-airflow-core")
    return [f"Airflow {made_for[1]} to {wanted}"] if made_for and made_for[1] != wanted else []


if __name__ == "__main__":
    sys.exit(main())
