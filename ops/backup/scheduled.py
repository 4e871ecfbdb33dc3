"""The service `backup`: a backup a day, and the oldest ones removed.

It is no DAG. A backup is wanted most where Airflow, or the database that it needs, is in trouble. And a service makes
it at once after a night that the machine was off.
"""

import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

from alerts.backups import Try
from config.config import BackupSettings, ConfigError, Settings
from ops.backup.folder import DAILY, is_due, last_try, new_name, note, remove_abandoned, remove_old, tell
from utils.command_line import INTERRUPTED, interrupted_by_signals

LOOK_SECONDS = 60
NOW = "--now"


def main() -> int:
    settings = Settings.from_env().backup
    if NOW in sys.argv:
        return make(settings, DAILY)
    _say(f"a backup a day from {settings.hour}:00 UTC on in {settings.folder}, {settings.keep} are kept")
    _clear(settings)
    with suppress(KeyboardInterrupt):
        while True:
            look(settings, datetime.now(UTC))
            time.sleep(LOOK_SECONDS)
    return INTERRUPTED


def look(settings: BackupSettings, now: datetime) -> None:
    """Make a backup where one is due, and tell the watcher how it is with them."""
    if is_due(settings, now):
        _make_apart(settings)
    tell(settings, now)


def _make_apart(settings: BackupSettings) -> None:
    """Make a backup in a process of its own, so that what waits for a day is small. One that is killed has failed."""
    began = datetime.now(UTC)
    code = _ended([sys.executable, "-m", "ops.backup.scheduled", NOW])
    tried = last_try(settings.state_folder)
    if code and not (tried and tried.at >= began):
        note(
            settings.state_folder, Try(began, "", f"what should make it ended with code {code}: ./start.sh logs backup")
        )


def _ended(command: list[str]) -> int:
    """Run a command and return its code. A stop of this process stops the command, which tidies up before it ends."""
    with interrupted_by_signals(), subprocess.Popen(command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def make(settings: BackupSettings, kind: str) -> int:
    """Make a backup in the folder and remove old ones of its kind. What fails is noted and said, and is code 1."""
    from ops.backup.making import back_up
    from ops.backup.places import this_place
    from utils.errors import ActstockError

    now = datetime.now(UTC)
    path = settings.folder / new_name(settings, kind, now)
    _clear(settings)
    try:
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        back_up(this_place(), path)
    except (ActstockError, ConfigError, OSError) as error:
        _say(f"error: no backup was made: {error}")
        note(settings.state_folder, Try(now, path.name, str(error)))
        return 1
    except KeyboardInterrupt:
        _say("interrupted: no backup was made")
        return INTERRUPTED
    note(settings.state_folder, Try(now, path.name))
    for old in remove_old(settings, kind):
        _say(f"removed {old.name}")
    return 0


def _clear(settings: BackupSettings) -> None:
    for left in remove_abandoned(settings):
        _say(f"removed {left.name}, which an interrupted backup has left")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
