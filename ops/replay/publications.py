"""What a replay or a backfill has published over a range, and the bars it knew, as values that can be compared."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from config.config import Topic
from database.db_helper import Connection, Row
from database.queries import collected, replays


class Portfolio(NamedTuple):
    """Which of a session's portfolios."""

    as_of: date
    period_days: int


@dataclass(frozen=True)
class Trend:
    """Where an ETF stood; period_return None = it had no value."""

    period_return: float | None
    is_trending: bool


@dataclass(frozen=True)
class Candidate:
    """A holding that was looked at; market cap in US dollars."""

    ticker: str
    percent: float
    period_return: float | None
    market_cap: int | None
    is_selected: bool
    holdings_as_of: date
    start_session: date
    end_session: date

    @property
    def score(self) -> float | None:
        """Return over market cap, None unless it may be chosen."""
        if not self.market_cap or self.period_return is None or self.period_return <= 0:
            return None
        return self.period_return / self.market_cap


@dataclass(frozen=True)
class Position:
    weight: float
    etfs: tuple[str, ...]


@dataclass(frozen=True)
class MonthlyPosition:
    weight: float
    periods: tuple[int, ...]
    as_of: date


@dataclass(frozen=True)
class EveningBar:
    """A stored bar in its own currency, as it was known on some evening."""

    close: float
    adj_close: float
    currency: str
    shares: int | None = None
    market_cap: int | None = None
    cap_source: str | None = None


# (ticker, its session, evening of as_of) -> the bar as it was known then
KnownBar = Callable[[str, date, date], EveningBar | None]


def nothing_known(ticker: str, session: date, evening: date) -> EveningBar | None:
    return None


@dataclass
class Publications:
    """quarantined: bars (ticker, session) that a consumer has rejected and nobody has accepted."""

    trends: dict[Portfolio, dict[str, Trend]] = field(default_factory=lambda: defaultdict(dict))
    candidates: dict[Portfolio, dict[str, list[Candidate]]] = field(default_factory=lambda: defaultdict(dict))
    positions: dict[Portfolio, dict[str, Position]] = field(default_factory=lambda: defaultdict(dict))
    monthly: dict[date, dict[str, MonthlyPosition]] = field(default_factory=lambda: defaultdict(dict))
    known_bar: KnownBar = nothing_known
    quarantined: set[tuple[str, date]] = field(default_factory=set)

    def trend(self, portfolio: Portfolio, etf: str) -> Trend | None:
        return self.trends.get(portfolio, {}).get(etf)

    def looked_at(self, portfolio: Portfolio, etf: str) -> list[Candidate]:
        return self.candidates.get(portfolio, {}).get(etf, [])

    def held(self, portfolio: Portfolio, ticker: str) -> Position | None:
        return self.positions.get(portfolio, {}).get(ticker)

    def chosen(self, portfolio: Portfolio, etf: str) -> Candidate | None:
        return next((one for one in self.looked_at(portfolio, etf) if one.is_selected), None)

    def values(self, portfolio: Portfolio) -> dict[str, Candidate]:
        """Return the candidates by ticker: return and market cap are the same whichever ETF holds it."""
        return {one.ticker: one for listed in self.candidates.get(portfolio, {}).values() for one in listed}


def read_publications(conn: Connection, start: date, end: date) -> Publications:
    """Read everything that a database holds about the sessions of a range."""
    found = Publications(known_bar=_reader(conn))
    for row in replays.trending(conn, start, end):
        found.trends[_portfolio(row)][row["etf_ticker"]] = Trend(row["return"], row["trends"])
    for row in replays.candidates(conn, start, end):
        found.candidates[_portfolio(row)].setdefault(row["etf_ticker"], []).append(_candidate(row))
    for row in replays.positions(conn, start, end):
        position = Position(row["weight"], tuple(row["source_etfs"]))
        found.positions[_portfolio(row)][row["ticker"]] = position
    for row in replays.monthly_positions(conn, start, end):
        monthly = MonthlyPosition(row["weight"], tuple(row["source_periods"]), row["as_of_date"])
        found.monthly[row["rebalance_date"]][row["ticker"]] = monthly
    found.quarantined = _quarantined(conn, _tickers(found))
    return found


def _portfolio(row: Row) -> Portfolio:
    return Portfolio(row["as_of_date"], row["period_days"])


def _candidate(row: Row) -> Candidate:
    return Candidate(
        ticker=row["ticker"],
        percent=row["holding_percent"],
        period_return=row["period_return"],
        market_cap=row["market_cap"],
        is_selected=row["is_selected"],
        holdings_as_of=row["holdings_as_of"],
        start_session=row["start_session"],
        end_session=row["end_session"],
    )


def _tickers(found: Publications) -> set[str]:
    etfs = {etf for trends in found.trends.values() for etf in trends}
    return etfs.union(*(found.values(portfolio) for portfolio in found.candidates))


def _quarantined(conn: Connection, tickers: Iterable[str]) -> set[tuple[str, date]]:
    bars = (Topic.ETF_DAILY, Topic.STOCK_DAILY)
    return {
        (ticker, session)
        for ticker in tickers
        for topic in bars
        for session in collected.quarantined(conn, topic, ticker)
    }


def _reader(conn: Connection) -> KnownBar:
    @cache
    def known_bar(ticker: str, session: date, evening: date) -> EveningBar | None:
        row: dict[str, Any] | None = replays.bar_known(conn, ticker, session, evening)
        if row is None:
            return None
        return EveningBar(
            close=row["close_price"],
            adj_close=row["adj_close"],
            currency=row["currency"],
            shares=row["shares_outstanding"],
            market_cap=row["market_cap"],
            cap_source=row["market_cap_source"],
        )

    return known_bar
