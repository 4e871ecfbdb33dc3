"""`restore`: a backup becomes the platform of this machine. Until everything of it is ready nothing is replaced."""

import os
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from config.config import PROJECT_ROOT, DatabaseSettings, KafkaSettings, Topic
from config.text_files import text_in
from database.db_helper import connect
from database.migrate import apply_schema
from database.roles import apply_roles
from ops.backup.archive import Archive, Progress
from ops.backup.dumps import analyze, count_rows, heads_of, restoring
from ops.backup.manifest import (
    AIRFLOW_DUMP,
    EXCHANGE_DAYS,
    PLATFORM_DUMP,
    SECRETS,
    SETTINGS,
    UNIVERSE,
    UNIVERSE_CSV,
    Manifest,
)
from ops.console import console, done, say
from ops.errors import BackupBroken, CannotRestore
from ops.native.compose import secret_sizes
from ops.native.env_file import name_of, settings_in
from ops.native.stack_secrets import env_line, read_env
from utils.kafka_utils import set_back, topic_ids

NEW = ".restoring"
NAMES_CSV = re.compile(r"""^[ \t]*["']?etfs["']?[ \t]*=.*$""", re.MULTILINE)
# What a CSV is called beside a restored universe.toml, if it was in another folder.
CSV_BESIDE = "universe.csv"


def check(archive: Archive) -> None:
    """Work out the digest of every part. BackupBroken names the one that is not what was written."""
    for part, known in archive.manifest.parts.items():
        with _told(part, known.size, "is whole") as progress:
            archive.copy(part, progress=progress)


def summarise(archive: Archive, where: str, replaced: Sequence[Path | str]) -> None:
    """Say what the backup is, and what would be replaced by it."""
    manifest = archive.manifest
    settings = "settings" if archive.text(SETTINGS) else "no settings"
    say(f"{archive.path}")
    say(f"  made         {manifest.made_at:%Y-%m-%d %H:%M} UTC by version {manifest.version} ({manifest.migration})")
    say(f"  market       {manifest.market.label}, newest session {manifest.newest_session or 'none'}")
    say(
        f"  holds        {manifest.count(PLATFORM_DUMP):,} rows of the platform, {manifest.count(AIRFLOW_DUMP):,} of "
        f"Airflow {manifest.airflow}, passwords, {settings}, universe"
    )
    say(f"  goes to      {where}")
    for path in replaced:
        say(f"  [yellow]replaces[/]     {path}, which is kept beside it")


def ask(is_agreed: bool) -> None:
    """Ask before anything is replaced. Where nobody can answer, --yes has to have been given."""
    if is_agreed:
        return
    if not sys.stdin.isatty():
        raise CannotRestore("nobody is here to be asked: look at the lines above, then give --yes")
    if input("Restore it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CannotRestore("nothing was changed")


def fill_platform(archive: Archive, database: DatabaseSettings, secrets: Mapping[str, str]) -> None:
    """Fill an empty database with the platform's tables, and bring them up to this version."""
    fill(archive, PLATFORM_DUMP, database)
    with closing(connect(database)) as conn:
        if heads_of(conn) != archive.manifest.heads:
            raise CannotRestore("the chains of evidence are not those of the backup")
        for name in apply_schema(conn):
            say(f"  migrated: {name}")
        apply_roles(conn, secrets)
    analyze(database)


def fill(archive: Archive, part: str, database: DatabaseSettings) -> None:
    """Fill an empty database with a dump, and count its rows."""
    with _told(part, archive.manifest.parts[part].size, "restored") as progress, restoring(database) as target:
        archive.copy(part, target, progress)
    with closing(connect(database)) as conn:
        found = count_rows(conn)
    wanted = archive.manifest.rows[part]
    unlike = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    if unlike:
        raise CannotRestore(
            f"{unlike[0]} has {found.get(unlike[0], 0)} rows and {wanted.get(unlike[0], 0)} were kept: restored is not "
            "what was backed up"
        )


def secrets_of(archive: Archive) -> dict[str, str]:
    """Return the passwords and keys, without whatever else stands there."""
    known = read_env(archive.text(SECRETS) or "")
    for name in ("DB_PASSWORD", "AIRFLOW_DB_PASSWORD"):
        if not known.get(name):
            raise BackupBroken(f"{archive.path} is no backup: its {SECRETS} has no {name}")
    return {name: known[name] for name in secret_sizes() if known.get(name)}


def settings_lines(archive: Archive, replaced: Mapping[str, str]) -> str:
    """Return the .env of the backup, with some settings replaced."""
    lines = (archive.text(SETTINGS) or "").splitlines()
    kept = [line for line in lines if name_of(line) not in replaced]
    return "".join([*(f"{line}\n" for line in kept), *(env_line(name, value) for name, value in replaced.items())])


def universe_files(archive: Archive, folder: Path) -> tuple[dict[Path, str], dict[str, str]]:
    """Return the files (path in `folder` -> text) that differ from what the settings name here, and their settings."""
    known = _settings_of(archive)
    files: dict[Path, str] = {}
    settings: dict[str, str] = {}
    universe, named = archive.text(UNIVERSE), _csv_named(archive)
    parts = ({UNIVERSE: UNIVERSE} if universe else {}) | ({UNIVERSE_CSV: named} if named else {})
    here = (PROJECT_ROOT / (known.get("UNIVERSE_FILE") or "config/universe.toml")).parent
    if universe and any(text_at(here / name) != archive.text(part) for part, name in parts.items()):
        files[folder / UNIVERSE] = universe
        settings["UNIVERSE_FILE"] = str(folder / UNIVERSE)
    if universe and named and files:
        beside = named if Path(named).name == named else CSV_BESIDE
        files[folder / UNIVERSE] = naming_csv(universe, beside)
        files[folder / beside] = archive.text(UNIVERSE_CSV) or ""
    days = PROJECT_ROOT / (known.get("EXCHANGE_DAYS_FILE") or "config/exchange_days.csv")
    if (text := archive.text(EXCHANGE_DAYS)) is not None and text_at(days) != text:
        files[folder / days.name] = text
        settings["EXCHANGE_DAYS_FILE"] = str(folder / days.name)
    return files, settings


def _settings_of(archive: Archive) -> dict[str, str]:
    """Return the settings of the backup's .env. What cannot be read there is told by the next start."""
    settings, _ = settings_in(archive.text(SETTINGS) or "")
    return {name: os.path.expanduser(value) for name, value in settings.items()}


def set_groups_back(manifest: Manifest, kafka: KafkaSettings) -> None:
    """Let the consumers read again what Kafka has beyond the backup. Nobody of them may be running.

    Each goes on where it was when the backup was begun. Of a topic that the backup does not know, or that was made
    anew since, it reads everything: rows that are there already come out the same.
    """
    ids = topic_ids(kafka)
    known = manifest.topics or {}
    for topic in Topic:
        if topic not in ids:
            continue
        place = known.get(topic)
        is_same = place is not None and place.id == ids[topic]
        set_back(kafka, topic, place.stored if place and is_same else {})
        say(f"  {topic}: its consumers go on {'where the backup ends' if is_same else 'at the oldest message'}")


@contextmanager
def new_file(path: Path, text: str) -> Iterator[Path]:
    """Write a file beside its place, readable by its owner alone."""
    new = path.with_name(path.name + NEW)
    new.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def require_space(archive: Archive, folder: Path) -> None:
    """Refuse to begin what will hardly fit: a database takes three times what its dump does."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    needed = 4 * sum(part.size for part in archive.manifest.parts.values()) + 200 * 2**20
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise CannotRestore(
            f"the disk of {folder} has {free // 2**20} MB free and the restored platform may take "
            f"{needed // 2**20} MB: make room, or restore elsewhere with ACTSTOCK_HOME=/another/folder"
        )


def naming_csv(universe: str, name: str) -> str:
    """Return the text of a universe.toml that names another CSV.

    >>> naming_csv('etfs = "lists/mine.csv" # ours', "universe.csv")
    'etfs = "universe.csv"'
    """
    return NAMES_CSV.sub(f'etfs = "{name}"', universe)


def _csv_named(archive: Archive) -> str | None:
    """Return the CSV that the backup's universe.toml names, seen from its folder."""
    try:
        named = tomllib.loads(archive.text(UNIVERSE) or "").get("etfs")
    except (ValueError, RecursionError) as error:
        raise BackupBroken(f"{archive.path}: {UNIVERSE} in it cannot be read: {error}") from None
    if not named:
        return None
    if not isinstance(named, str) or Path(named).name in ("", ".", "..", UNIVERSE):
        raise BackupBroken(f"{archive.path}: {UNIVERSE} in it names {named!r}, which is no CSV")
    return named


def text_at(path: Path) -> str | None:
    """Return a file's text, or None for one that is not there or cannot be read: the backup's takes its place."""
    try:
        return text_in(path.read_bytes())
    except (OSError, ValueError):
        return None


@contextmanager
def _told(part: str, size: int, note: str) -> Iterator[Progress]:
    began = time.monotonic()
    with console.status(part) as status:
        yield lambda count: status.update(f"[dim]{part}: {100 * count // max(size, 1)} %[/]")
    done(part, time.monotonic() - began, note)
