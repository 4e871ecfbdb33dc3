"""### Late, missing and quarantined bars, requested again

Requests every expected bar again that is late, missing or quarantined in the REFETCH_SESSIONS sessions up to the
run's own. Also requests stored bars behind a noted break, and those of a stock without a market cap. Green when the
new bars are in Postgres. A quarantined bar for which the source now gives other values is collected, and its
rejection closed.

Then lists in the log of `report` everything that is not there, and the published sessions that no longer follow from
the stored prices, with the command that computes them again. A bar that stays missing longer is not requested daily:
`./start.sh gaps --repoll` requests all of them.

Some sessions were never computed: the benchmark's prices were missing and have come, or the platform was off at their
hours. For the newest five of them it starts `daily_pipeline_controller`, one after another, oldest first.

Then `missing_months` finds the months that were not made on their weekend and can be. For the newest three it starts
`monthly_etf_collection_last_weekend` and `monthly_portfolio_rebalance`, which compute the month's session first. Not
where that session is among those requested again and was just not computed: its month is for the next repoll.

`ended` fails the run when anything before it has failed.

**When**: Monday to Friday 14:30 UTC, after the stages of either schedule mode. A platform that was off then runs it
when it is on again, up to 23 hours later.

**By hand**: *Trigger*, with `as_of_date` (an XNYS session that is over, `YYYY-MM-DD`) or without (the last one
closed); or `./start.sh gaps --repoll`.

**Backfill**: *Run Backfill* in the trigger dialog, or `airflow backfill create --dag-id completeness_repoll
--from-date 2026-08-10 --to-date 2026-08-14`. Running the last session of the range has the same effect.

**Reads** the ledger (`logs_session_ledger`), `logs_consumer_error`, `logs_stage_run`, `analytics_publication`; Yahoo
(pool `yahoo`).
**Writes** topics `etf-daily-data` and `stock-daily-data` → `collected_daily_etf_ohlc`,
`collected_daily_stock_history`; `logs_expected_bar` (what is still absent), `logs_restatement` (what has changed),
`logs_price_break` (breaks), `logs_yahoo_request`, `evidence_source_answer`.
"""

import logging
from collections.abc import Collection
from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import task
from dag_collect import Collect, Receipt
from dag_common import AS_OF, RUN_ID, STARTS_AND_WAITS, airflow_errors, daily_dag
from dag_stage import Started
from session_timetable import ALL_DAY

from config.config import Settings
from config.stages import CONTROLLER, MONTHLY_ETFS, REBALANCE

if TYPE_CHECKING:
    from database.db_helper import Connection
    from database.queries.missing_months import Months

log = logging.getLogger(__name__)

COMPUTED_PER_RUN = 5
MONTHS_PER_RUN = 3
RAN_ON = "{{ dag_run.run_after.date() }}"


def runs_of(sessions: list[date], started_by: str) -> list[dict[str, Any]]:
    """Return the controller runs of the newest sessions, oldest first."""
    # The run ids depend on the session and on this run alone, so a retry starts the same runs again.
    return [
        {
            "trigger_run_id": f"{session}__{started_by}",
            "conf": {"as_of_date": session.isoformat(), "stage_delay_minutes": 0},
        }
        for session in sorted(sessions)[-COMPUTED_PER_RUN:]
    ]


def months_of(missing: "Months", uncomputed: Collection[date], started_by: str) -> list[dict[str, Any]]:
    """Return the runs of the newest missing months: those about sectors, then those of the monthly portfolio.

    uncomputed: the sessions whose months are left out
    """
    from utils.dates import last_session_by

    return [
        {
            "trigger_dag_id": dag_id,
            "trigger_run_id": f"{day}__{started_by}",
            "conf": {"as_of_date": day.isoformat()},
        }
        for dag_id, days in ((MONTHLY_ETFS, missing.sectors), (REBALANCE, missing.rebalances))
        for day in days[-MONTHS_PER_RUN:]
        if last_session_by(day) not in uncomputed
    ]


def months_are_over_by(as_of: date, ran_on: date) -> date:
    """Return the last day on which a month's weekend may have been.

    It is before the session after the run's own, and before the day of the run: what ticks that day may be at work.
    """
    from utils.dates import session_after

    return min(session_after(as_of, 1), ran_on) - timedelta(days=1)


def known_session(settings: Settings, as_of: date) -> date:
    """Return the run's session, or the last one at the source: a market server's clock may be behind."""
    from collector.source_clock import last_session

    return min(as_of, last_session(settings.yahoo.base_url))


def find_never_computed(settings: Settings, conn: "Connection", as_of: date) -> list[date]:
    """Return the sessions of those requested again that were never computed and can be."""
    from config.universe import universe
    from database.queries.unpublished import never_computed
    from utils.dates import session_before

    end = known_session(settings, as_of)
    start = session_before(end, settings.collector.refetch_sessions)
    return never_computed(conn, universe().benchmark, universe().periods, start, end)


def produce(settings: Settings, as_of: date, started_by: str, _accept_late: bool) -> Receipt:
    from collector.gaps import repoll
    from utils.dates import session_before

    return repoll(settings, session_before(as_of, settings.collector.refetch_sessions), as_of, started_by)


with daily_dag(
    "completeness_repoll",
    "30 14 * * 1-5",
    grace=ALL_DAY,
    doc=__doc__,
    tags=["daily", "collection", "completeness"],
):

    @task
    def report(as_of: str) -> list[str]:
        from collector.gaps import report
        from database.db_helper import connect

        with airflow_errors(), closing(connect(Settings.from_env().database)) as conn:
            lines = list(report(conn, None, date.fromisoformat(as_of)))
        for line in lines:
            log.info("%s", line)
        return lines

    @task
    def never_computed(as_of: str, started_by: str) -> list[dict[str, Any]]:
        from database.db_helper import connect

        settings = Settings.from_env()
        with airflow_errors(), closing(connect(settings.database)) as conn:
            sessions = find_never_computed(settings, conn, date.fromisoformat(as_of))
        log.info("never computed, but computable now: %s", ", ".join(map(str, sessions)) or "none")
        return runs_of(sessions, started_by)

    # Whatever became of the tasks before: a month needs nothing of the source where its session is published.
    @task(trigger_rule="all_done")
    def missing_months(as_of: str, ran_on: str, started_by: str) -> list[dict[str, Any]]:
        from config.universe import universe
        from database.db_helper import connect
        from database.queries.missing_months import missing_months as find

        settings = Settings.from_env()
        with airflow_errors(), closing(connect(settings.database)) as conn:
            known = known_session(settings, date.fromisoformat(as_of))
            by = months_are_over_by(known, date.fromisoformat(ran_on))
            missing = find(conn, universe().benchmark, universe().periods, by)
            runs = months_of(missing, find_never_computed(settings, conn, known), started_by)
        log.info("missing months: %s", ", ".join(f"{run['trigger_dag_id']} {run['conf']}" for run in runs) or "none")
        return runs

    listed = report(AS_OF)
    Collect(produce=produce) >> listed
    computable = never_computed(AS_OF, RUN_ID)
    listed >> computable
    compute = Started.partial(
        task_id="compute",
        trigger_dag_id=CONTROLLER,
        poke_interval=5,
        max_active_tis_per_dagrun=1,
        retries=1,
        **STARTS_AND_WAITS,
    ).expand_kwargs(computable)
    missing = missing_months(AS_OF, RAN_ON, RUN_ID)
    compute >> missing
    make_months = Started.partial(
        task_id="make_months",
        poke_interval=5,
        max_active_tis_per_dagrun=1,
        retries=1,
        **STARTS_AND_WAITS,
    ).expand_kwargs(missing)
    # Airflow asks the last task alone how a run went.
    [compute, make_months] >> EmptyOperator(task_id="ended", trigger_rule="none_failed")
