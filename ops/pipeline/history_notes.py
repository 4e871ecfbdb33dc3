"""How a history goes, among the runs in logs_stage_run: whoever looks at the dashboard meanwhile is told."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date

import psycopg2

from config.config import DatabaseSettings
from config.stages import HISTORY
from database.db_helper import Connection, connect
from database.queries import portfolios, stage_runs
from utils.errors import ActstockError, reason_of
from utils.reasons import Reason, reason

log = logging.getLogger(__name__)

RUN_ID = "history"


@contextmanager
def noted(
    database: DatabaseSettings, first: date, last: date, sessions: int, steps: int
) -> Iterator[Callable[[int], None]]:
    """Note that a history begins and how it ends, and yield what notes each step by its number, from 0 on.

    A note that cannot be written changes nothing for the history.
    """

    def write(change: Callable[[Connection], None]) -> None:
        try:
            with closing(connect(database)) as conn:
                change(conn)
        except (ActstockError, psycopg2.Error) as error:
            log.info("logs_stage_run lacks a note of the history: %s", error)

    def done(conn: Connection) -> int:
        return int(portfolios.count(conn, first, last)["sessions"])

    def tell(conn: Connection, told: Reason) -> None:
        stage_runs.told(conn, HISTORY, RUN_ID, [told], is_skipped=False)

    def step(number: int) -> None:
        counted = {"sessions": sessions, "step": number + 1, "steps": steps}
        write(lambda conn: tell(conn, reason("history_goes_on", done=done(conn), **counted)))

    def fail(conn: Connection, failure: Reason) -> None:
        stage_runs.stopped(conn, HISTORY, RUN_ID, [failure], is_late=False)
        stage_runs.ended(conn, HISTORY, RUN_ID, failure)

    def succeed(conn: Connection) -> None:
        tell(conn, reason("history_done", done=done(conn), sessions=sessions))
        stage_runs.ended(conn, HISTORY, RUN_ID, None)

    write(lambda conn: stage_runs.started(conn, HISTORY, RUN_ID, last))
    try:
        yield step
    except BaseException as error:
        failure = reason("history_interrupted") if isinstance(error, KeyboardInterrupt) else reason_of(error)
        write(lambda conn: fail(conn, failure))
        raise
    write(succeed)
