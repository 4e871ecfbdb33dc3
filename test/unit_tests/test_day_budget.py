"""The day's requests over several days: what comes first, and whose turn it is, in both modes of the schedule."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from collector import day_budget, stock_bars
from collector.collection import Collection
from collector.completeness import Kind
from collector.day_budget import Rank, requests_left, take_turns
from collector.receipt import Receipt
from collector.request_plan import plan
from collector.yahoo_answers.model import Quote
from config.config import Settings
from config.universe import universe
from database.queries import collected, etfs, ledger, requests
from database.queries import stock_sectors as stored_sectors
from database.tables import DAILY_ETF_OHLC
from utils.dates import session_after
from utils.errors import UnusableAnswer

ETFS = ["SPY", *(f"E{number:03}" for number in range(499))]
LARGE = replace(universe(), benchmarks={"SPY": "S&P 500"}, sectors=dict.fromkeys(ETFS[1:], "Technology"), fund_sizes={})
FIRST = date(2026, 8, 3)


@dataclass
class Platform:
    """A platform of 500 ETFs, all of which trend, that remembers what was asked for and what is stored."""

    settings: Settings
    stocks: list[str]
    now: datetime = datetime(2026, 8, 3, tzinfo=UTC)
    session: date = FIRST
    asked: list[tuple[datetime, str, str]] = field(default_factory=list)
    stored: dict[str, date] = field(default_factory=dict)
    lists: dict[str, date] = field(default_factory=dict)
    late: dict[str, Kind] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    is_published: bool = False

    @property
    def today(self) -> list[tuple[str, str]]:
        begins = timedelta(hours=self.settings.yahoo.day_begins.hour, minutes=self.settings.yahoo.day_begins.minute)
        since = datetime.combine((self.now - begins).date(), time(), UTC) + begins
        return [(endpoint, symbol) for moment, endpoint, symbol in self.asked if moment >= since]

    @property
    def run(self) -> Any:
        receipt = Receipt(self.session)
        return SimpleNamespace(settings=self.settings, conn=None, run_id="r", receipt=receipt, halted=None)

    def at(self, day: date, hour: int, minute: int = 0) -> None:
        self.now = datetime.combine(day, time(hour, minute), UTC)

    def ask(self, endpoint: str, *symbols: str) -> None:
        self.asked += [(self.now, endpoint, symbol) for symbol in symbols]

    def collect(self, kind: Kind, wanted: Sequence[str], session: date) -> int:
        turns = take_turns(self.run, kind, {ticker: [session] for ticker in wanted})
        self.ask("chart", *turns)
        if kind is Kind.STOCK:
            self.ask("quote", *(f"quotes {number}" for number in range(-(-len(turns) // 50))))
        self.stored |= dict.fromkeys(turns, session)
        self.late |= {ticker: kind for ticker in wanted if ticker not in turns}
        for ticker in turns:
            self.late.pop(ticker, None)
        return len(turns)

    def collect_etfs(self) -> int:
        return self.collect(Kind.ETF, ETFS, self.session)

    def collect_lists(self) -> int:
        found = 0
        for etf in ETFS[1:]:
            if requests_left(self.run, Rank.LISTS):
                self.ask("quoteSummary", etf)
                self.lists[etf] = self.session
                found += 1
        return found

    def collect_stocks(self) -> int:
        return self.collect(Kind.STOCK, [stock for stock in self.stocks if self.lacks(stock)], self.session)

    def lacks(self, ticker: str) -> bool:
        return self.stored.get(ticker) != self.session

    def repoll(self) -> None:
        for kind in Kind:
            self.collect(kind, [ticker for ticker, of_kind in self.late.items() if of_kind is kind], self.session)


def platform_with(monkeypatch: pytest.MonkeyPatch, stocks: int, **environ: str) -> Platform:
    settings = Settings.from_env(environ)
    made = Platform(settings, [f"S{number:04}" for number in range(stocks)])
    limit = settings.yahoo.requests_per_day
    answers = {
        (day_budget, "universe"): lambda: LARGE,
        (day_budget, "disk_short"): lambda settings: None,
        (day_budget, "held"): lambda conn, as_of: made.held,
        (day_budget, "last_closed_session"): lambda moment: made.session,
        (requests, "left_of_budget"): lambda conn, yahoo: limit and max(0, limit - len(made.today)),
        (requests, "asked_of_budget_day"): lambda conn, begins, endpoint, symbols: {
            symbol for asked, symbol in made.today if asked == endpoint
        },
        (requests, "bars_asked_on"): lambda conn, symbols: {
            symbol: moment.date() for moment, endpoint, symbol in made.asked if endpoint == "chart"
        },
        (collected, "newest_sessions"): lambda conn, table, tickers: {
            ticker: made.stored[ticker]
            for ticker in tickers
            if ticker in made.stored and (ticker in ETFS) == (table is DAILY_ETF_OHLC)
        },
        (collected, "listed_since"): lambda conn, wanted, day: {
            etf for etf, listed in made.lists.items() if listed >= day
        },
        (etfs, "trending"): lambda conn, day: [{"etf_ticker": etf} for etf in ETFS[1:]] if made.is_published else None,
        (ledger, "record"): lambda *_: None,
    }
    for (module, name), answer in answers.items():
        monkeypatch.setattr(module, name, answer)
    return made


@pytest.fixture(params=["staggered", "controller"])
def mode(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def days_of(platform: Platform, mode: str, days: int) -> Iterator[tuple[int, int, int]]:
    """Run so many sessions as the schedule does, the repoll included, and yield the bars, lists and stocks of each."""
    for _ in range(days):
        next_day = platform.session + timedelta(days=1)
        platform.is_published = False
        platform.at(next_day, 9) if mode == "staggered" else platform.at(platform.session, 21, 30)
        bars = platform.collect_etfs()
        platform.is_published = True
        platform.at(next_day, 12) if mode == "staggered" else platform.at(next_day, 0)
        yield bars, platform.collect_lists(), platform.collect_stocks()
        platform.at(next_day, 14, 30)
        platform.repoll()
        assert len(platform.today) <= platform.settings.yahoo.requests_per_day
        platform.session = session_after(platform.session, 1)


@pytest.mark.parametrize(("stocks", "turns"), [(2495, 3), (1500, 2)])
def test_every_session_has_its_etfs_and_a_stock_the_turns_of_the_plan(
    monkeypatch: pytest.MonkeyPatch, mode: str, stocks: int, turns: int
) -> None:
    platform = platform_with(monkeypatch, stocks, PIPELINE_SCHEDULE=mode)

    made = list(days_of(platform, mode, 6))

    assert made == [(500, 499, 971)] * 6
    assert all((platform.session - last).days <= turns + 2 for last in platform.stored.values()), "2: a weekend"
    times = Counter(symbol for _, endpoint, symbol in platform.asked if endpoint == "chart")
    assert min(times[stock] for stock in platform.stocks) >= 6 // turns
    lines = " ".join(plan(LARGE, platform.settings.yahoo, stocks))
    assert f"a stock has its turn every {turns} days" in lines and "971 stocks' bars" in lines


def test_a_budget_below_etfs_and_lists_leaves_no_stock_a_turn_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = platform_with(monkeypatch, 1500, YAHOO_REQUESTS_PER_DAY="1000")

    assert list(days_of(platform, "staggered", 3)) == [(500, 499, 0)] * 3
    lines = " ".join(plan(LARGE, platform.settings.yahoo, 1500))
    assert "no stock ever has a turn: that takes more than 1,010 a day" in lines


def test_a_repoll_that_comes_first_leaves_the_sessions_etfs_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that was off makes up for its repoll when the stages of the day are about to begin."""
    platform = platform_with(monkeypatch, 2495)
    platform.late = dict.fromkeys(platform.stocks, Kind.STOCK)
    platform.at(date(2026, 8, 4), 9)

    platform.repoll()

    assert len(platform.today) <= 1001
    assert (platform.collect_etfs(), platform.collect_lists()) == (500, 499)


def test_lists_leave_the_bars_of_etfs_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = platform_with(monkeypatch, 0, YAHOO_REQUESTS_PER_DAY="700")
    platform.at(date(2026, 8, 4), 9)

    assert (platform.collect_lists(), platform.collect_etfs()) == (200, 500)


def test_what_no_etf_needs_any_more_is_for_stocks(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = platform_with(monkeypatch, 2495)
    platform.at(date(2026, 8, 4), 9)
    platform.stored = dict.fromkeys(ETFS, platform.session)
    platform.lists = dict.fromkeys(ETFS, platform.session)

    assert platform.collect_stocks() == 1950


def test_what_is_held_comes_first_and_who_is_not_answered_has_had_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = platform_with(monkeypatch, 1500, YAHOO_REQUESTS_PER_DAY="61")
    platform.stored = dict.fromkeys(ETFS, date(2026, 8, 5))
    platform.lists = dict.fromkeys(ETFS, date(2026, 8, 5))
    platform.stored |= dict.fromkeys(["OLD", "OLDER", "GONE", "HELD"], date(2026, 7, 30))
    platform.stored["OLDER"], platform.stored["HELD"] = date(2026, 7, 29), date(2026, 8, 3)
    platform.at(date(2026, 8, 3), 9)
    platform.ask("chart", "UNKNOWN", "GONE")
    platform.held = ["HELD"]
    platform.at(date(2026, 8, 4), 9)

    turns = day_budget._in_turn(platform.run, Kind.STOCK, ["UNKNOWN", "GONE", "OLD", "OLDER", "NEW", "HELD"])

    assert turns == ["HELD", "NEW", "OLDER", "OLD", "UNKNOWN", "GONE"]


@pytest.mark.parametrize(("since", "sectors"), [(None, 4), (FIRST, 9)], ids=["a day", "a history"])
def test_look_ups_keep_to_the_budget(monkeypatch: pytest.MonkeyPatch, since: date | None, sectors: int) -> None:
    platform = platform_with(monkeypatch, 2495)
    platform.at(date(2026, 8, 4), 12)
    platform.stored = dict.fromkeys(ETFS, platform.session)
    platform.lists = dict.fromkeys(ETFS, platform.session)
    platform.ask("chart", *(f"asked {number}" for number in range(999)))

    def bars(ticker: str, *_: object) -> None:
        platform.ask("chart", ticker)
        raise UnusableAnswer("x")

    def quotes(tickers: Sequence[str]) -> dict[str, Quote]:
        platform.ask("quote", *(f"quotes {number}" for number in range(-(-len(tickers) // 50))))
        return {ticker: Quote(ticker, ticker, "USD", 100, None) for ticker in tickers}

    yahoo = SimpleNamespace(
        daily_bars=bars, quotes=quotes, sector=lambda ticker: platform.ask("quoteSummary", ticker) or "Technology"
    )
    for module, name, answer in (
        (collected, "absent", lambda conn, table, days: days),
        (collected, "bars", lambda *_: {}),
        (collected, "currencies", lambda *_: set()),
        (ledger, "expect", lambda *_: None),
        (requests, "count_of_last_day", lambda conn: len(platform.today)),
        *((stored_sectors, name, lambda *_: []) for name in ("known", "listed")),
        (stored_sectors, "lookups", lambda *_: {}),
    ):
        monkeypatch.setattr(module, name, answer)
    current = Collection(platform.settings, None, yahoo, None, Receipt(FIRST), "r")  # type: ignore[arg-type]

    stock_bars.collect_stocks(current, platform.stocks, FIRST, since)

    made = Counter(endpoint for endpoint, _ in platform.today)
    assert made == {"chart": 999 + 971, "quote": 20, "quoteSummary": sectors}, "one is left for an exchange rate"
