"""A backup becomes the platform in containers: `python -m ops.backup.containers`, run by ./start.sh in a container.

    market FILE             the words of `demo` for the market that the backup is of, one a line
    ready FILE ...          look, say what would be replaced, ask, and write .env and the universe to FOLDER
    fill FILE               fill new databases beside the old ones, and rename all of them

Databases are restored beside the old ones in their own servers, since a volume cannot be renamed.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from psycopg2 import sql

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, transaction
from ops.backup.archive import Archive
from ops.backup.dumps import count_rows
from ops.backup.manifest import AIRFLOW_DUMP
from ops.backup.places import Place, container_place
from ops.backup.restoring import (
    ask,
    check,
    fill,
    fill_platform,
    naming_csv,
    require_space,
    secrets_of,
    set_groups_back,
    settings_lines,
    summarise,
    universe_files,
)
from ops.console import say
from ops.errors import CannotRestore
from ops.native.env_file import read_settings
from ops.native.stack import DataSource
from utils.command_line import exit_code_of
from utils.kafka_roles import apply_roles

# The owners' passwords: a server that has data keeps those that it was made with.
OF_SERVERS = ("DB_PASSWORD", "AIRFLOW_DB_PASSWORD")
UNIVERSE_SETTING, CSV_SETTING = "UNIVERSE_FILE", "UNIVERSE_CSV"
# What containers call the CSV of ETFs, whatever it is called on their machine.
CSV_INSIDE = "universe.csv"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.backup.containers", description=__doc__)
    parser.add_argument("step", choices=("market", "ready", "fill"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--project", default="", help="the project whose volumes are filled")
    parser.add_argument("--here", type=Path, help="the .env that there is")
    parser.add_argument("--replaces", action="append", default=[], help="what is there")
    parser.add_argument("--folder", type=Path, help="where .env and the universe are written")
    parser.add_argument("--lies", type=Path, help="where the universe's files will lie on the machine")
    parser.add_argument("--yes", action="store_true")
    given = parser.parse_args(arguments)

    def step() -> None:
        with Archive(given.file) as archive:
            if given.step == "market":
                print("\n".join(market_words(archive.manifest.market)))
            elif given.step == "ready":
                check(archive)
                summarise(archive, f"containers (project {given.project})", given.replaces)
                ask(given.yes)
                write_settings(archive, given.here, given.folder, given.lies)
            else:
                fill_databases(archive, container_place())

    return exit_code_of(step)


def market_words(source: DataSource) -> list[str]:
    """Return the arguments of `demo` in containers for a market, none for live Yahoo.

    >>> market_words(DataSource("simulated", seed=7, until="2026-08-21"))
    ['--seed', '7', '--until', '2026-08-21']
    >>> market_words(DataSource()), market_words(DataSource("simulated"))
    ([], ['--quick'])
    """
    if not source.served:
        return []
    if source.sizes:
        raise CannotRestore(
            "the backup is of an invented market of another size, which starts natively: "
            "./start.sh restore --native FILE"
        )
    given = {"market": source.folder, "seed": source.seed, "until": source.until}
    words = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    return words or ["--quick"]  # which says nothing of the market, but that there is one


def write_settings(archive: Archive, here: Path | None, folder: Path, lies: Path) -> None:
    """Write .env, and under config/ the files of the universe that differ from the checkout's.

    here: the .env of servers that have data, whose owners' passwords stay
    lies: where the folder config/ will be for Docker
    """
    files, settings = universe_in_containers(archive, lies)
    kept = read_settings(here) if here else {}
    secrets = secrets_of(archive) | {name: kept[name] for name in OF_SERVERS if kept.get(name)}
    (folder / "env").write_text(settings_lines(archive, secrets | settings), encoding="utf-8")
    (folder / "config").mkdir(exist_ok=True)
    for path, text in files.items():
        (folder / "config" / path.name).write_text(text, encoding="utf-8")


def universe_in_containers(archive: Archive, folder: Path) -> tuple[dict[Path, str], dict[str, str]]:
    """Return the files (path -> text) and their settings as natively, with the CSV under the name it has inside."""
    files, settings = universe_files(archive, folder)
    universe = Path(settings[UNIVERSE_SETTING]) if UNIVERSE_SETTING in settings else None
    named = tomllib.loads(files[universe]).get("etfs") if universe else None
    if universe and named:
        files[folder / CSV_INSIDE] = files.pop(folder / named)
        files[universe] = naming_csv(files[universe], CSV_INSIDE)
        settings[CSV_SETTING] = str(folder / CSV_INSIDE)
    return files, settings


def fill_databases(archive: Archive, place: Place, secrets: Mapping[str, str] | None = None) -> None:
    """Fill new databases beside the old ones, make Kafka's users, set its groups back, and rename all databases.

    CannotRestore leaves the old databases as they were. An interruption between the two servers' renamings is made
    up for by restoring once more.
    """
    require_space(archive, Path("/"))
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with ExitStack() as made:
        platform = made.enter_context(_new_beside(place.platform))
        airflow = made.enter_context(_new_beside(place.airflow))
        fill_platform(archive, platform, place.secrets if secrets is None else secrets)
        fill(archive, AIRFLOW_DUMP, airflow)
        # On an empty machine, or one with other passwords, Kafka knows no login but the broker's own.
        apply_roles(place.kafka, place.secrets)
        # Before the renaming: an interruption in between makes consumers read something twice, never leave it out.
        set_groups_back(archive.manifest, place.kafka)
        for database in (place.platform, place.airflow):
            _swap(database, f"{database.name}_before_restore_{stamp}")


@contextmanager
def _new_beside(database: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """Make an empty database in the same server. Whatever it is still called that at the end is removed."""
    new = replace(database, name=_new_name(database))
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(new.name))
    with closing(_administer(database)) as conn:
        _execute(conn, drop)
        _execute(conn, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(new.name)))
    try:
        yield new
    finally:
        with closing(_administer(database)) as conn:
            _execute(conn, drop)


def _swap(database: DatabaseSettings, kept: str) -> None:
    """Put the new database in the old one's place. One without any table is not kept."""
    with closing(connect(database)) as conn:
        has_tables = bool(count_rows(conn))
    with closing(_administer(database)) as conn:
        _execute(conn, _ENDED.format(sql.Literal(database.name)))
        conn.autocommit = False
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(_rename(database.name, kept))
            cursor.execute(_rename(_new_name(database), database.name))
        conn.autocommit = True
        if not has_tables:
            _execute(conn, sql.SQL("DROP DATABASE {}").format(sql.Identifier(kept)))
    if has_tables:
        say(f"What was there before is kept as the database {kept}: remove it when all is well")


_ENDED = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")


def _rename(name: str, to: str) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(to))


def _new_name(database: DatabaseSettings) -> str:
    return f"{database.name}_restoring"


def _administer(database: DatabaseSettings) -> Connection:
    """Connect to a server outside of the database that is renamed. Each statement is a transaction."""
    conn = connect(replace(database, name="postgres"))
    conn.autocommit = True
    return conn


def _execute(conn: Connection, statement: sql.Composable) -> None:
    with conn.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
