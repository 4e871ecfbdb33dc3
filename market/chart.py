"""Yahoo's chart: the bars of a ticker with what happened to it, as of a moment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from zlib import crc32

from market.envelope import Json, Refused, stated
from market.history import SESSIONS_OF_A_YEAR, year_range
from market.model import EXCHANGE_NAMES, Bar, Market, Security, UnknownSymbol
from market.noise import reordered, second_adj_closes
from market.sessions import NEW_YORK, Venue, trading_days, utc

RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
SPAN = re.compile(r"max|ytd|\d{1,3}(d|wk|mo|y)")
DAYS_OF_A = {"wk": 7, "mo": 30.5, "y": 365.25}
PRE_AND_POST_HOURS = timedelta(hours=4)
STAMPED_WITH_LAST_TRADE = timedelta(hours=6)


@dataclass(frozen=True)
class ChartQuery:
    """Which part of the chart is asked for: two moments (unix seconds) or a range that ends now."""

    start: int | None = None
    end: int | None = None
    span: str = "1d"
    interval: str = "1d"
    events: str = ""


def chart_of(market: Market, ticker: str, at: datetime, query: ChartQuery, is_second: bool = False) -> Json:
    """Return the answer's result. `is_second` gives it in the other version (see noise)."""
    _refuse_nonsense(query)
    try:
        security, is_listed = market.security(ticker), market.is_listed(ticker, at)
    except UnknownSymbol:
        is_listed = False
    if not is_listed:
        raise Refused(404, "chart", "Not Found", "No data found, symbol may be delisted")
    bars = market.bars(ticker, at)
    first, last = _selected(bars, security.venue, at, query)
    meta = _chart_meta(security, bars, first, at, query)
    events = _events(security.venue, bars[first:last], query.events)
    series = _series(security, bars, slice(first, last), at, is_second)
    indicators = series.pop("indicators")
    result = {"meta": reordered(meta) if is_second else meta} | series
    return result | ({"events": events} if events else {}) | {"indicators": indicators}


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
    """Return the index of the first bar asked for, and of the one after the last."""
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
    trade = _last_trade(security, bars, at) if bars else {}
    meta = {
        "currency": security.currency,
        "symbol": security.ticker,
        "exchangeName": security.exchange,
        "fullExchangeName": EXCHANGE_NAMES[security.exchange],
        "instrumentType": security.kind,
        "firstTradeDate": _opens(security.venue, bars[0].session) if bars else None,
        "regularMarketTime": trade.pop("regularMarketTime", None),
        "hasPrePostMarketData": security.venue is NEW_YORK,
        "gmtoffset": _offset(zone_day),
        "timezone": zone_day.tzname(),
        "exchangeTimezoneName": security.venue.zone.key,
        **trade,
        "longName": security.name,
        "shortName": security.name,
        "chartPreviousClose": bars[max(0, first - 1)].close if bars else None,
        "priceHint": 2,
        "currentTradingPeriod": trading_period(security.venue, at),
        "dataGranularity": "1d",
        "range": "" if query.start is not None else query.span,
        "validRanges": RANGES,
    }
    return stated(meta)


def _last_trade(security: Security, bars: Sequence[Bar], at: datetime) -> Json:
    priced = [bar for bar in bars[-SESSIONS_OF_A_YEAR:] if bar.close is not None]
    if not priced:
        return {}
    last, (high, low) = priced[-1], year_range(priced)
    return {
        "regularMarketTime": traded_at(security, last, at),
        "regularMarketPrice": last.close,
        "fiftyTwoWeekHigh": high,
        "fiftyTwoWeekLow": low,
        "regularMarketDayHigh": last.high,
        "regularMarketDayLow": last.low,
        "regularMarketVolume": last.volume,
    }


def traded_at(security: Security, bar: Bar, at: datetime) -> int:
    """Return the time of the last trade in a bar: now or, once the session is over, up to six seconds after its close.

    A thin ticker's last trade comes some time before the close.
    """
    now, closes = int(at.timestamp() - security.venue.delay), _closes(security.venue, bar.session)
    if bar.is_partial:
        return now
    luck = crc32(f"{security.ticker} {bar.session}".encode())
    if security.is_thin:
        return closes - 300 - luck % 2400
    return min(closes + luck % 7, max(now, closes))


def trading_period(venue: Venue, at: datetime) -> Json:
    """Return the session of the day or, on a day without one, the last before it."""
    trading = trading_days(venue)
    day = next(day for day in _days_back(at.astimezone(venue.zone).date()) if trading.position(day) is not None)
    opens, closes = datetime.fromtimestamp(_opens(venue, day), UTC), datetime.fromtimestamp(_closes(venue, day), UTC)
    if venue.stated_end is not None:
        closes = datetime.combine(day, venue.stated_end, venue.zone)
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


def _series(security: Security, bars: Sequence[Bar], shown: slice, at: datetime, is_second: bool) -> Json:
    if shown.start == shown.stop:
        return {"indicators": {"quote": [{}]}}
    columns = ("open", "high", "low", "close", "volume")
    quote: Json = {column: [getattr(bar, column) for bar in bars[shown]] for column in columns}
    adj_closes = second_adj_closes(bars) if is_second else [bar.adj_close for bar in bars]
    return {
        "timestamp": _stamps(security, bars, at)[shown],
        "indicators": {
            "quote": [reordered(quote) if is_second else quote],
            "adjclose": [{"adjclose": adj_closes[shown]}],
        },
    }


def _stamps(security: Security, bars: Sequence[Bar], at: datetime) -> list[int]:
    """Return when the sessions opened.

    The newest one is stamped with its last trade until some hours after its close.
    """
    times, last = [_opens(security.venue, bar.session) for bar in bars], bars[-1]
    if last.close is not None and at < utc(_closes(security.venue, last.session)) + STAMPED_WITH_LAST_TRADE:
        times[-1] = traded_at(security, last, at)
    return times


def _events(venue: Venue, bars: Sequence[Bar], wanted: str) -> Json:
    events: Json = {}
    if "div" in wanted:
        events["dividends"] = {
            str(_opens(venue, bar.session)): stated(
                {
                    "amount": bar.dividend,
                    "date": _opens(venue, bar.session),
                    "currency": bar.dividend_currency,
                }
            )
            for bar in bars
            if bar.dividend
        }
    if "capitalGains" in wanted:
        events["capitalGains"] = {
            str(_opens(venue, bar.session)): {"amount": bar.capital_gain, "date": _opens(venue, bar.session)}
            for bar in bars
            if bar.capital_gain
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
