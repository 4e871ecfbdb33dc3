"""What the watcher has seen in one round: facts, from which `alerts.incidents` concludes.

None stands for what could not be seen.
"""

from datetime import date, datetime
from typing import Any

from msgspec import Struct

from alerts.backups import Backups

Reasons = list[dict[str, Any]]  # of utils.reasons, as JSON columns hold them


class Run(Struct, frozen=True):
    """The newest run of a DAG about a day, which has not ended well. state: of logs_stage_run."""

    dag_id: str
    as_of_date: date
    state: str
    started_at: datetime
    reason: Reasons | None = None


class Doubtful(Struct, frozen=True):
    """A day whose publications are degraded, and why."""

    as_of_date: date
    published_at: datetime
    reasons: Reasons


class WaitingBar(Struct, frozen=True):
    """A bar that waits for a person."""

    ticker: str
    trade_date: date
    received_at: datetime
    reason: Reasons


class Backlog(Struct, frozen=True):
    """Messages of a partition that are not stored yet. committed: offset of the next one to store."""

    consumer_group: str
    topic: str
    partition_id: int
    committed: int
    lag: int
    measured_at: datetime


class Ledger(Struct, frozen=True):
    """What the database says.

    limited_at: the newest 429
    published: the newest sessions with portfolios, oldest first
    months: the newest rebalance dates with a monthly portfolio
    recorded: the session up to which the record goes
    consumers: group -> when it last said how far it is
    backlogs: what it said of the partitions that it had not read to their end
    degraded_since: of earlier sessions degraded publications are not looked at
    bars_are_cut: more bars may wait than are listed
    """

    now: datetime
    runs: list[Run] = []
    doubtful: list[Doubtful] = []
    waiting_bars: list[WaitingBar] = []
    limited_at: datetime | None = None
    published: list[date] = []
    months: list[date] = []
    recorded: date | None = None
    consumers: dict[str, datetime] = {}
    backlogs: list[Backlog] = []
    degraded_since: date = date.min
    bars_are_cut: bool = False

    @property
    def newest(self) -> date | None:
        return self.published[-1] if self.published else None


class Service(Struct, frozen=True):
    """A service as the supervisor has it, or as it answers. starts: how often it has started lately."""

    name: str
    is_up: bool
    starts: int = 0


class Due(Struct, frozen=True):
    """A session or a rebalance date (is_month), and the moment by which its portfolios should be published."""

    day: date
    moment: datetime
    is_month: bool = False


class Room(Struct, frozen=True):
    """Free space. where: a folder, or nothing for the memory."""

    free_mb: int
    where: str = ""


class Observed(Struct, frozen=True):
    """One round.

    market_now: the time at the source, which a market server tells
    database, broker: what is wrong with it, empty if it answers
    airflow: component -> whether it is well; empty: the webserver does not answer
    dues: the sessions and months whose portfolios are due about now
    """

    now: datetime
    database: str = ""
    broker: str = ""
    airflow: dict[str, bool] = {}
    ledger: Ledger | None = None
    services: list[Service] | None = None
    disks: list[Room] = []
    memory: Room | None = None
    market_now: datetime | None = None
    dues: list[Due] | None = None
    backups: Backups | None = None
