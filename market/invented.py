"""The invented market: fifteen ETFs or more and their holdings, every price drawn from a seed.

The same seed gives the same values for a session wherever the market ends: each ticker has its own stream of random
numbers that starts at a fixed day. Everything is simulated on weekdays, where a return is the sum of a market factor,
a sector factor and the ticker's own, each with a drift that comes and goes; a venue then shows its own sessions only.
It has by default what makes Yahoo's answers hard to read (see oddities); its own methods tell the truth of a moment.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zlib import crc32

import numpy as np

from config.exchanges import suffix_of
from market.drawing import draw_bars, draw_rates, draw_unsettled
from market.history import HistoricalMarket, History, Snapshot, Wrong, dividend_factors
from market.made import Made
from market.model import MINOR_UNITS, Holding, Restatement, Security
from market.oddities import (
    BAD_CANDLES,
    BELOW_THE_CLOSE,
    DELISTED,
    EMPTY_LIST,
    EMPTY_LIST_SESSION,
    FIRST_PART,
    LISTED_TWICE,
    PART_OF_THE_COMPANY,
    RESTATED,
    RESTATED_BY,
    RESTATED_FOR,
    RESTATED_MONTH,
    RESTATED_SESSION,
    SPLITS,
    THIN,
    WITHOUT_IMPLIED_SHARES,
    WITHOUT_MARKET_CAP,
    WITHOUT_PROFILE,
    WITHOUT_QUOTE_CURRENCY,
    WITHOUT_SHARES,
)
from market.roster import LISTED, Roster
from market.securities import GOLD, RATES, Company, Fund
from market.sessions import (
    CURRENCIES,
    FRANKFURT,
    LONDON,
    NEW_YORK,
    SEOUL,
    TOKYO,
    Floats,
    Venue,
    end_of_market,
    trading_days,
    utc,
)
from market.waves import DAMPING, Draws, LogValues
from utils.errors import InvalidInput

DEFAULT_SEED = 7
DEFAULT_SESSIONS = 756  # three years
EPOCH = date(2020, 1, 2)
SNAPSHOT_EVERY = 5  # sessions
LARGEST_HOLDINGS = 10  # as many as Yahoo lists
KEPT_HISTORIES = 400  # a few megabytes for each hundred tickers
MONTHS = range(1, 13)


@dataclass(frozen=True)
class Listing:
    """Where a ticker trades, and in which currency."""

    venue: Venue
    currency: str


# By the ticker's suffix.
LISTINGS = {
    "": Listing(NEW_YORK, "USD"),
    ".KS": Listing(SEOUL, "KRW"),
    ".T": Listing(TOKYO, "JPY"),
    ".L": Listing(LONDON, "GBp"),
    ".DE": Listing(FRANKFURT, "EUR"),
}
VENUES = (CURRENCIES, *(listing.venue for listing in LISTINGS.values()))


class InventedMarket(HistoricalMarket):
    """The market of a seed, with the given number of New York sessions up to and with `until`.

    largest: how many holdings of a fund are listed
    """

    def __init__(
        self,
        seed: int,
        until: date,
        sessions: int = DEFAULT_SESSIONS,
        roster: Roster = LISTED,
        largest: int = LARGEST_HOLDINGS,
    ) -> None:
        self.seed = seed
        shown = _shown_sessions(until, sessions)
        world = _World(seed, shown[0], end_of_market(until), roster, largest)
        listed = {security.ticker: security for security in _securities(roster)}
        histories = Made(listed, lambda ticker: world.history(listed[ticker]), KEPT_HISTORIES)
        snapshots = Made(roster.fund_of, lambda etf: world.snapshots(roster.fund_of[etf]), kept=1)
        super().__init__("simulated", listed, histories, snapshots, shown, world.restatements())
        self.etfs = tuple(roster.fund_of)
        self._empty_lists = world.empty_lists()

    def holdings(self, etf: str, at: datetime) -> list[Holding]:
        if etf == EMPTY_LIST and any(begin <= at.timestamp() < end for begin, end in self._empty_lists):
            return []
        return super().holdings(etf, at)

    def holding_lines(self, etf: str, at: datetime) -> list[Holding]:
        lines = self.holdings(etf, at)
        if etf != LISTED_TWICE or len(lines) < 2:
            return lines
        whole = lines[1].percent
        part = round(whole * FIRST_PART, 6)
        parts = [replace(lines[1], percent=part), replace(lines[1], percent=round(whole - part, 6))]
        return sorted([lines[0], *parts, *lines[2:]], key=lambda line: -line.percent)


def _shown_sessions(until: date, count: int) -> tuple[date, ...]:
    home = trading_days(NEW_YORK)
    last = home.position(until)
    if last is None:
        raise InvalidInput(f"the market cannot end on {until}: it is not a session of the New York Stock Exchange")
    first = last + 1 - count
    if first < 0 or home.days[first] <= EPOCH:
        raise InvalidInput(f"{count} sessions up to {until} reach back to {EPOCH} or further: choose a later end")
    return home.days[first : last + 1]


def _securities(roster: Roster) -> Iterable[Security]:
    for fund in (*roster.funds, GOLD):
        units = 1e6 * (100 + crc32(fund.ticker.encode()) % 800)
        yield Security(
            fund.ticker, fund.name, "ETF", "USD", fund.exchange, NEW_YORK, shares=units, cap_shares=round(1.07 * units)
        )
    for company in roster.companies:
        yield _listed(company)
    for pair in RATES:
        currency = pair.removesuffix("=X")
        yield Security(pair, f"USD/{currency}", "CURRENCY", currency, "CCY", CURRENCIES)


def _listed(company: Company) -> Security:
    ticker = company.ticker
    listing = LISTINGS[suffix_of(ticker)]
    price = company.price / (100 if listing.currency in MINOR_UNITS else 1)
    count = 1000.0 * round(company.market_cap * 1e6 / price)
    cap_disclosed = ticker not in WITHOUT_MARKET_CAP
    shares_disclosed = cap_disclosed and ticker not in WITHOUT_SHARES
    return Security(
        ticker=ticker,
        name=company.name,
        kind="EQUITY",
        currency=listing.currency,
        exchange=company.exchange,
        venue=listing.venue,
        sector=company.sector,
        shares=1000.0 * round(count * PART_OF_THE_COMPANY.get(ticker, 1.0) / 1000) if shares_disclosed else None,
        cap_shares=count if cap_disclosed else None,
        states_company_shares=shares_disclosed and ticker not in WITHOUT_IMPLIED_SHARES,
        states_currency=ticker not in WITHOUT_QUOTE_CURRENCY,
        has_profile=ticker not in WITHOUT_PROFILE,
        is_thin=ticker in THIN,
        last_session=DELISTED.get(ticker),
    )


@dataclass(frozen=True)
class _Sheet:
    """A venue's sessions from the epoch to the end of the market. `at` is their row on the weekdays."""

    days: tuple[date, ...]
    opens: Floats
    closes: Floats
    at: list[int]
    first_shown: int

    def rows(self, months: Iterable[int], nth: int) -> list[int]:
        """Return the rows of the nth session of those months."""
        firsts = [row for row, day in enumerate(self.days) if row == 0 or day.month != self.days[row - 1].month]
        rows = [row + nth - 1 for row in firsts if self.days[row].month in months]
        return [row for row in rows if row < len(self.days)]

    def shown_rows(self, months: Iterable[int], nth: int) -> list[int]:
        return [row for row in self.rows(months, nth) if row >= self.first_shown]


class _World:
    """The simulation on weekdays from the epoch to the end, and what each venue shows of it."""

    def __init__(self, seed: int, first_shown: date, end: float, roster: Roster, largest: int) -> None:
        self._roster = roster
        self._largest_holdings = largest
        self._sheets = {venue.calendar: _sheet(venue, first_shown, end) for venue in VENUES}
        self._home = self._sheets[NEW_YORK.calendar]
        weekdays = _weekdays_from_epoch(len(self._sheets[CURRENCIES.calendar].days) + 1)  # a day ends where the next is
        self._draws = Draws(seed, len(weekdays))
        self._log_value = LogValues(self._draws, weekdays, roster)

    def history(self, security: Security) -> History:
        """Return a security as traded on its venue, from the first session shown."""
        sheet = self._sheets[security.venue.calendar]
        splits = _splits(security, sheet)
        bars = self._rates(security, sheet) if security.kind == "CURRENCY" else self._bars(security, sheet, splits)
        dividends = _dividends(security, sheet, bars["close"], self._described(security.ticker).dividend_yield)
        end = bisect_right(sheet.days, security.last_session) if security.last_session else None
        shown = slice(sheet.first_shown, end)
        days = sheet.days[shown]
        columns = {name: values[shown] for name, values in bars.items()}
        settling = self._draws.uniform(security.ticker, "settling", 6)[sheet.at][shown]
        return History(
            days=days,
            opens_at=sheet.opens[shown],
            closes_at=sheet.closes[shown],
            **columns,
            dividend=dividends[shown],
            split_ratio=splits[shown],
            dividend_factor=dividend_factors(dividends, splits, bars["close"])[shown],
            intraday=True,
            shares_before=float(np.prod(splits[: sheet.first_shown])),
            wrong=tuple(self._wrong(security, bars)),
            unsettled=None if security.kind == "CURRENCY" else draw_unsettled(security, days, columns, settling),
            is_single=True,
        )

    def _bars(self, security: Security, sheet: _Sheet, splits: Floats) -> dict[str, Floats]:
        value = self._described(security.ticker).price * np.exp(self._log_value[security.ticker][sheet.at])
        return draw_bars(security, value, splits, self._draws.normal(security.ticker, "bars", 4)[sheet.at])

    def _rates(self, security: Security, sheet: _Sheet) -> dict[str, Floats]:
        value = RATES[security.ticker] * np.exp(self._log_value[security.ticker])
        at = np.array(sheet.at)
        draws = self._draws.normal(security.ticker, "bars", 3)[at]
        return draw_rates(sheet.days, value[at], value[at + 1], draws)

    def snapshots(self, fund: Fund) -> list[Snapshot]:
        """Return the largest holdings of every fifth session, by a damped market cap that drifts with the prices."""
        first = self._home.first_shown - self._home.first_shown % SNAPSHOT_EVERY
        rows = range(first, len(self._home.days), SNAPSHOT_EVERY)
        weekdays = [self._home.at[row] for row in rows]
        values = {member: np.exp(self._log_value[member][weekdays]).tolist() for member in fund.members}
        return [
            Snapshot(self._home.days[row], self._largest(fund, {member: values[member][at] for member in fund.members}))
            for at, row in enumerate(rows)
        ]

    def empty_lists(self) -> list[tuple[float, float]]:
        """Return from when to when (unix seconds) the list of one fund is empty."""
        closes = trading_days(NEW_YORK).closes
        days = (self._home.days[row] for row in self._home.rows(MONTHS, EMPTY_LIST_SESSION))
        positions = trading_days(NEW_YORK).positions(days)
        return [(float(closes[at]), float(closes[at + 1])) for at in positions]

    def restatements(self) -> list[Restatement]:
        """Return the bad candles, and last the wrong closes."""
        rows = [(candle.ticker, row, 1) for candle in BAD_CANDLES for row in self._candle_rows(candle.ticker)]
        rows += [(RESTATED, row, RESTATED_FOR) for row in self._restated_rows()]
        days = self._home.days
        return [Restatement(ticker, days[row], utc(_opens_after(days[row], later))) for ticker, row, later in rows]

    def _restated_rows(self) -> list[int]:
        return self._home.shown_rows((RESTATED_MONTH,), RESTATED_SESSION)

    def _candle_rows(self, ticker: str) -> list[int]:
        candles = [candle for candle in BAD_CANDLES if candle.ticker == ticker]
        return [row for candle in candles for row in self._home.shown_rows((candle.month,), candle.session)]

    def _wrong(self, security: Security, bars: Mapping[str, Floats]) -> Iterable[Wrong]:
        days, first = self._home.days, self._home.first_shown
        for row in self._candle_rows(security.ticker):
            close = float(bars["close"][row])
            yield Wrong(row - first, _opens_after(days[row], 1), round(close * BELOW_THE_CLOSE, 2), close)
        for row in self._restated_rows() if security.ticker == RESTATED else ():
            close = round(float(bars["close"][row]) * RESTATED_BY, 2)
            high = max(float(bars["high"][row]), close)
            yield Wrong(row - first, _opens_after(days[row], RESTATED_FOR), high, close)

    def _largest(self, fund: Fund, values: Mapping[str, float]) -> tuple[Holding, ...]:
        company_of = self._roster.company_of
        sizes = {member: (company_of[member].market_cap * values[member]) ** DAMPING for member in fund.members}
        whole = sum(sizes.values()) / fund.coverage
        largest = sorted(sizes, key=lambda member: (-sizes[member], member))[: self._largest_holdings]
        return tuple(Holding(member, company_of[member].name, round(sizes[member] / whole, 6)) for member in largest)

    def _described(self, ticker: str) -> Company | Fund:
        return self._roster.company_of.get(ticker) or self._roster.fund_of.get(ticker) or GOLD


def _weekdays_from_epoch(count: int) -> tuple[date, ...]:
    weekdays = trading_days(CURRENCIES).days
    first = bisect_left(weekdays, EPOCH)
    return weekdays[first : first + count]


def _sheet(venue: Venue, first_shown: date, end: float) -> _Sheet:
    trading, weekdays = trading_days(venue), trading_days(CURRENCIES).days
    span = slice(bisect_left(trading.days, EPOCH), trading.count_opened(end))
    first_weekday = bisect_left(weekdays, EPOCH)
    days = trading.days[span]
    return _Sheet(
        days=days,
        opens=trading.opens[span],
        closes=trading.closes[span],
        at=[bisect_left(weekdays, day) - first_weekday for day in days],
        first_shown=bisect_left(days, first_shown),
    )


def _splits(security: Security, sheet: _Sheet) -> Floats:
    ratios = np.ones(len(sheet.days))
    for rule in SPLITS:
        for row in sheet.rows((rule.month,), rule.session):
            if rule.tickers[sheet.days[row].year % len(rule.tickers)] == security.ticker:
                ratios[row] = rule.ratio
    return ratios


def _dividends(security: Security, sheet: _Sheet, close: Floats, yearly: float) -> Floats:
    """Pay four dividends a year, each a quarter of the yield on the close before.

    The ticker decides on which sessions.
    """
    paid = np.zeros(len(sheet.days))
    if not yearly:
        return paid
    luck = crc32(security.ticker.encode())
    months = range(3 if security.kind == "ETF" else 1 + luck % 3, 13, 3)
    for row in sheet.rows(months, nth=5 + luck % 11):
        paid[row] = yearly / 4 * close[row - 1]
    return np.round(paid, 0 if security.currency == "KRW" else 3)


def _opens_after(session: date, count: int) -> float:
    home = trading_days(NEW_YORK)
    return float(home.opens[bisect_left(home.days, session) + count])
