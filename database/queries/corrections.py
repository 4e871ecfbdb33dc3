"""Later revisions of what the track record follows and shows, and what they say differently."""

from datetime import date

from msgspec import convert

from contract.portfolios import Correction
from database.db_helper import Connection
from database.queries.decisions import DECISIONS
from database.queries.paging import Found
from database.queries.typed import fetch_as

LIMIT = 50
# Below this a value is the same: the last digits move with every dividend.
NOISE = 1e-9


class _Counted(Correction):
    total: int


def corrections(conn: Connection, as_of: date | None) -> Found[Correction]:
    """Return the newest corrections of days up to a session, of all days when none is named, and how many there are."""
    found = fetch_as(
        conn,
        _Counted,
        f"""
        WITH later AS MATERIALIZED (
            SELECT
                about ->> 'job' AS job,
                (about ->> 'as_of_date')::date AS as_of_date,
                (about ->> 'revision')::int AS revision,
                position,
                known_at,
                about
            FROM evidence_link
            WHERE chain = 'publications' AND about ->> 'revision' <> '1'
                AND about ->> 'job' IN ('allocation', 'rebalance', 'performance')
                AND (about ->> 'as_of_date')::date <= COALESCE(%(as_of)s::date, 'infinity')
        ), portfolio AS NOT MATERIALIZED (  -- of each revision a few rows are looked up by their key
            SELECT 'allocation' AS job, as_of_date, position, period_days, ticker, portfolio_weight AS weight
            FROM evidence_portfolio_allocation
            UNION ALL
            SELECT 'rebalance', rebalance_date, position, 0, ticker, final_weight
            FROM evidence_monthly_portfolio
        ), reweighted AS (
            SELECT later.job, later.as_of_date, later.position, difference
            FROM later
            CROSS JOIN LATERAL (
                -- What comes or what goes, whichever is more: the rest of it is cash.
                SELECT GREATEST(SUM(GREATEST(change, 0)), SUM(GREATEST(-change, 0))) AS difference
                FROM (
                    SELECT period_days, ticker, weight FROM portfolio
                    WHERE (job, as_of_date, position) = (later.job, later.as_of_date, later.position)
                ) AS now
                FULL JOIN (
                    SELECT period_days, ticker, weight
                    FROM ({DECISIONS}) AS decision
                    JOIN portfolio USING (job, as_of_date, period_days, position)
                    WHERE (job, as_of_date) = (later.job, later.as_of_date) AND position <= later.position
                ) AS followed USING (period_days, ticker)
                CROSS JOIN LATERAL (
                    SELECT COALESCE(now.weight, 0) - COALESCE(followed.weight, 0) AS change
                ) AS of_ticker
                GROUP BY period_days
            ) AS moved
            WHERE later.job <> 'performance'
        ), shown AS MATERIALIZED (
            SELECT period_days, trade_date, position, net_value FROM evidence_record_session
        ), revalued AS (
            -- Of a whole record at once: each run can make a revision of every session.
            SELECT 'performance' AS job, trade_date AS as_of_date, now.position,
                ABS(now.net_value - shown.net_value) AS difference
            FROM evidence_portfolio_performance AS now
            JOIN shown USING (period_days, trade_date)
            WHERE shown.position < now.position
        ), moved AS (
            SELECT job, as_of_date, position, MAX(difference) AS difference
            FROM (TABLE reweighted UNION ALL TABLE revalued) AS each
            GROUP BY job, as_of_date, position
        ), newest AS (
            SELECT later.*, difference, COUNT(*) OVER () AS total
            FROM later
            JOIN moved USING (job, as_of_date, position)
            WHERE difference > %(noise)s
            ORDER BY position DESC
            LIMIT %(limit)s
        )
        SELECT newest.job, newest.as_of_date, revision, known_at, changed, difference, total
        FROM newest
        CROSS JOIN LATERAL (
            SELECT about FROM evidence_link AS link
            WHERE chain = 'publications' AND link.about ->> 'job' = newest.job
                AND link.about ->> 'as_of_date' = newest.about ->> 'as_of_date' AND link.position < newest.position
            ORDER BY link.position DESC
            LIMIT 1
        ) AS before
        CROSS JOIN LATERAL (
            SELECT ARRAY_REMOVE(ARRAY[
                CASE WHEN newest.about -> 'input_digest' IS DISTINCT FROM before.about -> 'input_digest'
                    THEN 'inputs' END,
                CASE WHEN newest.about -> 'universe' IS DISTINCT FROM before.about -> 'universe' THEN 'universe' END,
                -- Earlier versions did not note them.
                CASE WHEN newest.about -> 'extra_days' <> before.about -> 'extra_days' THEN 'calendar' END,
                CASE WHEN newest.about #> '{{code,sources}}' IS DISTINCT FROM before.about #> '{{code,sources}}'
                    THEN 'code' END,
                CASE WHEN newest.about -> 'libraries' IS DISTINCT FROM before.about -> 'libraries' THEN 'libraries' END
            ], NULL) AS differing
        ) AS reasons
        CROSS JOIN LATERAL (
            -- Of what was published before there were revisions nothing is known but the rows.
            SELECT CASE WHEN before.about -> 'code' = 'null' THEN '{{}}' ELSE differing END AS changed
        ) AS told
        ORDER BY newest.position DESC
        """,
        {"as_of": as_of, "noise": NOISE, "limit": LIMIT},
    )
    return Found(found[0].total if found else 0, convert(found, list[Correction], from_attributes=True))
