"""Everything behind one published weight: the published rows of a revision, and the collected rows it was made of."""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from msgspec import Struct, json, structs

from config.periods import trending_column
from config.universe import universe
from contract.evidence import (
    BenchmarkEvidence,
    EtfEvidence,
    Formula,
    PositionEvidence,
    PublicationLink,
    WeightEvidence,
)
from contract.portfolios import Candidate
from database.db_helper import Connection, one_transaction
from database.queries.evidence import universe_digest
from database.queries.evidence_publications import (
    PublishedRows,
    chosen_revision,
    read_revision,
    revisions,
    watermark,
    with_weights,
)
from database.queries.evidence_rows import Bars, holdings
from database.queries.typed import fetch_as
from database.tables import ALLOCATION_CANDIDATES, PUBLICATION, TRENDING_ETFS
from utils.dates import window_of
from utils.errors import UnknownEvidence
from utils.reasons import reason

ALLOCATION, TRENDING = "allocation", "trending"
STEPS = [
    "dollar close = adj_close / rate.close_price; without a rate it is adj_close",
    "period_return = dollar close of end / dollar close of start - 1",
    "market_cap = market_cap of end / its rate.close_price, rounded to whole dollars",
    "score = period_return / market_cap",
    "weight = score / score_sum; where all positions at max_position_weight are at most 1, each has that weight",
    "a weight above max_position_weight becomes it, and the others share what is left by score, until none is above",
    "cash_weight = 1 - sum of the weights",
]
# Of an ETF that stage 3 has not published, which a portfolio cannot have been made of.
_NO_RETURNS = {"period_return": None, "benchmark_return": None, "outperformance": None, "is_trending": False}


class _Position(Struct):
    """A row of evidence_portfolio_allocation. position: that of its revision's link."""

    position: int
    ticker: str
    position_rank: int
    portfolio_weight: float
    score: float
    period_return: float
    market_cap: int
    source_etfs: list[str]
    start_session: date
    end_session: date


def weight(conn: Connection, as_of: date, period_days: int, ticker: str, number: int | None) -> WeightEvidence:
    """Return all that a weight follows from: of a revision by its number, or of the newest one."""
    with one_transaction(conn) as reading:
        return _weight(reading, as_of, period_days, ticker, number)


def _weight(conn: Connection, as_of: date, period_days: int, ticker: str, number: int | None) -> WeightEvidence:
    kept = revisions(conn, (ALLOCATION, TRENDING), as_of)
    link = chosen_revision(kept[ALLOCATION], number, reason("portfolios_of", session=as_of))
    positions = _positions(conn, as_of, period_days)
    chosen = next((each for each in positions if (each.position, each.ticker) == (link.position, ticker)), None)
    if chosen is None:
        held = [each.ticker for each in positions if each.position == link.position] or ["–"]
        asked = {"ticker": ticker, "days": period_days, "session": as_of}
        raise UnknownEvidence(reason("no_weight_of", **asked, revision=link.revision, held=held))
    behind = _Behind(conn, link, kept[TRENDING], period_days)
    behind.read([each for each in positions if each.position == link.position], chosen.source_etfs, as_of)
    return WeightEvidence(
        as_of_date=as_of,
        period_days=period_days,
        ticker=ticker,
        weight=chosen.portfolio_weight,
        formula=behind.formula(),
        publication=link,
        trending=behind.trending,
        revisions=with_weights(
            kept[ALLOCATION], {each.position: each.portfolio_weight for each in positions if each.ticker == ticker}
        ),
        benchmark=behind.benchmark(),
        etfs=[behind.etf(each) for each in chosen.source_etfs],
        positions=behind.positions(),
    )


def _positions(conn: Connection, as_of: date, period_days: int) -> list[_Position]:
    """Return the positions of a portfolio in all of its revisions."""
    return fetch_as(
        conn,
        _Position,
        """
        SELECT *
        FROM evidence_portfolio_allocation
        WHERE as_of_date = %(as_of)s AND period_days = %(period_days)s
        ORDER BY position, position_rank
        """,
        {"as_of": as_of, "period_days": period_days},
    )


def _candidates(conn: Connection, published: Sequence[dict[str, Any]]) -> list[Candidate]:
    """Return published rows as candidates, with the types of their table's columns."""
    return fetch_as(
        conn,
        Candidate,
        """
        SELECT * FROM JSONB_POPULATE_RECORDSET(NULL::analytics_allocation_candidates, %(published)s::jsonb)
        ORDER BY etf_ticker, holding_rank, ticker
        """,
        {"published": json.encode(published).decode()},
    )


class _Behind:
    """What is behind a portfolio: the rows of two publications, and the collected rows that were read."""

    def __init__(
        self, conn: Connection, link: PublicationLink, trending: Sequence[PublicationLink], period_days: int
    ) -> None:
        self._conn, self._link, self._days = conn, link, period_days
        self._watermark = watermark(conn, link)
        self.trending = read_revision(trending, self._watermark)

    def read(self, positions: Sequence[_Position], etfs: Sequence[str], as_of: date) -> None:
        """Read all rows. etfs: those that chose the stock in question."""
        self._positions, self._window = positions, window_of(as_of, self._days)
        self._published = PublishedRows(self._conn, [link for link in (self._link, self.trending) if link])
        self._bars = Bars(
            self._conn,
            [(etf, day) for etf in (*etfs, universe().benchmark) for day in self._window],
            [(each.ticker, day) for each in positions for day in (each.start_session, each.end_session)],
            self._watermark,
        )
        candidates = self._of_period(self._published.of(self._link, ALLOCATION_CANDIDATES))
        self._candidates = _candidates(self._conn, [row for row in candidates if row["etf_ticker"] in etfs])
        snapshots = {(each.etf_ticker, each.holdings_as_of) for each in self._candidates}
        self._holdings = holdings(self._conn, snapshots, universe().top_holdings, self._watermark)
        self._returns = self._published_returns()

    def formula(self) -> Formula:
        [published] = self._of_period(self._published.of(self._link, PUBLICATION))
        return Formula(
            steps=STEPS,
            max_position_weight=universe().max_position_weight if self._link.universe == universe_digest() else None,
            score_sum=math.fsum(each.score for each in self._positions),
            cash_weight=float(published["cash_weight"]),
        )

    def positions(self) -> list[PositionEvidence]:
        return [
            PositionEvidence(
                **{name: value for name, value in structs.asdict(each).items() if name != "position"},
                start=self._bars.stock(each.ticker, each.start_session),
                end=self._bars.stock(each.ticker, each.end_session),
            )
            for each in self._positions
        ]

    def benchmark(self) -> BenchmarkEvidence:
        return BenchmarkEvidence(**self._ends(universe().benchmark), ticker=universe().benchmark)

    def etf(self, ticker: str) -> EtfEvidence:
        return EtfEvidence(
            **self._ends(ticker),
            **self._returns.get(ticker, _NO_RETURNS),
            etf_ticker=ticker,
            holdings=self._holdings.get(ticker, []),
            candidates=[each for each in self._candidates if each.etf_ticker == ticker],
        )

    def _ends(self, etf: str) -> dict[str, Any]:
        """Return the bars at both ends of an ETF's window, as fields of ReturnEvidence."""
        start, end = self._window
        return {
            "start_session": start,
            "end_session": end,
            "start": self._bars.etf(etf, start),
            "end": self._bars.etf(etf, end),
        }

    def _published_returns(self) -> dict[str, dict[str, Any]]:
        """Return what stage 3 published of each ETF over the period, as fields of EtfEvidence."""
        if self.trending is None:
            return {}
        names = {
            "period_return": f"return_{self._days}d",
            "benchmark_return": f"spy_return_{self._days}d",
            "outperformance": trending_column("outperformance", self._days),
            "is_trending": trending_column("is_trending", self._days),
        }
        return {
            row["etf_ticker"]: {name: _number(row[column]) for name, column in names.items()}
            for row in self._published.of(self.trending, TRENDING_ETFS)
        }

    def _of_period(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["period_days"] == str(self._days)]


def _number(cell: str | bool | None) -> float | bool | None:
    return float(cell) if isinstance(cell, str) else cell
