"""Bring the database up to date, as its owner: `python -m database.migrate` applies the schema and the roles."""

import os
import sys
from contextlib import closing

from config.config import ConfigError, Settings
from database.db_helper import apply_schema, connect
from database.roles import apply_roles
from utils.errors import DatabaseUnavailable


def main() -> int:
    try:
        settings = Settings.from_env().database
        with closing(connect(settings)) as conn:
            apply_schema(conn)
            roles = apply_roles(conn, os.environ)
    except (ConfigError, DatabaseUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    where = f"{settings.host}:{settings.port}/{settings.name}"
    print(f"{where}: schema applied; roles: {', '.join(roles) or 'none asked for'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
