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
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import psycopg2

from alerts import backups, journal, ledger, messages, probes, state_files
from alerts.backups import Backups
from alerts.channels import Message
from alerts.heartbeat import HEARTBEAT, Heartbeat
from alerts.incidents import Rules, incidents
from alerts.observed import Due, Ledger, Observed, Room
from alerts.outbox import Letter, letter_of, letter_with
from collector.source_clock import now as market_time
from config.config import Settings
from config.exchange_days import extra_days_file
from utils.errors import DatabaseUnavailable, SourceUnavailable
from utils.logging_utils import configure_logging

log = logging.getLogger(__name__)

Output = TypeVar("Output")

ROUND_SECONDS = 60.0
# A round that hangs longer than that ends the process, which its supervisor starts again.
LONGEST_ROUND_SECONDS = 900
CHILD_SECONDS = 60
# A digest that cannot be made so often is left out, so that those of later sessions are sent.
DIGEST_TRIES = 5


class Watcher:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._alerts = settings.alerts
        self._rules = Rules.of(settings.alerts, settings.yahoo)
        self._journal = journal.read(self._alerts.folder / journal.FILE)
        self._journal.outbox.readdress(self._alerts.urls)
        self._services = probes.Services(self._alerts.supervisor_socket, self._alerts.probes, self._alerts.starts)
        self._calendar: tuple[tuple[date, float], list[Due]] | None = None
        self._failed_digests = 0
        self._trouble = ""

    def round(self, now: datetime) -> None:
        """Look once, and tell what is new."""
        observed = self.look(now)
        if self._journal.since is None:
            self._journal.since = observed.market_now  # what was due before is no news
        self._journal.note(incidents(observed, self._rules), observed)
        self._write_messages(now)
        self._write_digest(observed)
        self._save()
        for _ in self._journal.outbox.send(self._alerts.urls, self._alerts.language, now):
            self._save()
        self._beat()
        self._read_calendar(observed.market_now)

    def _save(self) -> None:
        state_files.write(self._alerts.folder / journal.FILE, self._journal)

    def _beat(self) -> None:
        """Say that a round is over, and what keeps it from telling."""
        trouble = self._journal.outbox.troubles(self._alerts.urls)
        if trouble and trouble != self._trouble:
            log.error("not sent through %s", trouble)
        self._trouble = trouble
        beat = Heartbeat(datetime.now(UTC), len(self._journal.open()), trouble)
        state_files.write(self._alerts.folder / HEARTBEAT, beat)
        if self._alerts.heartbeat_url and (problem := probes.call(self._alerts.heartbeat_url)):
            log.warning("ALERT_HEARTBEAT_URL: %s", problem)

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
        return [due for due in self._calendar[1] if due.moment > since] if self._calendar and since else None

    def _read_calendar(self, moment: datetime | None) -> None:
        """Read the calendar once a day of the market, and when a closed day was added."""
        if moment is None:
            return
        state = moment.date(), _changed_at(extra_days_file())
        if self._calendar and self._calendar[0] == state:
            return
        dues = _output_of([sys.executable, "-m", "alerts.due", moment.isoformat()], list[Due], "the calendar")
        if dues is not None:
            self._calendar = state, dues

    def _write_messages(self, now: datetime) -> None:
        """Write what is to be told of incidents: of those of a kind at once."""
        told = self._journal
        for group in messages.by_kind(told.over(now)):
            self._put(letter_of(group, len(self._alerts.urls), now))
            for entry in group:
                told.forget(entry)
        for group in messages.by_kind(told.opened(now)):
            for entry in group:
                entry.told_at = now
            self._put(letter_of(group, len(self._alerts.urls), now))

    def _write_digest(self, observed: Observed) -> None:
        """Write what was published for a session, once its record is there as well: the oldest one first."""
        told, read = self._journal, observed.ledger
        if read is None:
            return
        if told.digested is None or not self._alerts.digest:
            told.digested = read.newest or date.min  # what was published before is no news
        session = _first_news(read, told.digested)
        if session is None:
            return
        message = _output_of([sys.executable, "-m", "alerts.digest", session.isoformat()], Message, "the digest")
        if message:
            self._put(letter_with(message, len(self._alerts.urls), observed.now))
        self._failed_digests = 0 if message else self._failed_digests + 1
        if message or self._failed_digests >= DIGEST_TRIES:
            told.digested, self._failed_digests = session, 0

    def _put(self, letter: Letter) -> None:
        """Have a message sent. Without a channel the log is what tells."""
        message = letter.words(self._alerts.language)
        log.warning("%s\n%s", message.subject, message.text)
        self._journal.outbox.put(letter)


def _first_news(read: Ledger, after: date) -> date | None:
    """Return the first session after a day that is published and recorded.

    Where nothing was published before, what is there at first may be a history: its newest session is news.
    """
    news = [day for day in read.published if after < day <= (read.recorded or date.min)]
    return next(reversed(news) if after == date.min else iter(news), None)


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


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
        try:
            watcher.round(clock())
        except Exception:  # whatever it is, the next round may see the platform again
            log.exception("this round failed, so it leaves no heartbeat")
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
