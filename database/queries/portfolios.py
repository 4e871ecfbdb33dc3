"""Portfolios as published: the three of stage 5 and the monthly one."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from contract.common import Source
from contract.portfolios import (
    CandidatePart,
    ExplainedPortfolio,
    MonthlyPortfolio,
    MonthlyPosition,
    Portfolio,
    Weight,
    Weights,
)
from contract.reasons import ShownReason
from database.db_helper import Connection, Row, fetch
from database.queries.decisions import DECISIONS, MONTH_COLUMNS, MONTHS
from database.queries.paging import Found, Page, fetch_page
from database.queries.typed import fetch_as
from utils.dates import last_session_by, sessions_of, valid_until
from utils.errors import NotPublished
from utils.reasons import reason

# A publication of stage 5 with its positions. One statement, so that both are of one snapshot.
_PORTFOLIO = """
    publication.as_of_date,
    publication.period_days,
    publication.status,
    publication.reason,
    publication.degraded_reason,
    CASE WHEN publication.status <> 'not_computable' THEN publication.cash_weight END AS cash_weight,
    publication.holdings_as_of,
    COALESCE(publication.holdings_as_of > publication.as_of_date, FALSE) AS holdings_known_later,
    publication.source,
    publication.published_at,
    publication.run_id,
    (
        SELECT COALESCE(jsonb_agg(to_jsonb(position) ORDER BY position_rank), '[]')
        FROM analytics_portfolio_allocation AS position
        WHERE position.as_of_date = publication.as_of_date
            AND position.period_days = publication.period_days
    ) AS positions
"""
# The positions of one rebalance as published last, and of another one as the record follows it, with their prices at a
# session in US dollars. A stored close is adjusted for the splits that came after it: times these, it is what was paid
# on its day.
_MONTHLY_POSITIONS = f"""
    SELECT
        position.*,
        bar.dollar_close * later.split_factor AS price_usd,
        bar.trade_date AS price_date,
        later.split_factor
    FROM (
        SELECT {MONTH_COLUMNS} FROM analytics_monthly_portfolio WHERE rebalance_date = %(this)s
        UNION ALL
        SELECT {MONTH_COLUMNS} FROM ({MONTHS}) AS followed WHERE rebalance_date = %(before)s
    ) AS position
    LEFT JOIN LATERAL (
        SELECT is_etf, trade_date, dollar_close
        FROM collected_dollar_close
        WHERE ticker = position.ticker AND trade_date <= %(session)s
        ORDER BY trade_date DESC
        LIMIT 1
    ) AS bar ON TRUE
    CROSS JOIN LATERAL (
        SELECT COALESCE(ROUND(EXP(SUM(LN(split_ratio))), 10), 1)::float8 AS split_factor
        FROM (
            SELECT TRUE AS is_etf, ticker, trade_date, split_ratio FROM collected_daily_etf_ohlc
            UNION ALL
            SELECT FALSE, ticker, trade_date, split_ratio FROM collected_daily_stock_history
        ) AS split
        WHERE (split.is_etf, split.ticker) = (bar.is_etf, position.ticker)
            AND split.trade_date > bar.trade_date AND split.split_ratio > 0 AND split.split_ratio <> 1
    ) AS later
"""


def allocation(conn: Connection, period_days: int, as_of: date | None) -> Portfolio:
    """Return one portfolio with its positions, the newest when no session is named."""
    rows = fetch_as(
        conn,
        Portfolio,
        f"""
        SELECT {_PORTFOLIO}
        FROM analytics_publication AS publication
        WHERE publication.job = 'allocation'
            AND publication.period_days = %(period_days)s
            AND (%(as_of)s::date IS NULL OR publication.as_of_date = %(as_of)s)
        ORDER BY publication.as_of_date DESC
        LIMIT 1
        """,
        {"period_days": period_days, "as_of": as_of},
    )
    if not rows:
        raise _not_published(as_of, period_days)
    return rows[0]


def allocations(
    conn: Connection,
    as_of: date | None,
    period_days: int | None = None,
    part: CandidatePart = "all",
    ticker: str | None = None,
) -> list[ExplainedPortfolio]:
    """Return the portfolios of one session (the newest when none is named) with what was looked at for them.

    part: all of it, none, or what the ETFs offered that chose the position `ticker`, the first one when it is None
    """
    rows = fetch_as(
        conn,
        ExplainedPortfolio,
        f"""
        SELECT
            {_PORTFOLIO},
            (
                SELECT COUNT(*)
                FROM analytics_allocation_candidates AS candidate
                WHERE candidate.as_of_date = publication.as_of_date
                    AND candidate.period_days = publication.period_days
            ) AS candidate_count,
            (
                SELECT COALESCE(
                    jsonb_agg(to_jsonb(candidate) ORDER BY etf_ticker, holding_rank, candidate.ticker), '[]')
                FROM analytics_allocation_candidates AS candidate
                WHERE candidate.as_of_date = publication.as_of_date
                    AND candidate.period_days = publication.period_days
                    AND (%(part)s = 'all' OR %(part)s = 'position' AND etf_ticker = ANY (
                        SELECT UNNEST(source_etfs)
                        FROM analytics_portfolio_allocation AS position
                        WHERE position.as_of_date = publication.as_of_date
                            AND position.period_days = publication.period_days
                            AND CASE WHEN %(ticker)s::text IS NULL THEN position_rank = 1
                                ELSE position.ticker = %(ticker)s END
                    ))
            ) AS candidates
        FROM analytics_publication AS publication
        WHERE publication.job = 'allocation'
            AND publication.as_of_date = COALESCE(
                %(as_of)s, (SELECT MAX(as_of_date) FROM analytics_publication WHERE job = 'allocation'))
            AND (%(period_days)s::integer IS NULL OR publication.period_days = %(period_days)s)
        ORDER BY publication.period_days
        """,
        {"as_of": as_of, "period_days": period_days, "part": part, "ticker": ticker},
    )
    if not rows:
        raise _not_published(as_of)
    return rows


class Earlier(Struct):
    """A portfolio of an earlier session. weights: by ticker."""

    as_of_date: date
    weights: dict[str, float]


def earlier(conn: Connection, period_days: int, session: date) -> Earlier | None:
    """Return the last portfolio of a period before a session that was computable, or None."""
    rows = fetch_as(
        conn,
        Earlier,
        """
        SELECT
            as_of_date,
            (
                SELECT COALESCE(jsonb_object_agg(ticker, portfolio_weight), '{}')
                FROM analytics_portfolio_allocation AS position
                WHERE position.as_of_date = publication.as_of_date
                    AND position.period_days = publication.period_days
            ) AS weights
        FROM analytics_publication AS publication
        WHERE job = 'allocation' AND status <> 'not_computable' AND period_days = %(period_days)s
            AND as_of_date < %(session)s
        ORDER BY as_of_date DESC
        LIMIT 1
        """,
        {"period_days": period_days, "session": session},
    )
    return rows[0] if rows else None


def weights(conn: Connection, start: date | None, end: date | None, period: int | None, page: Page) -> Weights:
    """Return the weights of all published portfolios between two days, cash included, oldest first.

    period: of these portfolios alone; None: of all
    """
    total, rows = fetch_page(
        conn,
        Weight,
        """
        SELECT
            as_of_date AS session, period_days AS period, status, ticker, weight, rank, company_name, sector,
            period_return, score, market_cap, market_cap_source, source_etfs,
            degraded_reason IS NOT NULL AS is_degraded, degraded_reason, reason, publication.holdings_as_of,
            COALESCE(publication.holdings_as_of > as_of_date, FALSE) AS holdings_known_later, source, published_at
        FROM analytics_publication AS publication
        JOIN (
            SELECT
                as_of_date, period_days, ticker, portfolio_weight AS weight, position_rank AS rank, company_name,
                sector, period_return, score, market_cap, market_cap_source, source_etfs
            FROM analytics_portfolio_allocation
            UNION ALL
            SELECT
                as_of_date, period_days, NULL, CASE WHEN status <> 'not_computable' THEN cash_weight END,
                NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM analytics_publication
            WHERE job = 'allocation' AND (cash_weight > 0 OR status <> 'published')
        ) AS held USING (as_of_date, period_days)
        WHERE job = 'allocation'
            AND as_of_date BETWEEN COALESCE(%(start)s::date, '-infinity') AND COALESCE(%(end)s::date, 'infinity')
            AND (%(period)s::integer IS NULL OR period_days = %(period)s)
        ORDER BY as_of_date, period_days, rank NULLS LAST, ticker
        """,
        {"start": start, "end": end, "period": period},
        page,
    )
    return Weights(total, *page, None, rows)


def monthly(conn: Connection, rebalance_date: date | None) -> MonthlyPortfolio | None:
    """Return one rebalance, the newest when none is named, with its changes against the decision before.

    None without one. The decision before is the one that the record follows. A rebalance that was never computable is
    none, and changes nothing.

    is_in_record: it was published before the record was computed, which goes to the session record_as_of.
    """
    published = fetch_as(
        conn,
        MonthlyPortfolio,
        f"""
        SELECT
            as_of_date AS rebalance_date, NULL AS valid_until, NULL AS as_of_date,
            (
                SELECT MAX(as_of_date) FROM ({DECISIONS}) AS before
                WHERE job = 'rebalance' AND before.as_of_date < publication.as_of_date
            ) AS previous_rebalance_date,
            '[]'::jsonb AS positions, '[]'::jsonb AS removed,
            status, reason, degraded_reason, holdings_as_of, source, published_at,
            published_at <= COALESCE(
                (SELECT MAX(published_at) FROM analytics_publication WHERE job = 'performance'), '-infinity'
            ) AS is_in_record,
            (SELECT MAX(last_session) FROM analytics_performance_summary WHERE period_days = 0) AS record_as_of
        FROM analytics_publication AS publication
        WHERE job = 'rebalance' AND as_of_date <= COALESCE(%(rebalance_date)s::date, 'infinity')
        ORDER BY rebalance_date DESC
        LIMIT 1
        """,
        {"rebalance_date": rebalance_date},
    )
    month = published[0] if published else None
    if month is None or month.rebalance_date is None or rebalance_date not in (None, month.rebalance_date):
        return None
    month.as_of_date = session = last_session_by(month.rebalance_date)
    month.valid_until = valid_until(month.rebalance_date)
    if month.status == "not_computable":
        return month
    changes = _changes(conn, month.rebalance_date, month.previous_rebalance_date, session)
    month.positions, month.removed = changes.positions, changes.removed
    return month


def followed_month(conn: Connection, rebalance_date: date, session: date) -> list[MonthlyPosition]:
    """Return a rebalance's positions by rank as the record follows them, at prices known at a session."""
    return _changes(conn, None, rebalance_date, session).removed


def volumes(conn: Connection, tickers: Sequence[str], session: date) -> dict[str, float]:
    """Return the shares traded a session, on average of each stock's last 20 with a volume.

    Adjusted for splits, as stored.
    """
    rows = fetch(
        conn,
        """
        SELECT ticker, AVG(volume)::float8 AS volume
        FROM UNNEST(%(tickers)s::text[]) AS wanted (ticker)
        CROSS JOIN LATERAL (
            SELECT volume
            FROM collected_daily_stock_history AS bar
            WHERE bar.ticker = wanted.ticker AND bar.trade_date <= %(session)s AND volume > 0
            ORDER BY bar.trade_date DESC
            LIMIT 20
        ) AS newest
        GROUP BY ticker
        """,
        {"tickers": list(tickers), "session": session},
    )
    return {row["ticker"]: row["volume"] for row in rows}


class _Changes(Struct):
    positions: list[MonthlyPosition]
    removed: list[MonthlyPosition]


def _changes(conn: Connection, this: date | None, before: date | None, session: date) -> _Changes:
    """Return the positions of one rebalance, and those that only the one before has, at prices known at a session.

    Of the one before as the record follows it. None: no rebalance.
    """
    [changes] = fetch_as(
        conn,
        _Changes,
        f"""
        WITH priced AS (
            {_MONTHLY_POSITIONS}
        ), new AS (
            SELECT * FROM priced WHERE rebalance_date = %(this)s
        ), old AS (
            SELECT * FROM priced WHERE rebalance_date = %(before)s
        )
        SELECT
            (
                SELECT COALESCE(jsonb_agg(
                    to_jsonb(new) || jsonb_build_object(
                        'previous_weight', old.final_weight, 'previous_rank', old.final_rank)
                    ORDER BY new.final_rank, new.ticker), '[]')
                FROM new
                LEFT JOIN old USING (ticker)
            ) AS positions,
            (
                SELECT COALESCE(jsonb_agg(
                    to_jsonb(old) || jsonb_build_object('previous_weight', NULL, 'previous_rank', NULL)
                    ORDER BY old.final_rank, old.ticker), '[]')
                FROM old
                WHERE NOT EXISTS (SELECT FROM new WHERE new.ticker = old.ticker)
            ) AS removed
        """,
        {"this": this, "before": before, "session": session},
    )
    return changes


def count(conn: Connection, start: date, end: date) -> Row:
    """Count the portfolios of a range and their sessions, and those in doubt: empty, degraded and so on."""
    [row] = fetch(
        conn,
        """
        SELECT
            COUNT(*) AS portfolios,
            COUNT(DISTINCT as_of_date) AS sessions,
            COUNT(*) FILTER (WHERE status = 'empty') AS empty,
            COUNT(*) FILTER (WHERE status = 'not_computable') AS not_computable,
            COUNT(*) FILTER (WHERE degraded_reason IS NOT NULL) AS degraded,
            COUNT(*) FILTER (WHERE holdings_as_of > as_of_date) AS known_later
        FROM analytics_publication
        WHERE job = 'allocation' AND as_of_date BETWEEN %(start)s AND %(end)s
        """,
        {"start": start, "end": end},
    )
    return row


class HeldPosition(Struct):
    ticker: str
    final_weight: float


class Rebalance(Struct):
    """A month's portfolio as it was decided. next_rebalance_date is that of the next decision, also an empty one."""

    rebalance_date: date
    valid_until: date
    as_of_date: date
    source: Source
    degraded_reasons: list[ShownReason]
    holdings_as_of: date | None
    next_rebalance_date: date | None
    positions: list[HeldPosition]


def rebalances(conn: Connection, page: Page) -> Found[Rebalance]:
    """Return the months' portfolios as they were decided, newest first."""
    return fetch_page(
        conn,
        Rebalance,
        f"""
        SELECT
            rebalance_date,
            MIN(valid_until) AS valid_until,
            MIN(month.as_of_date) AS as_of_date,
            MIN(month.source) AS source,
            decision.degraded_reason,
            decision.holdings_as_of,
            MIN(decision.next_rebalance_date) AS next_rebalance_date,
            jsonb_agg(jsonb_build_object('ticker', ticker, 'final_weight', final_weight) ORDER BY final_rank, ticker)
                AS positions
        FROM ({MONTHS}) AS month
        JOIN (
            SELECT
                as_of_date AS rebalance_date,
                degraded_reason,
                holdings_as_of,
                LEAD(as_of_date) OVER (ORDER BY as_of_date) AS next_rebalance_date
            FROM ({DECISIONS}) AS every_decision
            WHERE job = 'rebalance'
        ) AS decision USING (rebalance_date)
        GROUP BY rebalance_date, decision.degraded_reason, decision.holdings_as_of
        ORDER BY rebalance_date DESC
        """,
        {},
        page,
    )


def _not_published(as_of: date | None, period_days: int | None = None) -> NotPublished:
    """Return the error for portfolios that are not there. A day that is no session raises NotASession."""
    code, of_period = ("no_portfolio", {}) if period_days is None else ("no_period_portfolio", {"days": period_days})
    if as_of is None:
        return NotPublished(reason(f"{code}_yet", **of_period))
    sessions_of().position(as_of)
    return NotPublished(reason(f"{code}_of", session=as_of, **of_period))
