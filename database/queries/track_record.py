"""What has become of the published portfolios, as batch.spark_portfolio_performance has followed them."""

from datetime import date

from msgspec import Struct, convert

from config.universe import ANNUALISED_FROM_SESSIONS, universe
from contract.common import Source
from contract.portfolios import FollowedReturn, Performance, PortfolioPerformance, Record, RecordSession
from contract.reasons import ShownReason, data_of, shown
from database.db_helper import Connection
from database.queries.corrections import corrections
from database.queries.paging import Page, fetch_page
from database.queries.typed import fetch_as
from utils.reasons import join, reason


def performance(conn: Connection, as_of: date | None, series: bool = True) -> Performance:
    """Return every portfolio's series and what it had come to by a session, the newest one when none is named.

    Without a series yet: status "empty", and the reason. series: False leaves the lists of the series empty.
    """
    portfolios, line = _portfolios(conn, as_of, series), _newest_line(conn, as_of)
    why_none = [] if portfolios else _why_empty(line, as_of)
    corrected = corrections(conn, as_of)
    return Performance(
        as_of_date=max((each.last_session for each in portfolios), default=None),
        benchmark=universe().benchmark,
        cost_rate=portfolios[0].cost_rate if portfolios else universe().cost_rate,
        annualised_from_sessions=ANNUALISED_FROM_SESSIONS,
        status="published" if portfolios else "empty",
        reason=join(data_of(why_none)),
        reasons=why_none,
        source=line.source if line else next((each.source for each in portfolios), None),
        portfolios=convert(portfolios, list[PortfolioPerformance], from_attributes=True),
        corrections=corrected.rows,
        correction_count=corrected.total,
    )


def record(conn: Connection, start: date | None, end: date | None, period: int | None, page: Page) -> Record:
    """Return every session of the record between two days, oldest first.

    period: of this portfolio alone, 0 for the monthly one; None: of all
    """
    total, rows = fetch_page(
        conn,
        RecordSession,
        """
        SELECT *, trade_date AS session, period_days AS period
        FROM evidence_record_session
        WHERE trade_date BETWEEN COALESCE(%(start)s::date, '-infinity') AND COALESCE(%(end)s::date, 'infinity')
            AND (%(period)s::integer IS NULL OR period_days = %(period)s)
        ORDER BY trade_date, period_days
        """,
        {"start": start, "end": end, "period": period},
        page,
    )
    return Record(total, *page, None, universe().benchmark, rows)


def followed(conn: Connection, period_days: int, as_of: date) -> FollowedReturn | None:
    """Return what following one of the portfolios had come to by a session; None before there is a return."""
    rows = fetch_as(
        conn,
        FollowedReturn,
        """
        SELECT *
        FROM (
            SELECT *
            FROM evidence_record_figures
            WHERE period_days = %(period_days)s AND last_session <= %(as_of)s
            ORDER BY last_session DESC
            LIMIT 1
        ) AS summary
        CROSS JOIN LATERAL (
            SELECT
                COALESCE(ARRAY_AGG(net_value ORDER BY trade_date), '{}') AS net,
                COALESCE(ARRAY_AGG(benchmark_value ORDER BY trade_date), '{}') AS benchmark
            FROM evidence_record_session
            WHERE period_days = summary.period_days AND trade_date <= summary.last_session
        ) AS series
        """,
        {"period_days": period_days, "as_of": as_of},
    )
    return rows[0] if rows else None


class _Followed(PortfolioPerformance):
    cost_rate: float


class _Line(Struct):
    reasons: list[ShownReason]
    source: Source


def _portfolios(conn: Connection, as_of: date | None, series: bool) -> list[_Followed]:
    """Read figures and series in one statement, so that they are of one snapshot."""
    return fetch_as(
        conn,
        _Followed,
        """
        SELECT *
        FROM (
            SELECT DISTINCT ON (period_days) *
            FROM evidence_record_figures
            WHERE last_session <= COALESCE(%(as_of)s::date, 'infinity')
            ORDER BY period_days, last_session DESC
        ) AS summary
        CROSS JOIN LATERAL (
            SELECT
                COALESCE(ARRAY_AGG(trade_date ORDER BY trade_date), '{}') AS sessions,
                COALESCE(ARRAY_AGG(gross_value ORDER BY trade_date), '{}') AS gross,
                COALESCE(ARRAY_AGG(shown.net_value ORDER BY trade_date), '{}') AS net,
                COALESCE(ARRAY_AGG(shown.benchmark_value ORDER BY trade_date), '{}') AS benchmark,
                COALESCE(ARRAY_AGG(drawdown ORDER BY trade_date), '{}') AS drawdown,
                COALESCE(ARRAY_AGG(benchmark_drawdown ORDER BY trade_date), '{}') AS benchmark_drawdown,
                COALESCE(ARRAY_AGG(turnover ORDER BY trade_date), '{}') AS turnover,
                COALESCE(ARRAY_AGG(position_count ORDER BY trade_date), '{}') AS position_count,
                COALESCE(ARRAY_AGG(COALESCE(known.net_value, shown.net_value) ORDER BY trade_date), '{}') AS known_net,
                COALESCE(
                    ARRAY_AGG(COALESCE(known.benchmark_value, shown.benchmark_value) ORDER BY trade_date), '{}'
                ) AS known_benchmark
            FROM evidence_record_session AS shown
            LEFT JOIN LATERAL (
                -- The session's newest revision by that of the figures, which were computed from it.
                SELECT net_value, benchmark_value
                FROM evidence_portfolio_performance AS kept
                WHERE (kept.period_days, kept.trade_date) = (shown.period_days, shown.trade_date)
                    AND kept.position <= summary.position
                ORDER BY kept.position DESC
                LIMIT 1
            ) AS known ON TRUE
            WHERE %(series)s AND period_days = summary.period_days AND trade_date <= summary.last_session
        ) AS series
        LEFT JOIN LATERAL (
            SELECT carried_weight, carried_reason
            FROM evidence_record_session
            WHERE period_days = summary.period_days AND trade_date = summary.last_session
        ) AS carried ON TRUE
        ORDER BY period_days
        """,
        {"as_of": as_of, "series": series},
    )


def _newest_line(conn: Connection, as_of: date | None) -> _Line | None:
    """Return what the job said last of the whole record, as far as it went by a session."""
    lines = fetch_as(
        conn,
        _Line,
        """
        SELECT reason, source
        FROM analytics_publication
        WHERE job = 'performance' AND as_of_date <= COALESCE(%(as_of)s::date, 'infinity')
        ORDER BY as_of_date DESC
        LIMIT 1
        """,
        {"as_of": as_of},
    )
    return lines[0] if lines else None


def _why_empty(line: _Line | None, as_of: date | None) -> list[ShownReason]:
    if line and line.reasons:
        return line.reasons
    return shown([reason("nothing_held_yet", session=as_of) if as_of else reason("not_followed_yet")])
