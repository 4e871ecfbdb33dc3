"""A backup becomes the native platform of this machine: clusters made beside the old ones, then renamed all at once."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.config import PROJECT_ROOT, DatabaseSettings, Settings
from ops.backup.archive import Archive
from ops.backup.manifest import AIRFLOW_DUMP, Manifest
from ops.backup.restoring import (
    NEW,
    ask,
    check,
    fill,
    fill_platform,
    new_file,
    require_space,
    secrets_of,
    set_groups_back,
    settings_lines,
    summarise,
    universe_files,
)
from ops.console import say
from ops.errors import CannotRestore
from ops.native import swap
from ops.native.control import alone, start, stop
from ops.native.environment import chosen_settings, client_environment
from ops.native.postgres import make_cluster, running_alone, server_prefix
from ops.native.processes import left_behind
from ops.native.stack import Stack
from ops.native.stack_secrets import env_line, read_env_file
from ops.native.supervisor import Supervisor
from utils.command_line import interrupted_by_signals, uninterrupted

ENV_FILE = PROJECT_ROOT / ".env"
# Fast, since nobody reads it before it has been stopped, which writes all of it to the disk.
FILLING = {
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "maintenance_work_mem": "128MB",
}


def restore_native(file: Path, is_agreed: bool) -> int:
    """Restore and start. CannotRestore and BackupBroken leave everything as it was, and so does a stop."""
    with Archive(file) as archive, interrupted_by_signals():
        stack = _wanted(archive.manifest)
        check(archive)
        secrets = secrets_of(archive)
        _require_stopped(stack)
        _require_own_folder(stack, secrets)
        summarise(archive, str(stack.data), _replaced(archive, stack, secrets))
        ask(is_agreed)
        require_space(archive, stack.data)
        with _prepared(archive, stack, secrets) as prepared:
            _set_groups_back(archive.manifest, stack)
            with alone(stack), uninterrupted():
                kept = swap.swap(stack, prepared)
    for path in kept:
        say(f"What was there before is kept as {path}: remove it when all is well")
    return start(stack)


def _wanted(manifest: Manifest) -> Stack:
    return Stack.wanted(manifest.market)


def _require_stopped(stack: Stack) -> None:
    known = Stack.started_in(stack.home) or stack
    if Supervisor(known).is_alive() or left_behind(known):
        raise CannotRestore(f"the platform in {stack.home} is running: ./start.sh stop, then restore")


def _require_own_folder(stack: Stack, secrets: Mapping[str, str]) -> None:
    """Refuse a folder in which another market lives: its databases have the passwords that are there now."""
    others = sorted(path.parent for path in stack.home.glob("data/*/postgres") if path.parent != stack.data)
    known = read_env_file(stack.secrets_file)
    if others and any(known.get(name) != value for name, value in secrets.items()):
        raise CannotRestore(
            f"{others[0]} holds another market, whose passwords the backup would replace: restore into a folder of its "
            "own, with ACTSTOCK_HOME=/another/folder"
        )


def _replaced(archive: Archive, stack: Stack, secrets: Mapping[str, str]) -> list[Path]:
    places = [*(stack.data / name for name in ("postgres", "airflow-db")), *_texts(archive, stack, secrets)]
    return [place for place in places if place.exists()]


@contextmanager
def _prepared(archive: Archive, stack: Stack, secrets: Mapping[str, str]) -> Iterator[dict[Path, Path]]:
    """Make everything beside its place, and return what goes where. What was not taken away is removed."""
    clusters = {
        "postgres": ("postgres", "stockdb", secrets["DB_PASSWORD"]),
        "airflow-db": ("airflow", "airflow", secrets["AIRFLOW_DB_PASSWORD"]),
    }
    prepared: dict[Path, Path] = {}
    with ExitStack() as made:
        for name, login in clusters.items():
            new = stack.data / f"{name}{NEW}"
            made.callback(shutil.rmtree, new, ignore_errors=True)
            with _new_cluster(new, *login) as database:
                if name == "postgres":
                    fill_platform(archive, database, secrets)
                else:
                    fill(archive, AIRFLOW_DUMP, database)
            prepared[new] = stack.data / name
        for place, text in _texts(archive, stack, secrets).items():
            prepared[made.enter_context(new_file(place, text))] = place
        yield prepared


@contextmanager
def _new_cluster(data: Path, user: str, name: str, password: str) -> Iterator[DatabaseSettings]:
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    try:
        make_cluster(data, user, name, password, server_prefix(data))
        with running_alone(data, FILLING) as host:
            yield DatabaseSettings(host, 5432, name, user, password)
    except SystemExit as error:
        raise CannotRestore(str(error)) from None


def _texts(archive: Archive, stack: Stack, secrets: Mapping[str, str]) -> dict[Path, str]:
    """Return the text of each file beside the databases that is not there yet, or is another one."""
    folder = stack.universe_file.parent if stack.universe_file else stack.home / "config"
    files, settings = universe_files(archive, folder)
    files[stack.secrets_file] = "".join(env_line(name, value) for name, value in secrets.items())
    if lines := settings_lines(archive, {} if stack.universe_file else settings):
        files[ENV_FILE] = lines
    return {path: text for path, text in files.items() if not path.exists() or path.read_text() != text}


def _set_groups_back(manifest: Manifest, stack: Stack) -> None:
    """Start Kafka alone, where it is older than the restore, and set its groups back.

    It comes before the databases are replaced: an interruption between the two makes consumers read something twice,
    and after them it would make them leave something out.
    """
    if not (stack.data / "kafka" / "meta.properties").exists():
        say("  Kafka is empty here: nothing is to be read again")
        return
    if start(stack, ["topics"]):
        raise CannotRestore("Kafka, whose messages go on beyond the backup, did not come up")
    try:
        set_groups_back(manifest, Settings.from_env(chosen_settings(stack) | client_environment(stack)).kafka)
    finally:
        stop(stack)
