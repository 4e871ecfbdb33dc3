"""What a backup says of itself: when it was made, of what, by which version, and the digest of each of its parts."""

import re
from datetime import date, datetime
from pathlib import Path

import msgspec

from config import __version__
from database.migrate import read_migrations
from ops.errors import BackupBroken
from ops.native.stack import DataSource

FORMAT = 1
MANIFEST = "manifest.json"
PLATFORM_DUMP, AIRFLOW_DUMP = "platform.dump", "airflow.dump"
SECRETS, SETTINGS = "secrets.env", "settings.env"
UNIVERSE, UNIVERSE_CSV, EXCHANGE_DAYS = "universe.toml", "universe.csv", "exchange_days.csv"
PARTS = (PLATFORM_DUMP, AIRFLOW_DUMP, SECRETS, SETTINGS, UNIVERSE, UNIVERSE_CSV, EXCHANGE_DAYS)
NEEDED = (PLATFORM_DUMP, AIRFLOW_DUMP, SECRETS)


class Part(msgspec.Struct, frozen=True):
    """A part's bytes: how many, and their SHA-256."""

    size: int
    sha256: str


class TopicPlace(msgspec.Struct, frozen=True):
    """How far a topic was stored: the topic's own id, and by partition the offset of the next message to store."""

    id: str
    stored: dict[int, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All but the parts themselves.

    rows: how many each table has, by part and table
    heads: position and digest of the newest link of each chain of evidence, as `verify --head` prints them
    topics: by topic how far it was stored before the dump began, None where Kafka did not answer
    """

    format: int
    made_at: datetime
    version: str
    migration: str
    postgres: int
    airflow: str
    market: DataSource
    newest_session: date | None
    rows: dict[str, dict[str, int]]
    heads: dict[str, tuple[int, str]]
    topics: dict[str, TopicPlace] | None
    parts: dict[str, Part]

    @property
    def migration_number(self) -> int:
        """The number of the newest migration that the database has had.

        >>> int("0008_rejected_bars.sql".partition("_")[0])
        8
        """
        return int(self.migration.partition("_")[0])

    def count(self, part: str) -> int:
        """Return how many rows a part has."""
        return sum(self.rows.get(part, {}).values())


class _Header(msgspec.Struct, frozen=True):
    """What every version of a manifest has."""

    format: int
    version: str


def read_manifest(path: Path, raw: bytes) -> Manifest:
    """Read a manifest. BackupBroken says why it cannot be used: what a newer version made is refused."""
    try:
        header = msgspec.json.decode(raw, type=_Header)
        if header.format > FORMAT:
            raise _too_new(path, header.version)
        manifest = msgspec.json.decode(raw, type=Manifest)
        is_newer = manifest.migration_number > newest_migration()
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        raise BackupBroken(f"{path} is no backup: its manifest cannot be read: {error}") from None
    if is_newer or _numbers(manifest.version) > _numbers(__version__):
        raise _too_new(path, manifest.version)
    missing = [name for name in NEEDED if name not in manifest.parts]
    if missing:
        raise BackupBroken(f"{path} is not the whole of a backup: it has no {', '.join(missing)}")
    return manifest


def newest_migration() -> int:
    return max(each.version for each in read_migrations())


def _too_new(path: Path, version: str) -> BackupBroken:
    return BackupBroken(
        f"{path} was made by version {version}, which is newer than this one ({__version__}): "
        "restore it with that version, or a later one"
    )


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version, so that versions can be compared.

    >>> _numbers("0.10.0") > _numbers("0.9.1")
    True
    """
    return [int(number) for number in re.findall(r"\d+", version)]
