"""What is open, and what a person is told of it: a file, since it has to be there while the database is not."""

import logging
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field

from alerts.entries import Entry
from alerts.incidents import KINDS, Incident, standing, with_key_of_today
from alerts.observed import Observed
from alerts.outbox import Outbox

FILE = "journal.json"

log = logging.getLogger(__name__)


class Journal(Struct):
    """What is open.

    since: the market's time when the watcher first ran here; what was due before is not waited for
    digested: the newest session that a digest was written about
    outbox: what was written and not taken by every channel
    """

    since: datetime | None = None
    entries: dict[str, Entry] = {}
    digested: date | None = None
    outbox: Outbox = field(default_factory=Outbox)

    def note(self, found: dict[str, list[Incident]], observed: Observed) -> None:
        """Take over what a round has found. Of a kind that is not among it all stays open, and its calm begins anew."""
        seen = [Entry(each, observed.now) for incidents in found.values() for each in incidents]
        for new in seen:
            entry = self.entries.setdefault(new.key, new)
            entry.incident = new.incident
            entry.over_at = None
        for key in self.entries.keys() - {new.key for new in seen}:
            if self.entries[key].incident.kind in found:
                self._end(key, observed)
            else:
                self.entries[key].over_at = None

    def opened(self, now: datetime) -> list[Entry]:
        """Return the incidents that a person is to be told of by now, by kind."""
        return _by_kind(
            entry
            for entry in self.entries.values()
            if not entry.told_at and now - entry.since >= KINDS[entry.incident.kind].patience
        )

    def over(self, now: datetime) -> list[Entry]:
        """Return the incidents that were told and that are over by now, by kind."""
        return _by_kind(
            entry
            for entry in self.entries.values()
            if entry.over_at and now - entry.over_at >= KINDS[entry.incident.kind].calm
        )

    def open(self) -> list[Entry]:
        """Return the incidents that a person should know of and that go on, by kind."""
        return _by_kind(entry for entry in self.entries.values() if entry.told_at)

    def forget(self, entry: Entry) -> None:
        del self.entries[entry.key]

    def _end(self, key: str, observed: Observed) -> None:
        entry = self.entries[key]
        become = standing(entry.incident, observed)
        if become == "open":
            entry.over_at = None
        elif become == "over" and entry.told_at:
            entry.over_at = entry.over_at or observed.now
        else:
            self.forget(entry)
            self.outbox.withdraw([key])


def read(path: Path) -> Journal:
    """Return the journal of a file. Without one, or with one that cannot be read, it begins anew.

    So does the waiting for what nobody was told of yet: nobody looked meanwhile whether it held.
    """
    try:
        journal = msgspec.json.decode(path.read_bytes(), type=Journal)
    except FileNotFoundError:
        return Journal()
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s cannot be read (%s): open incidents are told once more", path, error)
        return Journal()
    written = [entry for letter in journal.outbox.letters for entry in letter.entries]
    for entry in [*journal.entries.values(), *written]:
        entry.incident = with_key_of_today(entry.incident)
    # A later version may have left kinds that this one does not know.
    journal.entries = {
        entry.key: entry for entry in journal.entries.values() if entry.told_at and entry.incident.kind in KINDS
    }
    journal.outbox.withdraw(entry.key for entry in written if entry.incident.kind not in KINDS)
    return journal


def _by_kind(entries: Iterable[Entry]) -> list[Entry]:
    order = list(KINDS)
    return sorted(entries, key=lambda entry: (order.index(entry.incident.kind), entry.incident.key))
