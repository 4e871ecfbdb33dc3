"""Read what the ledger says, on a connection that is closed again: the watcher holds none between its rounds."""

import logging
from contextlib import closing

import msgspec

from alerts.incidents import OLDEST
from alerts.observed import Backlog, Doubtful, Ledger, Run, WaitingBar
from config.config import Settings, Topic
from database.db_helper import connect, fetch
from database.queries import alerting, requests

# A question that takes longer than that is not answered.
PATIENCE_MS = 30_000

log = logging.getLogger(__name__)


def read(settings: Settings) -> Ledger:
    """Return the ledger. DatabaseUnavailable says what is wrong with the database."""
    groups = {topic.consumer_group for topic in Topic}
    with closing(connect(settings.database)) as conn:
        fetch(conn, "SELECT set_config('statement_timeout', %(limit)s, FALSE)", {"limit": str(PATIENCE_MS)})
        if ended := alerting.end_overlong(conn):
            log.warning("%d transactions of the reading login were open for minutes, and have been ended", ended)
        latest = requests.latest(conn)
        since = alerting.degraded_since(conn)
        bars = alerting.waiting_bars(conn)
        return Ledger(
            now=latest.now,
            runs=msgspec.convert(alerting.bad_runs(conn, OLDEST.days), list[Run]),
            doubtful=msgspec.convert(alerting.degraded(conn, since), list[Doubtful]),
            waiting_bars=msgspec.convert(bars, list[WaitingBar]),
            limited_at=latest.limited_at,
            published=alerting.published(conn, "allocation"),
            months=alerting.published(conn, "rebalance"),
            recorded=alerting.recorded(conn),
            consumers={group: at for group, at in alerting.measured_at(conn).items() if group in groups},
            backlogs=msgspec.convert(alerting.backlogs(conn, sorted(groups)), list[Backlog]),
            degraded_since=since,
            bars_are_cut=len(bars) == alerting.MOST_BARS,
        )
