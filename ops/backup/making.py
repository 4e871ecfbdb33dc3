"""`backup`: everything that the platform cannot get again, in one file, while it runs."""

import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from shutil import disk_usage

import msgspec

from config import __version__
from config.config import DatabaseSettings, KafkaSettings, Topic
from config.text_files import text_of
from database.db_helper import Connection, fetch, reading_at_once
from ops.backup.archive import Writer, written
from ops.backup.dumps import count_rows, dumping, heads_of, newest_migration_of
from ops.backup.manifest import AIRFLOW_DUMP, FORMAT, PLATFORM_DUMP, SECRETS, SETTINGS, Manifest, TopicPlace
from ops.backup.places import Place
from ops.console import console, done, say
from ops.errors import CannotBackUp
from ops.native.stack_secrets import env_line
from utils.errors import BrokerUnavailable
from utils.kafka_utils import committed_offsets, topic_ids

SPARE_BYTES = 50 * 2**20
ANSWER_SECONDS = 5


def back_up(place: Place, path: Path) -> Manifest:
    """Write a backup of a running platform to a file that is not there yet. CannotBackUp leaves nothing."""
    _require_folder(path)
    for file in place.files.values():
        text_of(file, CannotBackUp)  # what a restore could not read
    began = time.monotonic()
    with written(path) as writer, ExitStack() as opened:
        # Before the rows are read: whatever was committed until here is among them. After them it would not be sure.
        topics = _topics(place.kafka)
        platform, platform_snapshot = opened.enter_context(reading_at_once(place.platform))
        airflow, airflow_snapshot = opened.enter_context(reading_at_once(place.airflow))
        _require_space(path, platform, airflow)
        _dump(writer, PLATFORM_DUMP, place.platform, platform_snapshot)
        _dump(writer, AIRFLOW_DUMP, place.airflow, airflow_snapshot)
        _add_files(writer, place)
        manifest = Manifest(
            format=FORMAT,
            made_at=datetime.now(UTC).replace(microsecond=0),
            version=__version__,
            migration=newest_migration_of(platform),
            postgres=platform.info.server_version // 10_000,
            airflow=version("apache-airflow-core"),
            market=place.market,
            newest_session=_newest_session(platform),
            rows={PLATFORM_DUMP: count_rows(platform), AIRFLOW_DUMP: count_rows(airflow)},
            heads=heads_of(platform),
            topics=topics,
            parts=writer.parts,
        )
        writer.close(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    say(
        f"{path}: {manifest.count(PLATFORM_DUMP):,} rows and their evidence, {path.stat().st_size / 2**20:.1f} MB, "
        f"in {time.monotonic() - began:.1f} s. It holds every password: keep it where nobody else reads it."
    )
    return manifest


def _require_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise CannotBackUp(f"{path.parent} is no folder: make it first, or write the backup elsewhere")
    if path.is_dir():
        raise CannotBackUp(f"{path} is a folder: name the file in it")


def _require_space(path: Path, *databases: Connection) -> None:
    """Refuse to begin what will hardly fit. A dump takes a third to a half of what its database does."""
    [sizes] = zip(
        *(fetch(conn, "SELECT pg_database_size(current_database())")[0].values() for conn in databases), strict=True
    )
    needed, free = sum(sizes) // 2 + SPARE_BYTES, disk_usage(path.parent).free
    if free < needed:
        raise CannotBackUp(
            f"the disk of {path.parent} has {free // 2**20} MB free and a backup may take {needed // 2**20} MB: "
            "make room, or write it elsewhere"
        )


def _topics(kafka: KafkaSettings) -> dict[str, TopicPlace] | None:
    """Return how far each topic is stored. Without Kafka a restore reads all that its topics have."""
    try:
        _require_listener(kafka)
        ids = topic_ids(kafka)
        stored = {topic: committed_offsets(kafka, topic.consumer_group).get(topic, {}) for topic in Topic}
    except BrokerUnavailable as error:
        say(f"[yellow]Kafka does not answer[/]: a restore will read all of its messages again ({error})")
        return None
    return {topic: TopicPlace(ids[topic], stored[topic]) for topic in Topic if topic in ids}


def _require_listener(kafka: KafkaSettings) -> None:
    """Find out at once that nobody listens: the client asks for half a minute."""
    host, _, port = kafka.bootstrap_servers.partition(",")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise BrokerUnavailable(f"{kafka.bootstrap_servers}: {error.strerror or error}") from None


def _dump(writer: Writer, part: str, database: DatabaseSettings, snapshot: str) -> None:
    with _told(part) as progress, dumping(database, snapshot) as source:
        writer.add(part, source, progress)


def _add_files(writer: Writer, place: Place) -> None:
    secrets = "".join(env_line(name, value) for name, value in place.secrets.items())
    for name, text in ((SECRETS, secrets), (SETTINGS, place.settings)):
        writer.add(name, io.BytesIO(text.encode()))
    for name, path in place.files.items():
        with path.open("rb") as file:
            writer.add(name, file)


@contextmanager
def _told(part: str) -> Iterator[Callable[[int], None]]:
    """Tell on the terminal how a part comes along, and what it has become."""
    began = time.monotonic()
    written_bytes = 0
    with console.status(part) as status:

        def progress(count: int) -> None:
            nonlocal written_bytes
            written_bytes = count
            status.update(f"[dim]{part}: {count / 2**20:.1f} MB[/]")

        yield progress
    done(part, time.monotonic() - began, f"{written_bytes / 2**20:.1f} MB")


def _newest_session(conn: Connection) -> date | None:
    [found] = fetch(conn, "SELECT MAX(trade_date) AS day FROM collected_daily_etf_ohlc")
    day: date | None = found["day"]
    return day
