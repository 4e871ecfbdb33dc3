"""Bring the database up to date, as its owner: `python -m database.migrate` applies the schema and the roles."""

import os
import sys
from contextlib import closing

from config.config import Settings
from database.db_helper import apply_schema, connect
from database.roles import apply_roles
from utils.command_line import exit_code_of


def main() -> int:
    return exit_code_of(_migrate)


def _migrate() -> None:
    settings = Settings.from_env().database
    with closing(connect(settings)) as conn:
        apply_schema(conn)
        roles = apply_roles(conn, os.environ)
    where = f"{settings.host}:{settings.port}/{settings.name}"
    print(f"{where}: schema applied; roles: {', '.join(roles) or 'none asked for'}")


if __name__ == "__main__":
    sys.exit(main())
