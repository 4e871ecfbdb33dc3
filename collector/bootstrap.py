"""One-shot start of the data: topics, ETF metadata, and the ETF history that the longest window needs.

Safe to repeat: topics and metadata that exist stay, and a history that is there costs no request.
"""

import argparse
import logging
import sys
from contextlib import closing
from datetime import date

import msgspec

from collector.etf_bars import collect_etfs
from collector.holdings import metadata
from collector.receipt import require_complete, wait_until_stored
from collector.request_budget import FIRST_START
from collector.request_plan import plan
from collector.source_clock import last_session
from config.config import Settings
from config.universe import Universe, universe
from database import tables
from database.db_helper import Values, connect, transaction, upsert
from database.queries import collected
from utils.command_line import exit_code_of
from utils.dates import parse_date
from utils.kafka_utils import create_topics
from utils.logging_utils import configure_logging

log = logging.getLogger(__name__)


def run(settings: Settings, as_of: date) -> None:
    """Prepare an empty platform for the session as_of."""
    prepare(settings)
    with closing(connect(settings.database)) as conn:
        is_empty = not collected.any_row(conn, tables.DAILY_ETF_OHLC)
    if not is_empty:
        log.info("the database has ETF history already: no request to Yahoo")
        return
    for line in plan(universe(), settings.yahoo):
        log.info("%s", line)
    log.info("filling %d sessions of history up to %s", settings.collector.history_sessions, as_of)
    receipt = collect_etfs(settings, universe().etfs, as_of, run_id=FIRST_START)
    wait_until_stored(settings, require_complete(receipt, accept_late=True, indispensable=universe().benchmark))


def prepare(settings: Settings) -> None:
    """Create the topics and store the ETFs' metadata."""
    created = create_topics(settings.kafka)
    log.info("topics created: %s", ", ".join(created) or "none, all are there")
    with closing(connect(settings.database)) as conn, transaction(conn):
        upsert(conn, tables.META_ETF, metadata_rows(universe()))


def metadata_rows(known: Universe) -> list[Values]:
    """Return a row of collected_meta_etf for every ETF of the universe."""
    return [(etf, *msgspec.structs.astuple(metadata(etf, known))) for etf in known.etfs]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Create the topics and fill the ETF history of an empty database.")
    parser.add_argument("--as-of-date", metavar="DATE", help="history up to this session (default: the source's last)")
    options = parser.parse_args(arguments)
    configure_logging()

    def command() -> None:
        settings = Settings.from_env()
        asked = options.as_of_date
        run(settings, parse_date(asked) if asked else last_session(settings.yahoo.base_url))

    return exit_code_of(command)


if __name__ == "__main__":
    sys.exit(main())
