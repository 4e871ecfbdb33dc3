"""The portfolios that the track record follows: of each the first revision that was computable.

Later revisions change nothing of them. What is published in tables of an older version has no revision yet, and counts
as it stands.
"""

DECISIONS = """
    SELECT DISTINCT ON (job, as_of_date, period_days) *
    FROM (
        SELECT job, as_of_date, period_days, position, status, degraded_reason, holdings_as_of, source
        FROM evidence_publication
        UNION ALL
        SELECT job, as_of_date, period_days, NULL, status, degraded_reason, holdings_as_of, source
        FROM analytics_publication AS publication
        WHERE NOT EXISTS (
            SELECT 1 FROM evidence_publication AS kept
            WHERE (kept.job, kept.as_of_date, kept.period_days)
                = (publication.job, publication.as_of_date, publication.period_days))
    ) AS revision
    WHERE job IN ('allocation', 'rebalance') AND status <> 'not_computable'
    ORDER BY job, as_of_date, period_days, position
"""
# Since when people could know a decision, by the clock of its source: a market server has one of its own. NULL where
# its link does not say it. Of a decision and its `link`.
KNOWN_SINCE = """
    CASE
        WHEN link.about -> 'code' = 'null' THEN NULL
        WHEN source = 'yahoo' THEN link.known_at
        ELSE (link.about ->> 'source_clock')::timestamptz
    END
"""
MONTH_COLUMNS = (
    "rebalance_date, ticker, valid_until, final_rank, final_weight, score, source_periods, company_name, sector"
)
# The monthly portfolios that were decided.
MONTHS = f"""
    WITH decision AS ({DECISIONS})
    SELECT {MONTH_COLUMNS}, kept.as_of_date, decision.source
    FROM evidence_monthly_portfolio AS kept
    JOIN decision ON job = 'rebalance' AND (decision.as_of_date, decision.position) = (rebalance_date, kept.position)
    UNION ALL
    SELECT {MONTH_COLUMNS}, newest.as_of_date, decision.source
    FROM analytics_monthly_portfolio AS newest
    JOIN decision ON job = 'rebalance' AND decision.as_of_date = rebalance_date AND position IS NULL
"""
# Every portfolio that may be followed; period 0: the monthly one.
POSITIONS = f"""
    WITH decision AS ({DECISIONS})
    SELECT period_days, as_of_date AS decided_on, ticker, portfolio_weight AS weight
    FROM evidence_portfolio_allocation
    JOIN decision USING (as_of_date, period_days, position)
    WHERE job = 'allocation'
    UNION ALL
    SELECT period_days, as_of_date, ticker, portfolio_weight
    FROM analytics_portfolio_allocation
    JOIN decision USING (as_of_date, period_days)
    WHERE job = 'allocation' AND position IS NULL
    UNION ALL
    SELECT 0, rebalance_date, ticker, final_weight FROM ({MONTHS}) AS month
"""
