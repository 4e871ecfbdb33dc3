"""Everything behind one weight of a monthly portfolio: its score, and the daily portfolios that were merged."""

import math
from collections.abc import Mapping
from datetime import date

from msgspec import convert

from config.periods import PERIODS
from contract.evidence import (
    MergedPortfolio,
    MonthlyPositionEvidence,
    MonthlyWeightEvidence,
    PublicationLink,
)
from database.db_helper import Connection, Row, fetch, one_transaction
from database.queries.evidence_publications import (
    chosen_revision,
    read_revision,
    revisions,
    watermark,
    with_weights,
)
from utils.dates import last_session_by
from utils.errors import UnknownEvidence
from utils.reasons import reason

REBALANCE, ALLOCATION = "rebalance", "allocation"
STEPS = [
    "source_periods = the portfolios of as_of_date that hold the stock",
    "score = the points of exactly these periods: MULTI_PERIOD_IMPLEMENTATION.md has the table",
    "final_weight = score / score_sum",
]


def monthly_weight(conn: Connection, rebalance_date: date, ticker: str, number: int | None) -> MonthlyWeightEvidence:
    """Return all that a monthly weight follows from: of a revision by its number, or of the newest one."""
    with one_transaction(conn) as reading:
        return _monthly_weight(reading, rebalance_date, ticker, number)


def _monthly_weight(conn: Connection, rebalance_date: date, ticker: str, number: int | None) -> MonthlyWeightEvidence:
    kept = revisions(conn, (REBALANCE,), rebalance_date)[REBALANCE]
    link = chosen_revision(kept, number, reason("monthly_portfolio_of", session=rebalance_date))
    rows = _positions(conn, rebalance_date)
    positions = [convert(row, MonthlyPositionEvidence) for row in rows if row["position"] == link.position]
    own = next((row for row in rows if (row["position"], row["ticker"]) == (link.position, ticker)), None)
    if own is None:
        held = [each.ticker for each in positions] or ["–"]
        asked = {"ticker": ticker, "session": rebalance_date}
        raise UnknownEvidence(reason("no_monthly_weight_of", **asked, revision=link.revision, held=held))
    as_of = last_session_by(rebalance_date)
    merged = read_revision(revisions(conn, (ALLOCATION,), as_of)[ALLOCATION], watermark(conn, link))
    return MonthlyWeightEvidence(
        rebalance_date=rebalance_date,
        as_of_date=as_of,
        ticker=ticker,
        weight=own["final_weight"],
        source=own["source"],
        steps=STEPS,
        score_sum=math.fsum(each.score for each in positions),
        publication=link,
        revisions=with_weights(kept, {row["position"]: row["final_weight"] for row in rows if row["ticker"] == ticker}),
        portfolios=_portfolios(conn, as_of, ticker, merged),
        positions=positions,
    )


def _positions(conn: Connection, rebalance_date: date) -> list[Row]:
    """Return the positions of a monthly portfolio in all of its revisions."""
    return fetch(
        conn,
        """
        SELECT position, ticker, final_rank, final_weight, score, source_periods, source
        FROM evidence_monthly_portfolio
        WHERE rebalance_date = %(rebalance_date)s
        ORDER BY position, final_rank
        """,
        {"rebalance_date": rebalance_date},
    )


def _portfolios(conn: Connection, as_of: date, ticker: str, link: PublicationLink | None) -> list[MergedPortfolio]:
    """Return the portfolios of a revision, with the place that a ticker has in each."""
    rows = fetch(
        conn,
        """
        SELECT period_days, portfolio_weight, position_rank
        FROM evidence_portfolio_allocation
        WHERE (as_of_date, ticker, position) = (%(as_of)s, %(ticker)s, %(position)s)
        """,
        {"as_of": as_of, "ticker": ticker, "position": link.position if link else 0},
    )
    places: Mapping[int, Row] = {row["period_days"]: row for row in rows}
    return [
        MergedPortfolio(
            period_days=days,
            publication=link,
            weight=places[days]["portfolio_weight"] if days in places else None,
            position_rank=places[days]["position_rank"] if days in places else None,
        )
        for days in PERIODS
    ]
