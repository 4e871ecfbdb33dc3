"""What has become of the published portfolios, as batch.spark_portfolio_performance has followed them."""

from datetime import date

from config.universe import ANNUALISED_FROM_SESSIONS, universe
from database.db_helper import Connection, Row, fetch

# Every portfolio that may be followed; period 0: the monthly one.
POSITIONS = """
    SELECT period_days, as_of_date AS decided_on, ticker, portfolio_weight AS weight
    FROM analytics_portfolio_allocation
    UNION ALL
    SELECT 0, rebalance_date, ticker, final_weight
    FROM analytics_monthly_portfolio
"""


def performance(conn: Connection, as_of: date | None, series: bool = True) -> Row:
    """Every portfolio's series and what it had come to by a session, the newest one when none is named.

    Without a series yet: status "empty", and the reason. series: False leaves the lists of the series empty.
    """
    portfolios, line = _portfolios(conn, as_of, series), _newest_line(conn, as_of)
    return {
        "as_of_date": max((row["last_session"] for row in portfolios), default=None),
        "benchmark": universe().benchmark,
        "cost_rate": portfolios[0]["cost_rate"] if portfolios else universe().cost_rate,
        "annualised_from_sessions": ANNUALISED_FROM_SESSIONS,
        "status": "published" if portfolios else "empty",
        "reason": None if portfolios else _why_empty(line, as_of),
        "source": line["source"] if line else next((row["source"] for row in portfolios), None),
        "portfolios": portfolios,
    }


def _portfolios(conn: Connection, as_of: date | None, series: bool) -> list[Row]:
    """One statement, so that figures and series are of one snapshot."""
    return fetch(
        conn,
        """
        SELECT *
        FROM (
            SELECT DISTINCT ON (period_days) *
            FROM analytics_performance_summary
            WHERE last_session <= COALESCE(%(as_of)s::date, 'infinity')
            ORDER BY period_days, last_session DESC
        ) AS summary
        CROSS JOIN LATERAL (
            SELECT
                COALESCE(ARRAY_AGG(trade_date ORDER BY trade_date), '{}') AS sessions,
                COALESCE(ARRAY_AGG(gross_value ORDER BY trade_date), '{}') AS gross,
                COALESCE(ARRAY_AGG(net_value ORDER BY trade_date), '{}') AS net,
                COALESCE(ARRAY_AGG(benchmark_value ORDER BY trade_date), '{}') AS benchmark,
                COALESCE(ARRAY_AGG(drawdown ORDER BY trade_date), '{}') AS drawdown,
                COALESCE(ARRAY_AGG(benchmark_drawdown ORDER BY trade_date), '{}') AS benchmark_drawdown,
                COALESCE(ARRAY_AGG(turnover ORDER BY trade_date), '{}') AS turnover
            FROM analytics_portfolio_performance
            WHERE %(series)s AND period_days = summary.period_days AND trade_date <= summary.last_session
        ) AS series
        LEFT JOIN LATERAL (
            SELECT carried_weight, carried_reason
            FROM analytics_portfolio_performance
            WHERE period_days = summary.period_days AND trade_date = summary.last_session
        ) AS carried ON TRUE
        ORDER BY period_days
        """,
        {"as_of": as_of, "series": series},
    )


def _newest_line(conn: Connection, as_of: date | None) -> Row | None:
    """What the job said last of the whole record, as far as it went by a session."""
    lines = fetch(
        conn,
        """
        SELECT status, reason, source
        FROM analytics_publication
        WHERE job = 'performance' AND as_of_date <= COALESCE(%(as_of)s::date, 'infinity')
        ORDER BY as_of_date DESC
        LIMIT 1
        """,
        {"as_of": as_of},
    )
    return lines[0] if lines else None


def _why_empty(line: Row | None, as_of: date | None) -> str:
    if line and line["reason"]:
        reason: str = line["reason"]
        return reason
    if as_of:
        return f"no portfolio was held yet at the close of {as_of}"
    return "no portfolio has been followed yet: run portfolio_performance for a session"
