"""Yahoo's answers as data: JSON in, our dataclasses out, without any request.

Prices and dividends are in the major unit of an ISO currency whatever unit Yahoo quotes in.
"""

import math
import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from utils.dates import close_of, delay_of, exchange_of, time_zone_of
from utils.errors import NotASession, UnusableAnswer
from utils.messages import LARGEST_INTEGER, Source
from utils.text import printable

RATE_SUFFIX = "=X"
RATE_ZONE = ZoneInfo("Europe/London")
# A hundredth of these is what the price of a share is quoted in; a market cap is in the currency itself.
MINOR_UNITS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ZAC": "ZAR", "ILA": "ILS", "ILa": "ILS"}
CURRENCY = re.compile(r"[A-Z]{3}")
PRICES = ("open", "high", "low", "close", "volume")
LONGEST_NAME = 200
LONGEST_WORDS = 300
LONGEST_TICKER = 20
LARGEST_SHARE = 1000.0  # of a fund; the shares of a fund of funds or of a hedged one may add up to more than 1
TICKER = re.compile(r"[A-Za-z0-9^.&=_-]+")
# Names of cash, and of the funds that hold it for others.
CASH = re.compile(
    r"(net |other )?cash(( and| &|/)? ?(other|equivalents?|cash equivalents?|receivables?|payables?))*"
    r"( collateral| offset| component)?|(u\.?s\.? |united states )?dollars?( cash)?"
    r"|.*\b(cash (funds?|management|reserves?)|money market|liquid reserves|government (&|and) agency portfolio)\b.*",
    re.IGNORECASE,
)
ROUNDING = 1e-6  # prices are float32, adjusted closes differ by 1e-7 from one request to the next


class Refusal(UnusableAnswer):
    """An answer that cannot be used; kind says in what way, so that refusals can be told to be alike."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NoModule(Refusal):
    """Yahoo knows the ticker, and has nothing of this sort on it: asking again is of no use."""


@dataclass(frozen=True)
class Answer:
    """Where and when an answer is from: the server's own clock and its label (yahoo, simulated, recorded)."""

    fetched_at: datetime
    source: Source


@dataclass(frozen=True)
class Bar:
    """One session as Yahoo gives it: prices split-adjusted, adj_close dividend-adjusted too; None = unknown."""

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float
    adj_close: float
    volume: int
    dividend: float
    split_ratio: float
    capital_gain: float = 0.0


@dataclass(frozen=True)
class Bars:
    """A ticker's completed sessions, in order, without gaps filled."""

    ticker: str
    currency: str
    bars: list[Bar]
    answer: Answer


@dataclass(frozen=True)
class FundHolding:
    ticker: str
    name: str | None
    percent: float


@dataclass(frozen=True)
class FundHoldings:
    """A fund's largest holdings (fractions of it), largest first. Yahoo lists at most ten.

    notes: what was left out or put together, one sentence each.
    """

    etf: str
    holdings: list[FundHolding]
    answer: Answer
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Quote:
    """What Yahoo knows of a stock now; None = it does not say. market_cap and price are in `currency`, a major unit.

    shares_outstanding counts the listed class, implied_shares the company.
    """

    ticker: str
    name: str | None
    currency: str | None
    shares_outstanding: int | None
    market_cap: int | None
    implied_shares: int | None = None
    price: float | None = None


@dataclass(frozen=True)
class _Row:
    """One line of a chart's arrays, in the unit that Yahoo quotes in."""

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adj_close: float | None
    volume: int


@dataclass(frozen=True)
class _Event:
    """What happened on a day, which need not have a row. is_foreign: the dividend is in another currency."""

    day: date
    dividend: float = 0.0
    split_ratio: float = 1.0
    capital_gain: float = 0.0
    is_foreign: bool = False


def bars_from_chart(answer: Any, ticker: str, moment: datetime) -> tuple[str, list[Bar]]:
    """A chart answer -> the currency of its prices, and the sessions that were over at the moment it is from.

    Refusal when it is another ticker's, of another interval, contradicts itself or has no currency.
    """
    result = _only_result(answer, "chart", ticker)
    meta = result.get("meta") or {}
    if meta.get("symbol") != ticker:
        raise Refusal(
            "another symbol",
            f"asked Yahoo for {ticker}, it answered for {printable(str(meta.get('symbol')), LONGEST_TICKER)}",
        )
    if meta.get("dataGranularity", "1d") != "1d":
        raise Refusal(
            "bars of another interval",
            f"{ticker}: Yahoo answered with bars of {printable(str(meta['dataGranularity']), LONGEST_TICKER)}",
        )
    currency, units = major_unit(meta.get("currency"))
    if currency is None:
        raise Refusal("no currency", f"{ticker}: Yahoo does not say its currency ({meta.get('currency')!r})")
    rows = _rows(result, ticker, meta)
    if ticker.endswith(RATE_SUFFIX):
        return currency, rates(rows, moment)
    bars = [bar for row in rows if (bar := _bar(row, units))]
    happened = _events(result.get("events") or {}, meta, ticker, currency, units)
    return currency, completed(with_events(bars, happened), ticker, moment, meta)


def major_unit(code: Any) -> tuple[str | None, float]:
    """The ISO currency a code of Yahoo's stands for, and how many of the code's units are one of it.

    >>> major_unit("GBp"), major_unit("USD"), major_unit(None)
    (('GBP', 100.0), ('USD', 1.0), (None, 1.0))
    """
    if not isinstance(code, str):
        return None, 1.0
    if code in MINOR_UNITS:
        return MINOR_UNITS[code], 100.0
    return (code if CURRENCY.fullmatch(code) else None), 1.0


def rates(rows: Iterable[_Row], moment: datetime) -> list[Bar]:
    """An exchange rate's bars: the rate of a day is its open, the price at 00:00 London.

    The running day's close is the live price, and Yahoo replaces it by about the open once the day is over. High and
    low often contradict both, so they are left out. A past day without an open has its close; the running one nothing.
    """
    today = moment.astimezone(RATE_ZONE).date()
    known = ((row.session, row.open or (row.close if row.session < today else None)) for row in rows)
    return [Bar(day, rate, None, None, rate, rate, 0, 0.0, 1.0) for day, rate in known if rate]


def completed(bars: Iterable[Bar], ticker: str, moment: datetime, meta: Mapping[str, Any]) -> list[Bar]:
    """The bars whose session was over at the moment, by the calendar and by the answer's own trading period.

    The last trade says nothing: a thin ticker's precedes the close.
    """
    zone, known_by = zone_of(ticker, meta), moment - delay_of(ticker)
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    period_end = datetime.fromtimestamp(regular["end"], UTC) if regular.get("end") else None
    return [bar for bar in bars if _end_of(bar.session, exchange_of(ticker), zone, period_end) <= known_by]


def _end_of(session: date, exchange: str, zone: ZoneInfo, period_end: datetime | None) -> datetime:
    """A session ends with the later one of the calendar's close and the answer's; a day that is none, at midnight."""
    try:
        close = close_of(session, exchange)
    except NotASession:
        close = datetime.combine(session + timedelta(days=1), time(), zone)
    return max(close, period_end) if period_end and period_end.astimezone(zone).date() == session else close


def zone_of(ticker: str, meta: Mapping[str, Any]) -> ZoneInfo:
    """The time zone the answer names, else the one of the ticker's exchange."""
    try:
        return ZoneInfo(meta["exchangeTimezoneName"])
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError):
        return ZoneInfo(time_zone_of(ticker))


def with_events(bars: Sequence[Bar], events: Iterable[_Event]) -> list[Bar]:
    """The bars with what happened on their days; what happened on a day without a bar belongs to the next one."""
    changed = list(bars)
    days = [bar.session for bar in bars]
    foreign = set()
    for event in events:
        at = bisect_left(days, event.day)
        if at == len(days):
            continue  # it will come with the bar after it
        changed[at] = replace(
            changed[at],
            dividend=changed[at].dividend + event.dividend,
            split_ratio=changed[at].split_ratio * event.split_ratio,
            capital_gain=changed[at].capital_gain + event.capital_gain,
        )
        foreign |= {at} if event.is_foreign else set()
    return [
        _converted(before, bar) if before and at in foreign else bar
        for at, (before, bar) in enumerate(pairwise([None, *changed]))
        if bar
    ]


def _converted(before: Bar, bar: Bar) -> Bar:
    """The dividend in the currency of the prices: what the adjusted closes take it to be.

    Without a trace of it in the adjusted closes it stays as it is, and does not fit them.
    """
    fall = 1 - (before.adj_close / before.close) / (bar.adj_close / bar.close)
    implied = fall * before.close - bar.capital_gain
    return replace(bar, dividend=implied) if implied > ROUNDING * before.close else bar


def _only_result(answer: Any, envelope: str, ticker: str) -> dict[str, Any]:
    results = results_of(answer, envelope, ticker)
    if not (isinstance(results, list) and results and isinstance(results[0], dict)):
        raise Refusal("no result", f"{ticker}: Yahoo's answer is empty")
    return dict(results[0])


def results_of(answer: Any, envelope: str, what: str) -> Any:
    """What stands in an answer's envelope; Refusal when Yahoo says why there is nothing."""
    if said := error_of(answer):
        raise Refusal(said, f"{what}: Yahoo answered {said!r}")
    if not isinstance(answer, dict) or not isinstance(answer.get(envelope), dict):
        raise Refusal("no result", f"{what}: Yahoo's answer has no {envelope!r}")
    return answer[envelope].get("result")


def error_of(answer: Any) -> str:
    """Yahoo's own words on why there is nothing, whatever they are wrapped in; empty when there are none."""
    parts = answer.values() if isinstance(answer, dict) else []
    said = next((part["error"] for part in parts if isinstance(part, dict) and part.get("error")), None)
    words = str(said.get("description") or said.get("code") or said) if isinstance(said, dict) else str(said or "")
    return printable(words, LONGEST_WORDS)


def _rows(result: Mapping[str, Any], ticker: str, meta: Mapping[str, Any]) -> list[_Row]:
    """The chart's lines, one a session, in order; those without any price are left out."""
    stamps = result.get("timestamp") or []
    indicators = result.get("indicators") or {}
    quoted = (indicators.get("quote") or [{}])[0] or {}
    adjusted = ((indicators.get("adjclose") or [{}])[0] or {}).get("adjclose")
    columns = [*(quoted.get(name) for name in PRICES), adjusted]
    if not stamps and not any(columns):
        return []
    if any(not isinstance(column, list) or len(column) != len(stamps) for column in columns):
        raise Refusal("arrays of different lengths", f"{ticker}: Yahoo's arrays of prices are not as long as its days")
    zone, live = zone_of(ticker, meta), meta.get("regularMarketTime")
    rows: dict[date, _Row] = {}
    lines: list[list[Any]] = sorted(map(list, zip(stamps, *columns, strict=True)), key=lambda line: line[0])
    for line in lines:
        opened, high, low, close, volume, adj_close = map(_price, line[1:])
        session = _session(line[0], zone, line[0] == live)
        row = _Row(session, opened, high, low, close, adj_close, int(volume or 0))
        rows[session] = _together(rows.get(session), row)
    return [rows[day] for day in sorted(rows)]


def _session(stamp: float, zone: ZoneInfo, is_live: bool) -> date:
    """The exchange-local day of a stamp: going through UTC can shift it.

    Some zones' midnights come an hour or two early after a change of daylight saving time.
    """
    local = datetime.fromtimestamp(stamp, zone)
    is_early_midnight = not is_live and local.hour >= 22 and not (local.minute or local.second)
    return local.date() + timedelta(days=1) if is_early_midnight else local.date()


def _together(first: _Row | None, second: _Row) -> _Row:
    """The running session comes twice, as a row of its own and as the live price: the later one has the newer close."""
    if first is None or not (first.close or first.open):
        return second
    newer = second if second.close and second.adj_close else first
    return replace(newer, open=first.open or second.open)


def _bar(row: _Row, units: float) -> Bar | None:
    """None for a row without a close, which is no bar."""
    if not (row.close and row.adj_close):
        return None
    opened, high, low = (price / units if price else None for price in (row.open, row.high, row.low))
    return Bar(row.session, opened, high, low, row.close / units, row.adj_close / units, row.volume, 0.0, 1.0)


def _events(
    listed: Mapping[str, Any], meta: Mapping[str, Any], ticker: str, currency: str, units: float
) -> Iterator[_Event]:
    """Dividends and capital gains in `currency`, as far as they can be converted, and splits."""
    zone = zone_of(ticker, meta)
    for event in _listed(listed, "dividends"):
        paid_in, paid_units = major_unit(event["currency"]) if event.get("currency") else (currency, units)
        is_foreign = paid_in != currency
        amount = float(event.get("amount") or 0.0) / paid_units
        yield _Event(_session(event["date"], zone, False), dividend=amount, is_foreign=is_foreign)
    for event in _listed(listed, "capitalGains"):
        yield _Event(_session(event["date"], zone, False), capital_gain=float(event.get("amount") or 0.0) / units)
    for event in _listed(listed, "splits"):
        yield _Event(_session(event["date"], zone, False), split_ratio=event["numerator"] / event["denominator"])


def _listed(events: Mapping[str, Any], kind: str) -> list[Any]:
    listed = events.get(kind) or {}
    return list(listed.values() if isinstance(listed, dict) else listed)


def _price(value: Any) -> float | None:
    """A number above zero; None for what is missing, zero or no number."""
    number = math.nan if value is None or isinstance(value, bool) else float(value)
    return number if math.isfinite(number) and number > 0 else None


def module_of(answer: Any, module: str, ticker: str) -> dict[str, Any] | None:
    """One module of a quoteSummary answer, None when Yahoo has none."""
    found = _only_result(answer, "quoteSummary", ticker).get(module)
    if found is not None and not isinstance(found, dict):
        raise Refusal("no result", f"{ticker}: Yahoo's {module} cannot be used: {found!r:.50}")
    return found


def holdings_from_summary(summary: Mapping[str, Any]) -> tuple[list[FundHolding], list[str]]:
    """The topHoldings module -> the long positions that have a ticker, largest first; and what was done to the list."""
    module = summary.get("topHoldings")
    if module is None:
        return [], ["Yahoo has no list of its holdings"]
    listed = module.get("holdings") or []
    if not isinstance(listed, list):
        raise Refusal("no list of holdings", f"Yahoo's list of holdings cannot be used: {listed!r:.50}")
    notes: list[str] = []
    held: dict[str, FundHolding] = {}
    for item in listed:
        holding = _holding(item)
        if isinstance(holding, str):
            notes.append(holding)
        elif holding.ticker in held:
            notes.append(f"{holding.ticker} is listed more than once: added up")
            before = held[holding.ticker]
            held[holding.ticker] = replace(before, percent=before.percent + holding.percent)
        else:
            held[holding.ticker] = holding
    if not listed:
        notes.append("Yahoo's list of its holdings is empty")
    return sorted(held.values(), key=lambda holding: (-holding.percent, holding.ticker)), notes


def _holding(item: Any) -> FundHolding | str:
    """One line as a holding, or why it is left out."""
    if not isinstance(item, dict):
        return f"left out a line that is none: {item!r:.50}"
    ticker = str(item.get("symbol") or "").strip()
    name = printable(str(item.get("holdingName") or ""), LONGEST_NAME) or None
    share = plain_number(item.get("holdingPercent"))
    called = printable(ticker or name or "a line without a name", 60)
    if not ticker:
        return f"left out {called}: it has no symbol"
    if len(ticker) > LONGEST_TICKER or not TICKER.fullmatch(ticker):
        return f"left out {called}: that is no ticker"
    if ticker.endswith(RATE_SUFFIX) or (name and CASH.fullmatch(name)):
        return f"left out {called}: it is cash"
    if share is None or not 0 < share < LARGEST_SHARE:
        return f"left out {called}: its share of the fund is {share}"
    return FundHolding(ticker, name, share)


def quotes_from_answer(answer: Any) -> dict[str, Quote]:
    """The batch quote answer by ticker; zero and missing figures become None.

    A symbol that is no longer listed (quoteType NONE) is left out, as if Yahoo did not know it.
    """
    results = results_of(answer, "quoteResponse", "quotes")
    if not isinstance(results, list):
        raise Refusal("no result", "quotes: Yahoo's answer has no result")
    return {
        item["symbol"]: _quote(item)
        for item in results
        if isinstance(item, dict) and isinstance(item.get("symbol"), str) and item.get("quoteType") != "NONE"
    }


def _quote(item: Mapping[str, Any]) -> Quote:
    currency, units = major_unit(item.get("currency"))
    price = plain_number(item.get("regularMarketPrice"))
    name = printable(str(item.get("longName") or item.get("shortName") or ""), LONGEST_NAME)
    return Quote(
        ticker=item["symbol"],
        name=name or None,
        currency=currency,
        shares_outstanding=_whole(item.get("sharesOutstanding")),
        market_cap=_whole(item.get("marketCap")),
        implied_shares=_whole(item.get("impliedSharesOutstanding")),
        price=price / units if price and price > 0 else None,
    )


def _whole(value: Any) -> int | None:
    number = plain_number(value)
    return int(number) if number and 1 <= number <= LARGEST_INTEGER else None


def plain_number(value: Any) -> float | int | None:
    """Yahoo's {"raw": 0.07, "fmt": "7.00%"}, or the bare number; None for anything else.

    >>> plain_number({"raw": 0.07, "fmt": "7.00%"}), plain_number(3), plain_number({}), plain_number("n/a")
    (0.07, 3, None, None)
    """
    number = value.get("raw") if isinstance(value, dict) else value
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return number if abs(number) <= sys.float_info.max else None
