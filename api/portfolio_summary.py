"""What a portfolio's page tells first: what has changed, and how it has done."""

from datetime import date

from config.universe import universe
from contract.summary import Summary
from database.db_helper import Connection
from database.queries import portfolios, track_record


def summary(conn: Connection, period_days: int, as_of: date | None) -> Summary:
    """Return the summary of a session's portfolio, the newest when none is named. NotPublished where there is none."""
    session = portfolios.allocation(conn, period_days, as_of).as_of_date
    earlier = portfolios.earlier(conn, period_days, session)
    return Summary(
        as_of_date=session,
        period_days=period_days,
        previous_session=earlier.as_of_date if earlier else None,
        previous_weights=earlier.weights if earlier else None,
        benchmark=universe().benchmark,
        record=track_record.followed(conn, period_days, session),
    )
