"""What a portfolio's page tells first: what has changed, how it has done, and how the last run went."""

from datetime import date

from api import pipeline_state
from config.universe import universe
from contract.summary import Summary
from database.db_helper import Connection
from database.queries import portfolios, track_record


def summary(conn: Connection, airflow: str, period_days: int, as_of: date | None) -> Summary:
    """Return the summary of a session's portfolio, the newest when none is named. NotPublished says that there is none.

    airflow: its UI's address
    """
    session = portfolios.allocation(conn, period_days, as_of).as_of_date
    earlier = portfolios.earlier(conn, period_days, session)
    last_run, coming = pipeline_state.last_run(conn, airflow)
    return Summary(
        as_of_date=session,
        period_days=period_days,
        previous_session=earlier.as_of_date if earlier else None,
        previous_weights=earlier.weights if earlier else None,
        benchmark=universe().benchmark,
        record=track_record.followed(conn, period_days, session),
        last_run=last_run,
        coming_sessions=coming,
    )
