"""Look at the platform once a minute, and tell a person what is wrong and when it is over: `python -m alerts.watcher`.

It is no part of Airflow, holds no connection between its rounds, and imports little: it has to see the death of all
others.
"""

import faulthandler
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import msgspec
import psycopg2

from alerts import backups, journal, ledger, messages, probes, state_files
from alerts.backups import Backups
from alerts.channels import Message, deliver
from alerts.heartbeat import HEARTBEAT, Heartbeat
from alerts.incidents import Rules, incidents
from alerts.observed import Due, Ledger, Observed, Room
from collector.source_clock import now as market_time
from config.config import Settings
from utils.errors import DatabaseUnavailable, SourceUnavailable
from utils.logging_utils import configure_logging

log = logging.getLogger(__name__)

Output = TypeVar("Output")

ROUND_SECONDS = 60.0
# A round that hangs longer than that ends the process, which its supervisor starts again.
LONGEST_ROUND_SECONDS = 900
CHILD_SECONDS = 60
# After a message that no channel took, so long until the next try.
TRY_AGAIN = timedelta(minutes=5)


class Watcher:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._alerts = settings.alerts
        self._rules = Rules.of(settings.alerts, settings.yahoo)
        self._journal = journal.read(self._alerts.folder / journal.FILE)
        self._services = probes.Services(self._alerts.supervisor_socket, self._alerts.probes, self._alerts.starts)
        self._calendar: tuple[date, list[Due]] | None = None
        self._quiet_until = datetime.min.replace(tzinfo=UTC)
        self._trouble = ""

    def round(self, now: datetime) -> None:
        """Look once, and tell what is new."""
        observed = self.look(now)
        if self._journal.since is None:
            self._begin(observed)
        self._journal.note(incidents(observed, self._rules), observed)
        if now >= self._quiet_until:
            self._tell(now)
            self._digest(observed)
        state_files.write(self._alerts.folder / journal.FILE, self._journal)
        beat = Heartbeat(datetime.now(UTC), len(self._journal.open()), self._trouble)
        state_files.write(self._alerts.folder / HEARTBEAT, beat)
        if self._alerts.heartbeat_url and (problem := probes.call(self._alerts.heartbeat_url)):
            log.warning("ALERT_HEARTBEAT_URL: %s", problem)
        self._read_calendar(observed.market_now)

    def _begin(self, observed: Observed) -> None:
        """Begin the journal of a new watcher: what was due or published before is no news."""
        self._journal.since = observed.market_now
        self._journal.digested = observed.ledger.newest if observed.ledger else None

    def look(self, now: datetime) -> Observed:
        read, problem = self._read_ledger()
        saved = backups.read(self._settings.backup.state_folder)
        return Observed(
            now=now,
            database=problem,
            broker=probes.broker_problem(self._settings.kafka.bootstrap_servers),
            airflow=probes.airflow_components(self._settings.airflow_url),
            ledger=read,
            services=self._services.look(),
            disks=self._disks(saved),
            memory=probes.memory(),
            market_now=self._market_now(),
            dues=self._dues(),
            backups=saved,
        )

    def _disks(self, saved: Backups | None) -> list[Room]:
        """Look at the disk of the data. In containers only the service `backup` sees that of the backups."""
        data = probes.disk(self._alerts.folder)
        return [data] if saved is None or saved.free_mb is None else [data, Room(saved.free_mb, "BACKUP_FOLDER")]

    def _read_ledger(self) -> tuple[Ledger | None, str]:
        try:
            return ledger.read(self._settings), ""
        except DatabaseUnavailable as error:
            return None, str(error)
        except psycopg2.Error as error:  # such as a table that is not there yet
            return None, next(iter(str(error).splitlines()), type(error).__name__)

    def _market_now(self) -> datetime | None:
        try:
            return market_time(self._settings.yahoo.base_url)
        except SourceUnavailable:
            return None

    def _dues(self) -> list[Due] | None:
        since = self._journal.since
        return [due for due in self._calendar[1] if since and due.moment > since] if self._calendar else None

    def _read_calendar(self, moment: datetime | None) -> None:
        """Read the calendar once a day of the market."""
        if moment is None or (self._calendar and self._calendar[0] == moment.date()):
            return
        dues = _output_of([sys.executable, "-m", "alerts.due", moment.isoformat()], list[Due], "the calendar")
        if dues is not None:
            self._calendar = moment.date(), dues

    def _tell(self, now: datetime) -> None:
        for group in messages.by_kind(self._journal.over()):
            if not self._send(messages.over(group, self._alerts.language), now):
                return
            for entry in group:
                self._journal.forget(entry)
        for group in messages.by_kind(self._journal.opened(now)):
            if not self._send(messages.opened(group, self._alerts.language), now):
                return
            for entry in group:
                entry.told_at = now

    def _digest(self, observed: Observed) -> None:
        """Send what was published for a session, once its record is there as well."""
        told, read = self._journal, observed.ledger
        session = read.newest if read else None
        if not (self._alerts.digest and read and session and session > (told.digested or date.min)):
            return
        if session > (read.recorded or date.min):
            return
        command = [sys.executable, "-m", "alerts.digest", session.isoformat()]
        message = _output_of(command, Message, "the digest")
        if message and self._send(message, observed.now):
            told.digested = session

    def _send(self, message: Message, now: datetime) -> bool:
        """Send a message, and return whether a channel took it. Without a channel the log is what tells."""
        log.warning("%s\n%s", message.subject, message.text)
        if not self._alerts.urls:
            return True
        outcomes = deliver(self._alerts.urls, message)
        problems = [f"{each.scheme}: {each.problem}" for each in outcomes if each.problem]
        self._trouble = "; ".join(problems)
        for problem in problems:
            log.error("not sent through %s", problem)
        if len(problems) == len(outcomes):
            self._quiet_until = now + TRY_AGAIN
            return False
        return True


def _output_of(command: Sequence[str], kind: type[Output], name: str) -> Output | None:
    """Run a module in a process of its own, and return what it prints. None: it failed, which is logged."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=CHILD_SECONDS, check=True)
        return msgspec.json.decode(done.stdout, type=kind)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        log.warning("%s cannot be read: %s", name, next(reversed(said), error))
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        log.warning("%s cannot be read: %s", name, error)
    return None


def run(
    settings: Settings,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    watcher = Watcher(settings)
    while True:
        faulthandler.dump_traceback_later(LONGEST_ROUND_SECONDS, exit=True)
        watcher.round(clock())
        faulthandler.cancel_dump_traceback_later()
        sleep(ROUND_SECONDS)


def main(arguments: Sequence[str] | None = None) -> int:
    configure_logging()
    settings = Settings.from_env()
    if not settings.alerts.urls:
        log.warning("ALERT_URLS is not set: what goes wrong stands in this log and in ./start.sh alert alone")
    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
