"""What a person was told and what is still open: a file, since it has to be there while the database is not."""

import logging
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from alerts.incidents import KINDS, Incident, standing
from alerts.observed import Observed

FILE = "journal.json"

log = logging.getLogger(__name__)


class Entry(Struct):
    """An incident that is open. told_at: None, nobody was told yet. over_at: it is over, which nobody was told yet."""

    incident: Incident
    since: datetime
    told_at: datetime | None = None
    over_at: datetime | None = None


class Journal(Struct):
    """What is open.

    since: the market's time when the watcher first ran here; what was due before is not waited for
    digested: the newest session that a digest was sent about
    """

    since: datetime | None = None
    entries: dict[str, Entry] = {}
    digested: date | None = None

    def note(self, found: dict[str, list[Incident]], observed: Observed) -> None:
        """Take over what a round has found. Of a kind that is not among it nothing changes."""
        seen = {f"{each.kind}:{each.key}": each for incidents in found.values() for each in incidents}
        for key, incident in seen.items():
            entry = self.entries.setdefault(key, Entry(incident, observed.now))
            entry.incident = incident
            entry.over_at = None
        for key in [key for key in self.entries if key not in seen]:
            if self.entries[key].incident.kind in found:
                self._end(key, observed)

    def opened(self, now: datetime) -> list[Entry]:
        """Return the incidents that a person is to be told of by now, by kind."""
        return _by_kind(
            entry
            for entry in self.entries.values()
            if not entry.told_at and now - entry.since >= KINDS[entry.incident.kind].patience
        )

    def over(self) -> list[Entry]:
        """Return the incidents that a person knows of and that are over, by kind."""
        return _by_kind(entry for entry in self.entries.values() if entry.over_at)

    def open(self) -> list[Entry]:
        """Return the incidents that a person knows of and that go on, by kind."""
        return _by_kind(entry for entry in self.entries.values() if entry.told_at and not entry.over_at)

    def forget(self, entry: Entry) -> None:
        self.entries.pop(f"{entry.incident.kind}:{entry.incident.key}")

    def _end(self, key: str, observed: Observed) -> None:
        entry = self.entries[key]
        become = standing(entry.incident, observed)
        if become == "forgotten" or (become == "over" and not entry.told_at):
            del self.entries[key]
        elif become == "over":
            entry.over_at = entry.over_at or observed.now


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
    # A later version may have left kinds that this one does not know.
    journal.entries = {
        key: entry for key, entry in journal.entries.items() if entry.told_at and entry.incident.kind in KINDS
    }
    return journal


def _by_kind(entries: Iterable[Entry]) -> list[Entry]:
    order = list(KINDS)
    return sorted(entries, key=lambda entry: (order.index(entry.incident.kind), entry.incident.key))
