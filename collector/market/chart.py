"""Yahoo's chart: the bars of a ticker with what happened to it, as of a moment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache

from collector.market.envelope import Json, Refused
from collector.market.model import EXCHANGE_NAMES, Bar, Market, Security, UnknownSymbol
from collector.market.sessions import NEW_YORK, Venue, trading_days

RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
SPAN = re.compile(r"max|ytd|\d{1,3}(d|wk|mo|y)")
DAYS_OF_A = {"wk": 7, "mo": 30.5, "y": 365.25}
PRE_AND_POST_HOURS = timedelta(hours=4)


@dataclass(frozen=True)
class ChartQuery:
    """Which part of the chart is asked for: two moments (unix seconds) or a range that ends now."""

    start: int | None = None
    end: int | None = None
    span: str = "1d"
    interval: str = "1d"
    events: str = ""


def chart_of(market: Market, ticker: str, at: datetime, query: ChartQuery) -> Json:
    _refuse_nonsense(query)
    try:
        security = market.security(ticker)
    except UnknownSymbol:
        raise Refused(404, "chart", "Not Found", "No data found, symbol may be delisted") from None
    bars = market.bars(ticker, at)
    first, last = _selected(bars, security.venue, at, query)
    result = {"meta": _chart_meta(security, bars, first, at, query)} | _series(security.venue, bars[first:last], at)
    events = _events(security.venue, bars[first:last], query.events)
    return {"chart": {"result": [result | ({"events": events} if events else {})], "error": None}}


def _refuse_nonsense(query: ChartQuery) -> None:
    if query.interval != "1d":
        raise _unprocessable(f"Invalid input - interval={query.interval} (only 1d here)")
    if query.start is None and not SPAN.fullmatch(query.span):
        raise _unprocessable(f"Invalid input - range={query.span} is not supported")
    if query.start is not None and query.end is not None and query.start > query.end:
        raise Refused(400, "chart", "Bad Request", "Invalid input - start date cannot be after end date.")


def _unprocessable(description: str) -> Refused:
    return Refused(422, "chart", "Unprocessable Entity", description)


def _selected(bars: Sequence[Bar], venue: Venue, at: datetime, query: ChartQuery) -> tuple[int, int]:
    """Index of the first bar asked for, and of the one after the last."""
    if query.start is None:
        return _first_of_span(bars, at.date(), query.span), len(bars)
    times = [_opens(venue, bar.session) for bar in bars]
    end = query.end if query.end is not None else at.timestamp() + 1
    first = sum(time < query.start for time in times)
    return first, max(first, sum(time < end for time in times))


def _first_of_span(bars: Sequence[Bar], today: date, span: str) -> int:
    if span == "max":
        return 0
    if span == "ytd":
        return sum(bar.session.year < today.year for bar in bars)
    count, unit = int(span.rstrip("dwkmoy")), span.lstrip("0123456789")
    if unit == "d":
        return max(0, len(bars) - count)
    since = today - timedelta(days=round(count * DAYS_OF_A[unit]))
    return sum(bar.session < since for bar in bars)


def _chart_meta(security: Security, bars: Sequence[Bar], first: int, at: datetime, query: ChartQuery) -> Json:
    zone_day = at.astimezone(security.venue.zone)
    meta = {
        "currency": security.currency,
        "symbol": security.ticker,
        "exchangeName": security.exchange,
        "fullExchangeName": EXCHANGE_NAMES[security.exchange],
        "instrumentType": security.kind,
        "hasPrePostMarketData": security.venue is NEW_YORK,
        "gmtoffset": _offset(zone_day),
        "timezone": zone_day.tzname(),
        "exchangeTimezoneName": security.venue.zone.key,
        "longName": security.name,
        "shortName": security.name,
        "priceHint": 2,
        "currentTradingPeriod": trading_period(security.venue, at),
        "dataGranularity": "1d",
        "range": "" if query.start is not None else query.span,
        "validRanges": RANGES,
    }
    return meta | (_last_trade(security.venue, bars, at, first) if bars else {})


def _last_trade(venue: Venue, bars: Sequence[Bar], at: datetime, first: int) -> Json:
    last = bars[-1]
    return {
        "firstTradeDate": _opens(venue, bars[0].session),
        "regularMarketTime": _traded_at(venue, last, at),
        "regularMarketPrice": last.close,
        "regularMarketDayHigh": last.high,
        "regularMarketDayLow": last.low,
        "regularMarketVolume": last.volume,
        "chartPreviousClose": bars[max(0, first - 1)].close,
    }


def _traded_at(venue: Venue, bar: Bar, at: datetime) -> int:
    """The last trade in a bar: at the close, or now, or (a bar that stayed partial) halfway through its session."""
    opens, closes = _opens(venue, bar.session), _closes(venue, bar.session)
    if not bar.is_partial:
        return closes
    return int(at.timestamp()) if at.timestamp() < closes else (opens + closes) // 2


def trading_period(venue: Venue, at: datetime) -> Json:
    """The session of the day or, on a day without one, the last before it."""
    trading = trading_days(venue)
    day = next(day for day in _days_back(at.astimezone(venue.zone).date()) if trading.position(day) is not None)
    opens, closes = datetime.fromtimestamp(_opens(venue, day), UTC), datetime.fromtimestamp(_closes(venue, day), UTC)
    extended = PRE_AND_POST_HOURS if venue is NEW_YORK else timedelta(0)
    return {
        "pre": _period(venue, opens - extended, opens),
        "regular": _period(venue, opens, closes),
        "post": _period(venue, closes, closes + extended),
    }


def _days_back(day: date) -> Sequence[date]:
    return [day - timedelta(days=back) for back in range(30)]


def _period(venue: Venue, start: datetime, end: datetime) -> Json:
    local = start.astimezone(venue.zone)
    return {
        "timezone": local.tzname(),
        "start": int(start.timestamp()),
        "end": int(end.timestamp()),
        "gmtoffset": _offset(local),
    }


def _series(venue: Venue, bars: Sequence[Bar], at: datetime) -> Json:
    if not bars:
        return {"indicators": {"quote": [{}], "adjclose": [{}]}}
    quote = {column: [getattr(bar, column) for bar in bars] for column in ("open", "high", "low", "close", "volume")}
    times = [_opens(venue, bar.session) for bar in bars]
    if bars[-1].is_partial:
        times[-1] = _traded_at(venue, bars[-1], at)  # Yahoo stamps the running session with the last trade
    return {
        "timestamp": times,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": [bar.adj_close for bar in bars]}]},
    }


def _events(venue: Venue, bars: Sequence[Bar], wanted: str) -> Json:
    events = {}
    if "div" in wanted:
        events["dividends"] = {
            str(_opens(venue, bar.session)): {"amount": bar.dividend, "date": _opens(venue, bar.session)}
            for bar in bars
            if bar.dividend
        }
    if "split" in wanted:
        events["splits"] = {
            str(_opens(venue, bar.session)): _split(bar, _opens(venue, bar.session))
            for bar in bars
            if bar.split_ratio != 1
        }
    return {kind: listed for kind, listed in events.items() if listed}


def _split(bar: Bar, opens: int) -> Json:
    ratio = Fraction(str(bar.split_ratio)).limit_denominator(100_000)
    return {
        "date": opens,
        "numerator": float(ratio.numerator),
        "denominator": float(ratio.denominator),
        "splitRatio": f"{ratio.numerator}:{ratio.denominator}",
    }


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _opens(venue: Venue, day: date) -> int:
    return _hours(venue)[day][0]


def _closes(venue: Venue, day: date) -> int:
    return _hours(venue)[day][1]


@cache
def _hours(venue: Venue) -> dict[date, tuple[int, int]]:
    trading = trading_days(venue)
    return {
        day: (int(opens), int(closes))
        for day, opens, closes in zip(trading.days, trading.opens, trading.closes, strict=True)
    }
