"""Read a chart: the bars of a ticker, or the rates of a pair of currencies."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from collector.yahoo_answers.envelope import Refusal, only_result
from collector.yahoo_answers.events import add_events, events_of
from collector.yahoo_answers.model import Bar
from collector.yahoo_answers.sessions import completed, session_of, zone_of
from collector.yahoo_answers.values import LONGEST_TICKER, is_odd_unit, major_unit, plain_number, positive_number
from config.exchanges import RATE
from utils.reasons import Reason, of_ticker, reason
from utils.text import printable

RATE_ZONE = ZoneInfo("Europe/London")
PRICES = ("open", "high", "low", "close", "volume")
SAME_CLOSE = 1e-4  # relative: what two lines of a session may differ by


@dataclass(frozen=True)
class _Line:
    """One line of a chart's arrays, in the unit that Yahoo quotes in."""

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adj_close: float | None
    volume: int
    other_close: float | None = None


def bars_from_chart(answer: Any, ticker: str, moment: datetime) -> tuple[str, list[Bar]]:
    """Return the currency of a chart answer, and its sessions that were over at the moment.

    Raise Refusal when the answer is another ticker's, of another interval, contradicts itself or has no currency.
    """
    result = only_result(answer, "chart", ticker)
    meta = result.get("meta") or {}
    if meta.get("symbol") != ticker:
        other = printable(str(meta.get("symbol")), LONGEST_TICKER)
        raise Refusal("another symbol", reason("yahoo_other_symbol", ticker=ticker, other=other))
    if meta.get("dataGranularity", "1d") != "1d":
        interval = printable(str(meta["dataGranularity"]), LONGEST_TICKER)
        raise _refusal(ticker, "bars of another interval", reason("yahoo_other_interval", interval=interval))
    currency, units = major_unit(meta.get("currency"))
    if currency is None:
        raise _refusal(ticker, "no currency", reason("yahoo_no_currency", currency=repr(meta.get("currency"))))
    if is_odd_unit(ticker, currency, units):
        raise _refusal(ticker, "an odd unit", reason("yahoo_odd_unit", unit=meta["currency"]))
    rows = _lines_of(result, ticker, meta)
    if ticker.endswith(RATE):
        return currency, rates(rows, moment)
    bars = [bar for row in rows if (bar := _build_bar(row, units))]
    happened = events_of(result.get("events") or {}, meta, ticker, currency, units)
    return currency, completed(add_events(bars, happened), ticker, moment, meta)


def _refusal(ticker: str, kind: str, why: Reason) -> Refusal:
    return Refusal(kind, of_ticker(ticker, [why]))


def rates(rows: Iterable[_Line], moment: datetime) -> list[Bar]:
    """Return an exchange rate's bars: the rate of a day is its open, the price at 00:00 London.

    The running day's close is the live price, and Yahoo replaces it by about the open once the day is over. High and
    low often contradict both, so they are left out. A past day without an open has its close, the running day nothing.
    """
    today = moment.astimezone(RATE_ZONE).date()
    known = ((row.session, row.open or (row.close if row.session < today else None)) for row in rows)
    return [Bar(day, rate, None, None, rate, rate, 0, 0.0, 1.0) for day, rate in known if rate]


def _lines_of(result: Mapping[str, Any], ticker: str, meta: Mapping[str, Any]) -> list[_Line]:
    """Return the chart's lines in order, one a session. Drop those without any price."""
    stamps = result.get("timestamp") or []
    indicators = result.get("indicators") or {}
    quoted = (indicators.get("quote") or [{}])[0] or {}
    adjusted = ((indicators.get("adjclose") or [{}])[0] or {}).get("adjclose")
    columns = [*(quoted.get(name) for name in PRICES), adjusted]
    if not stamps and not any(columns):
        return []
    if any(not isinstance(column, list) or len(column) != len(stamps) for column in columns):
        raise _refusal(ticker, "arrays of different lengths", reason("yahoo_uneven"))
    zone, live = zone_of(ticker, meta), meta.get("regularMarketTime")
    rows: dict[date, _Line] = {}
    lines: list[list[Any]] = sorted(map(list, zip(stamps, *columns, strict=True)), key=lambda line: line[0])
    newest = session_of(lines[-1][0], zone, lines[-1][0] == live)
    for line in lines:
        opened, high, low, close, volume, adj_close = map(positive_number, line[1:])
        adj_close = adj_close or _number_below_zero(line[-1])
        is_live = line[0] == live
        session = session_of(line[0], zone, is_live)
        may_move = is_live or session == newest or ticker.endswith(RATE)
        row = _Line(session, opened, high, low, close, adj_close, int(volume or 0))
        rows[session] = _merge(rows.get(session), row, may_move)
    return [rows[day] for day in sorted(rows)]


def _number_below_zero(adj_close: Any) -> float | None:
    """Return an adjusted close of before a dividend above the price. No consumer takes it, the judgement needs it."""
    number = plain_number(adj_close)
    return number if number is not None and number < 0 else None


def _merge(first: _Line | None, second: _Line, may_move: bool) -> _Line:
    """Merge two lines of one session into the one with the newer close, and the range and volume of both.

    The running session comes twice: as a line of its own, and as the live price after it. Only its close may move:
    lines of a past session that contradict each other are not merged, as a range of both has room for either close.
    """
    if first is None or not (first.close or first.open):
        return second
    newer = second if second.close and second.adj_close else first
    if not may_move and (other := _contradiction(first, newer)):
        return replace(newer, other_close=other)
    return replace(
        newer,
        open=first.open or second.open,
        high=max(filter(None, (first.high, second.high)), default=None),
        low=min(filter(None, (first.low, second.low)), default=None),
        volume=max(first.volume, second.volume),
    )


def _contradiction(first: _Line, newer: _Line) -> float | None:
    """Return the earlier close of a session that is not the newer one, or None."""
    if first.close and newer.close and not math.isclose(first.close, newer.close, rel_tol=SAME_CLOSE):
        return first.close
    return first.other_close


def _build_bar(row: _Line, units: float) -> Bar | None:
    """Build a bar, or None without a close."""
    if not (row.close and row.adj_close):
        return None
    known = (row.open, row.high, row.low, row.other_close)
    opened, high, low, other_close = (price / units if price else None for price in known)
    close, adj_close = row.close / units, row.adj_close / units
    return Bar(row.session, opened, high, low, close, adj_close, row.volume, 0.0, 1.0, other_close=other_close)
