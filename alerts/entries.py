"""An incident that is open, from its first round to the message that it is over."""

from datetime import datetime

from msgspec import Struct

from alerts.incidents import Incident


class Entry(Struct):
    """An incident that is open.

    told_at: when the message was written that says so; None: it has to hold for longer
    over_at: since when it is away
    """

    incident: Incident
    since: datetime
    told_at: datetime | None = None
    over_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.incident.kind}:{self.incident.key}"
