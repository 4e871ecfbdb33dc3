"""A hundred wrong prices are all detected. A hundred true moves are at most held back until a person accepts them.

A lie is planted in an answer about a ticker with honest stored rows. It is quarantined, or a break is noted, or the
ticker is missing with a reason. It changes no return without such a mark.

Lies that one source cannot reveal are not planted. These contradict neither themselves nor the stored rows: for example
a dividend that no answer ever listed or counted, or an invented one of ordinary size.

LIES_SEED draws others. Client, market server and PostgreSQL are real. Only the broker is a stand-in.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from collector.collection import open_collection
from collector.etf_bars import collect_etfs
from collector.stock_bars import collect_stocks
from config.config import Settings
from config.universe import universe
from consumer import replay_errors
from database.db_helper import Connection, Row, connect, fetch
from database.queries import errors, ledger
from log_words import missing_of
from market.faults import Fault, Faults, FaultyMarket
from market.invented import InventedMarket
from market.securities import US_COMPANIES
from utils.dates import close_of, session_after, session_before, window_of

UNTIL = date(2026, 8, 21)
SEED = int(os.environ.get("LIES_SEED", "11"))
ROUNDS = range(4)
TOLERANCE = 1e-6
# How far back lies and moves lie, and how many sessions' returns are looked at.
FURTHEST_BACK, LOOKED_AT = 25, 30
RUN_ID = "lies and true moves"

Planted = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One or more faults of a ticker's answer, or of two tickers' answers that are swapped."""

    kind: str
    tickers: tuple[str, ...]
    session: date | None
    faults: tuple[Planted, ...]

    def __str__(self) -> str:
        return f"{self.kind} of {', '.join(self.tickers)} at {self.session}: {self.faults}"


@dataclass(frozen=True)
class Evening:
    """What is honestly stored up to one session, and what is asked for on the evening of a later one."""

    stored_to: date
    asked: date
    cases: tuple[Case, ...]

    @property
    def tickers(self) -> list[str]:
        return [ticker for case in self.cases for ticker in case.tickers]


class Drawn:
    """A ticker drawn for a case, with what it did up to a session."""

    def __init__(self, luck: random.Random, market: InventedMarket, ticker: str, asked: date) -> None:
        self.luck = luck
        self.ticker = ticker
        self.bars = {bar.session: bar for bar in market.bars(ticker, evening_of(asked))}
        self.recent = list(self.bars)[-FURTHEST_BACK:]

    def some_session(self) -> date:
        """Choose the newest session as often as an older one."""
        return self.recent[-1] if self.luck.random() < 0.5 else self.luck.choice(self.recent[:-1])

    def close(self, session: date) -> float:
        close = self.bars[session].close
        assert close
        return close

    def dividends(self, until: date) -> list[date]:
        return [day for day in self.recent if self.bars[day].dividend and day <= until]

    def fault(self, kind: str, session: date, **values: Any) -> Planted:
        return {"kind": kind, "ticker": self.ticker, "session": session, **values}


# Draws the faults of a kind; None where the ticker does not lend itself to it.
Draw = Callable[[Drawn, date], list[Planted] | None]


def _bars(*factors: float, longest: int = 1) -> Draw:
    def draw(drawn: Drawn, stored_to: date) -> list[Planted]:
        factor, at = drawn.luck.choice(factors), drawn.recent.index(drawn.some_session())
        count = drawn.luck.randint(min(2, longest), longest)
        days = drawn.recent[max(0, at - count + 1) : at + 1]
        return [drawn.fault("scaled_bar", day, factor=factor) for day in days]

    return draw


def _stored_dividend(effect: str) -> Draw:
    def draw(drawn: Drawn, stored_to: date) -> list[Planted] | None:
        days = drawn.dividends(stored_to)
        return [drawn.fault("odd_dividend", drawn.luck.choice(days), effect=effect)] if days else None

    return draw


def _dividend(effect: str, *factors: float, least: float = 0.002, most: float = 0.02) -> Draw:
    """Its own one, as often as one out of nothing that is such a share of the close."""

    def draw(drawn: Drawn, stored_to: date) -> list[Planted] | None:
        factor = drawn.luck.choice(factors or (1.0,))
        if drawn.luck.random() < 0.5:
            days = drawn.dividends(drawn.recent[-1])
            return (
                [drawn.fault("odd_dividend", drawn.luck.choice(days), effect=effect, factor=factor)] if days else None
            )
        day = drawn.some_session()
        amount = drawn.close(day) * drawn.luck.uniform(least, most) / factor
        return [drawn.fault("odd_dividend", day, effect=effect, factor=factor, amount=amount)]

    return draw


def _split(*ratios: float) -> Draw:
    return lambda drawn, stored_to: [
        drawn.fault("unadjusted_split", drawn.some_session(), ratio=drawn.luck.choice(ratios))
    ]


def _shifted(drawn: Drawn, stored_to: date) -> list[Planted]:
    return [{"kind": "shifted_days", "ticker": drawn.ticker}]


SWAPPED = "swapped symbols"
LIES: dict[str, tuple[int, Draw]] = {
    "bar x 100": (10, _bars(100.0)),
    "bar / 100": (10, _bars(0.01)),
    "several bars x 100 or / 100": (5, _bars(100.0, 0.01, longest=4)),
    "stored dividend lost": (8, _stored_dividend("lost")),
    "dividend not listed": (7, _dividend("gone")),
    "absurd dividend": (10, _dividend("scaled", 100.0, least=0.25, most=0.9)),
    "dividend in an exchange rate's other unit": (4, _dividend("other_currency", 1_380.0, 149.0, least=0.25, most=9.0)),
    "dividend counted twice": (8, _dividend("doubled")),
    "dividend not counted": (8, _dividend("forgotten")),
    "split not applied": (7, _split(2.0, 3.0, 1.5, 1.25, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0)),
    "reverse split not applied": (5, _split(0.5, 0.1, 0.05, 1 / 8, 1 / 15, 0.02)),
    "spin-off not applied": (6, _split(1.064, 1.0608, 1.281, 1.0125, 1.031, 1.137)),
    "shifted days": (6, _shifted),
}
SWAPS = 3  # each is a lie about two tickers


def _move(drawn: Drawn, stored_to: date) -> list[Planted]:
    """After what is stored, so that it is new when it is asked for."""
    new = [day for day in drawn.recent if day > stored_to]
    day = new[-1] if drawn.luck.random() < 0.5 else drawn.luck.choice(new)
    size = drawn.luck.uniform(0.5, 0.8)
    factor = 1 + size if drawn.luck.random() < 0.5 else 1 - size
    return [drawn.fault("true_move", day, factor=factor, volume=drawn.luck.uniform(3, 15))]


def evening_of(session: date) -> datetime:
    """Return the moment of the market server's answers about a session, after its close."""
    return close_of(session) + timedelta(minutes=15)


def _evening(luck: random.Random, market: InventedMarket, kinds: Sequence[str], most_new: int) -> Evening:
    asked = session_before(UNTIL, luck.randrange(2, 200))
    stored_to = session_before(asked, luck.randint(1, most_new))
    etfs, stocks = list(universe().etfs), [company.ticker for company in US_COMPANIES]
    free = [*etfs, *luck.sample(stocks, len(stocks))]
    cases = []
    for number, kind in enumerate(kinds):
        # An ETF as often as a stock, as long as there are any.
        luck.shuffle(free)
        free.sort(key=lambda ticker: (ticker in etfs) == bool(number % 2))
        cases.append(_case(luck, market, kind, free, stored_to, asked))
        free = [ticker for ticker in free if ticker not in cases[-1].tickers]
    return Evening(stored_to, asked, tuple(cases))


def _case(
    luck: random.Random, market: InventedMarket, kind: str, free: Sequence[str], stored_to: date, asked: date
) -> Case:
    if kind == SWAPPED:
        of_a_kind = [ticker for ticker in free if (ticker in universe().etfs) == (free[0] in universe().etfs)]
        a, b = of_a_kind[:2]
        return Case(kind, (a, b), None, ({"kind": "swapped_symbols", "a": a, "b": b},))
    draw = _move if kind == "true move" else LIES[kind][1]
    for ticker in free:
        if faults := draw(Drawn(luck, market, ticker, asked), stored_to):
            return Case(kind, (ticker,), faults[0].get("session"), tuple(faults))
    raise AssertionError(f"no ticker for {kind} at {asked}")


@pytest.fixture(scope="module")
def invented() -> InventedMarket:
    return InventedMarket(seed=7, until=UNTIL)


@pytest.fixture(scope="module")
def evenings_of_lies(invented: InventedMarket) -> list[Evening]:
    luck = random.Random(SEED)
    kinds = [kind for kind, (count, _) in LIES.items() for _ in range(count)] + [SWAPPED] * SWAPS
    luck.shuffle(kinds)
    drawn = [_evening(luck, invented, kinds[number :: len(ROUNDS)], most_new=3) for number in ROUNDS]
    assert sum(len(evening.tickers) for evening in drawn) == 100
    return drawn


@pytest.fixture(scope="module")
def evenings_of_moves(invented: InventedMarket) -> list[Evening]:
    luck = random.Random(SEED)
    return [_evening(luck, invented, ["true move"] * 25, most_new=6) for _ in ROUNDS]


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


@dataclass
class Source:
    """Collects from the market server on an evening, with what is planted there."""

    settings: Settings
    market: httpx.Client

    def plant(self, cases: Sequence[Case]) -> None:
        for case in cases:
            for fault in case.faults:
                answer = self.market.post("/control/faults", json=json.loads(json.dumps(fault, default=str)))
                assert answer.is_success, f"{case}: {answer.text}"

    def collect(self, tickers: Sequence[str], session: date) -> dict[str, str]:
        """Return what is missing, and why."""
        self.market.put("/control/clock", json={"at": str(session)}).raise_for_status()
        etfs = tuple(ticker for ticker in tickers if ticker in universe().etfs)
        missing = missing_of(collect_etfs(self.settings, etfs, session, RUN_ID))
        with open_collection(self.settings, session, RUN_ID) as current:
            collect_stocks(current, [ticker for ticker in tickers if ticker not in etfs], session)
        return missing | missing_of(current.receipt)


@pytest.fixture
def source(settings: Settings, market: httpx.Client) -> Source:
    return Source(settings, market)


@dataclass(frozen=True)
class Stored:
    """What is stored, and marked, of some tickers: by ticker, and then by session."""

    rows: dict[str, dict[date, Row]]
    quarantined: dict[str, list[date]]
    breaks: dict[str, list[date]]

    @classmethod
    def read(cls, conn: Connection) -> "Stored":
        rows: dict[str, dict[date, Row]] = {}
        for table in ("collected_daily_etf_ohlc", "collected_daily_stock_history"):
            for row in fetch(conn, f"SELECT ticker, trade_date, close_price, adj_close, volume FROM {table}"):
                rows.setdefault(row["ticker"], {})[row["trade_date"]] = row
        return cls(rows, _by_ticker(conn, "logs_quarantined_bar"), _by_ticker(conn, "logs_open_break"))

    def marks(self, ticker: str) -> list[date]:
        return [*self.quarantined.get(ticker, ()), *self.breaks.get(ticker, ())]


def _by_ticker(conn: Connection, view: str) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    for row in fetch(conn, f"SELECT ticker, trade_date FROM {view} ORDER BY trade_date"):
        found.setdefault(row["ticker"], []).append(row["trade_date"])
    return found


def windows(last: date) -> list[tuple[date, date]]:
    """Return both ends of every published return that an evening's answers may change."""
    ends = [session_before(last, count) for count in range(LOOKED_AT)]
    return [window_of(end, period) for end in ends for period in universe().periods]


def change(rows: dict[date, float], start: date, end: date) -> float:
    return rows[end] / rows[start] - 1


def adj_closes(bars: Sequence[Any]) -> dict[date, float]:
    return {bar.session: bar.adj_close for bar in bars}


def wrong_returns(conn: Connection, stored: Stored, ticker: str, right: dict[date, float], last: date) -> list[str]:
    """Return the published returns that are wrong and not marked as degraded."""
    said = ledger.why_missing(conn, [(ticker, *window) for window in windows(last)])
    own = {session: row["adj_close"] for session, row in stored.rows[ticker].items()}
    wrong = []
    for start, end in windows(last):
        if (ticker, start, end) in said:
            continue
        is_right = start in own and end in own and abs(change(own, start, end) - change(right, start, end)) < TOLERANCE
        if not is_right:
            wrong.append(f"from {start} to {end}: {own.get(start)} -> {own.get(end)}, {right[start]} -> {right[end]}")
    return wrong


@pytest.mark.parametrize("number", ROUNDS)
def test_every_lie_is_seen_and_changes_no_return_in_silence(
    source: Source,
    conn: Connection,
    market: httpx.Client,
    invented: InventedMarket,
    evenings_of_lies: list[Evening],
    number: int,
) -> None:
    evening = evenings_of_lies[number]
    assert source.collect(evening.tickers, evening.stored_to) == {}
    honest = Stored.read(conn)
    assert (honest.quarantined, honest.breaks) == ({}, {})

    source.plant(evening.cases)
    next_session = session_after(evening.asked, 1)
    # The next evening still tells the lie, and the rows that it has changed are no witness any more.
    for session in (evening.asked, next_session):
        missing = source.collect(evening.tickers, session)
        told = Stored.read(conn)
        unseen, wrong = [], []
        for case in evening.cases:
            for ticker in case.tickers:
                is_marked = case.session in told.marks(ticker) if case.session else ticker in missing
                unseen += [] if is_marked else [f"{case}; marks: {told.marks(ticker)}, {missing.get(ticker)}"]
                right = adj_closes(invented.bars(ticker, evening_of(session)))
                wrong += [f"{case}: {each}" for each in wrong_returns(conn, told, ticker, right, session)]
        assert (unseen, wrong) == ([], []), f"on the evening of {session}"

    market.delete("/control/faults").raise_for_status()
    last = session_after(next_session, 1)
    missing = source.collect(evening.tickers, last)
    healed = Stored.read(conn)
    assert (missing, healed.quarantined) == ({}, {})
    # A dividend that was told once and no more stays noted: either answer may be the lie.
    invented_dividends = {case.tickers[0]: case.session for case in evening.cases if "amount" in case.faults[0]}
    left = {ticker: days for ticker, days in healed.breaks.items() if days != [invented_dividends.get(ticker)]}
    assert left == {}
    for ticker in evening.tickers:
        assert wrong_returns(conn, healed, ticker, adj_closes(invented.bars(ticker, evening_of(last))), last) == []


@pytest.mark.parametrize("number", ROUNDS)
def test_a_true_move_is_accepted_by_one_command(
    source: Source,
    conn: Connection,
    settings: Settings,
    invented: InventedMarket,
    evenings_of_moves: list[Evening],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    evening = evenings_of_moves[number]
    source.collect(evening.tickers, evening.stored_to)
    source.plant(evening.cases)
    source.collect(evening.tickers, evening.asked)
    told = Stored.read(conn)
    for case in evening.cases:
        assert told.quarantined.get(case.tickers[0], []) in ([], [case.session]), case

    monkeypatch.setattr(replay_errors, "Settings", SimpleNamespace(from_env=lambda: settings))
    for rejected in errors.waiting(conn):
        assert replay_errors.main([str(rejected["id"]), "--accept"]) == 0

    true = FaultyMarket(invented, faults_of(invented, evening.cases))
    accepted = Stored.read(conn)
    for case in evening.cases:
        bar = next(bar for bar in true.bars(case.tickers[0], evening_of(evening.asked)) if bar.session == case.session)
        row = accepted.rows[case.tickers[0]][bar.session]
        assert (row["close_price"], row["volume"]) == (pytest.approx(bar.close, rel=TOLERANCE), bar.volume), case

    next_session = session_after(evening.asked, 1)
    assert source.collect(evening.tickers, next_session) == {}
    assert errors.waiting(conn) == []
    assert fetch(conn, "SELECT * FROM logs_open_break WHERE is_withheld") == []
    after = Stored.read(conn)
    for case in evening.cases:
        [ticker] = case.tickers
        right = adj_closes(true.bars(ticker, evening_of(next_session)))
        assert ledger.why_missing(conn, [(ticker, *window) for window in windows(next_session)]) == {}, case
        assert wrong_returns(conn, after, ticker, right, next_session) == [], case


def faults_of(market: InventedMarket, cases: Sequence[Case]) -> Faults:
    faults, parse = Faults(market), TypeAdapter(Fault).validate_python
    for case in cases:
        for values in case.faults:
            faults.add(parse(values))
    return faults
