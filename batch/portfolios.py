"""The portfolios of a session: the positions, publications and gaps that follow from the candidates.

Nothing here is Spark's. A small job's driver works with all candidates. A wide job's executors work with those of their
own sessions that say anything here (batch.staged_allocation).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from pyspark.sql import Row

from batch.publishing import Publication, published_periods
from batch.sources import least_trusted
from batch.weights import weights_of
from config.periods import PERIODS
from config.universe import ALL_HOLDINGS, universe
from database.db_helper import Connection
from database.queries import ledger
from database.queries.ledger import Window
from utils.reasons import Reason, as_json, from_json, of_ticker, reason, unique

NAME = "allocation"
Portfolio = tuple[date, int]  # session and period


class TrendingResult(NamedTuple):
    """What stage 3 published for a session.

    not_computable: the periods for which no ETF could be compared with the benchmark, each with the reasons
    """

    source: str
    degraded_reason: Sequence[Reason] = ()
    not_computable: Mapping[int, Sequence[Reason]] = MappingProxyType({})


class Others(NamedTuple):
    """What counts of candidates that say nothing else of their portfolio."""

    sources: Sequence[str] = ()
    holdings_as_of: Sequence[date] = ()


class Made(NamedTuple):
    """What is made of some sessions' candidates."""

    positions: Sequence[Mapping[str, Any]]
    publications: Sequence[Publication]
    gaps: Mapping[Portfolio, Sequence[Reason]]


def portfolios_of(
    conn: Connection,
    rows: Sequence[Row],
    results: Mapping[date, TrendingResult],
    said_of_lists: Mapping[tuple[date, str], Sequence[Reason]],
    others: Mapping[Portfolio, Others] = MappingProxyType({}),
) -> Made:
    """Make the portfolios of sessions, and find out what was missing of them or in doubt.

    said_of_lists: (session, ETF) -> what is said of its list of holdings
    """
    # A return without a gap has neither a missing price nor a doubt, so that most days the ledger need not be asked.
    windows = {(row.ticker, row.start_session, row.end_session) for row in rows if row.ticker and row.is_in_doubt}
    price_gaps = ledger.why_missing(conn, windows) if windows else {}
    gaps = gaps_by_portfolio(rows, price_gaps, said_of_lists)
    positions, publications = portfolios(rows, results, gaps, others)
    return Made(with_ranks(positions), publications, gaps)


def portfolio_of(chosen: Sequence[Row], cap: float) -> tuple[list[dict[str, Any]], float]:
    """Return a portfolio's positions, largest first, and its cash. A stock that several ETFs chose is one position."""
    by_ticker = {
        ticker: sorted(rows, key=attrgetter("etf_ticker"))
        for ticker, rows in groupby(sorted(chosen, key=attrgetter("ticker")), key=attrgetter("ticker"))
    }
    scores = {ticker: rows[0].period_return / rows[0].market_cap for ticker, rows in by_ticker.items()}
    weights, cash = weights_of(scores, cap)
    largest_first = sorted(scores, key=lambda ticker: (-weights[ticker], -scores[ticker], ticker))
    positions = [
        _position(by_ticker[ticker], rank, scores[ticker], weights[ticker])
        for rank, ticker in enumerate(largest_first, 1)
    ]
    return positions, cash


def _position(rows: Sequence[Row], rank: int, score: float, weight: float) -> dict[str, Any]:
    """Return a row of the table, without the ranks in the other portfolios."""
    etfs = [row.etf_ticker for row in rows]
    return {
        **rows[0].asDict(),
        "score": score,
        "portfolio_weight": weight,
        "position_rank": rank,
        "source_etfs": etfs,
        "holdings_as_of": max(row.holdings_as_of for row in rows),
        "source": least_trusted(row.source for row in rows),
        "allocation_reason": as_json([_why_chosen(rows[0], etfs, universe().top_holdings)]),
    }


def _why_chosen(row: Row, etfs: Sequence[str], top: int) -> Reason:
    """Tell among how many holdings of which ETFs the stock of a row was the best one."""
    told = {"etfs": etfs, "days": row.period_days, "gain": row.period_return, "market_cap": row.market_cap}
    return reason("best_of_whole_etfs", **told) if top == ALL_HOLDINGS else reason("best_of_etfs", top=top, **told)


def with_ranks(positions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add each position's rank in every portfolio of its session, or None where it is not in it."""
    ranks = {(row["as_of_date"], row["ticker"], row["period_days"]): row["position_rank"] for row in positions}
    return [
        row | {f"rank_{days}d": ranks.get((row["as_of_date"], row["ticker"], days)) for days in PERIODS}
        for row in positions
    ]


def why_empty(days: int, rows: Sequence[Row]) -> Reason:
    """Tell why a portfolio has no position: no ETF trends, none has holdings, or each candidate's own reason."""
    if not rows:
        return reason("nothing_trends_over", days=days)
    etfs = sorted({row.etf_ticker for row in rows})
    excluded = unique(of_ticker(row.ticker, from_json(row.exclusion_reason)) for row in rows if row.ticker)
    if not excluded:
        return reason("no_holdings_of_any", etfs=etfs)
    return reason("nobody_eligible", count=len(excluded), etfs=etfs, reasons=excluded)


def gaps_by_portfolio(
    rows: Sequence[Row],
    price_gaps: Mapping[Window, Sequence[Reason]],
    said_of_lists: Mapping[tuple[date, str], Sequence[Reason]],
) -> dict[Portfolio, list[Reason]]:
    """Return for each portfolio which figures or holdings were missing or in doubt, and why."""
    gaps: dict[Portfolio, list[Reason]] = {}
    for row in rows:
        found = gaps.setdefault((row.as_of_date, row.period_days), [])
        found += said_of_lists.get((row.as_of_date, row.etf_ticker), [])
        if row.ticker is None:
            found.append(reason("no_holdings", etf=row.etf_ticker))
            continue
        found += price_gaps.get((row.ticker, row.start_session, row.end_session), [])
        no_cap = [each for each in from_json(row.exclusion_reason) if each.code == "no_market_cap"]
        found += [of_ticker(row.ticker, no_cap)] if no_cap else []
    return gaps


def portfolios(
    rows: Sequence[Row],
    results: Mapping[date, TrendingResult],
    gaps: Mapping[Portfolio, Sequence[Reason]],
    others: Mapping[Portfolio, Others] = MappingProxyType({}),
) -> tuple[list[dict[str, Any]], list[Publication]]:
    """Return the positions and publications of all portfolios.

    rows: the candidates
    results: what stage 3 published for each session
    others: what the candidates that are not among the rows add
    """
    candidates = {key: list(group) for key, group in groupby(rows, key=attrgetter("as_of_date", "period_days"))}
    positions, publications = [], []
    for as_of, result in results.items():
        for days in published_periods():
            considered = candidates.get((as_of, days), [])
            beside = others.get((as_of, days), Others())
            chosen = [row for row in considered if row.is_selected]
            portfolio, cash = portfolio_of(chosen, universe().max_position_weight)
            degraded = unique([*result.degraded_reason, *gaps.get((as_of, days), [])])
            not_computable = result.not_computable.get(days)
            positions += [position | {"is_degraded": bool(degraded)} for position in portfolio]
            publications.append(
                Publication(
                    job=NAME,
                    as_of_date=as_of,
                    period_days=days,
                    status="published" if portfolio else "not_computable" if not_computable else "empty",
                    reason=[] if portfolio else not_computable or [why_empty(days, considered)],
                    row_count=len(portfolio),
                    cash_weight=cash,
                    holdings_as_of=max(
                        [*beside.holdings_as_of, *(row.holdings_as_of for row in considered if row.ticker)],
                        default=None,
                    ),
                    source=least_trusted([result.source, *beside.sources, *(row.source for row in considered)]),
                    degraded_reason=degraded,
                )
            )
    return positions, publications
