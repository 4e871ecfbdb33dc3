"""What Yahoo says of securities beside their charts: quotes and share counts, as of a moment."""

from collections.abc import Sequence
from datetime import datetime

from market.chart import trading_period
from market.envelope import Json, stated
from market.model import EXCHANGE_NAMES, Market, Quote, UnknownSymbol


def quote_rows(market: Market, tickers: Sequence[str], at: datetime) -> list[Json]:
    """Return the batch quote. Tickers that the market does not know are left out without a word."""
    rows = []
    for ticker in tickers:
        quote = find_quote(market, ticker, at)
        if quote:
            rows.append(_row(quote, at) if market.is_listed(ticker, at) else nothing_known(ticker))
    return rows


def nothing_known(ticker: str) -> Json:
    """Return the row of a symbol that is no longer traded."""
    return {
        "language": "en-US",
        "region": "US",
        "quoteType": "NONE",
        "typeDisp": "None",
        "triggerable": False,
        "customPriceAlertConfidence": "NONE",
        "tradeable": False,
        "symbol": ticker,
    }


def find_quote(market: Market, ticker: str, at: datetime) -> Quote | None:
    try:
        return market.quote(ticker, at)
    except UnknownSymbol:
        return None


def _row(quote: Quote, at: datetime) -> Json:
    security = quote.security
    now = at.timestamp() - security.venue.delay
    period = trading_period(security.venue, at)["regular"]
    high, low = quote.year_range or (None, None)
    answer = {
        "language": "en-US",
        "region": "US",
        "quoteType": security.kind,
        "typeDisp": security.kind.title(),
        "currency": security.currency if security.states_currency else None,
        "symbol": security.ticker,
        "shortName": security.name,
        "longName": security.name,
        "exchange": security.exchange,
        "fullExchangeName": EXCHANGE_NAMES[security.exchange],
        "exchangeTimezoneName": security.venue.zone.key,
        "exchangeDataDelayedBy": int(security.venue.delay // 60),
        "marketState": "REGULAR" if period["start"] <= now < period["end"] else "CLOSED",
        "regularMarketPrice": quote.price,
        "regularMarketPreviousClose": quote.previous_close,
        "regularMarketTime": int(min(now, period["end"])),
        "fiftyTwoWeekLow": low,
        "fiftyTwoWeekHigh": high,
        "sharesOutstanding": quote.shares_outstanding,
        "impliedSharesOutstanding": quote.company_shares,
        "marketCap": quote.market_cap,
    }
    return stated(answer)


def shares_over_time(market: Market, ticker: str, at: datetime, types: Sequence[str]) -> Json:
    """Return the share count of the moment.

    Any other series is known by name only: Yahoo answers so where it has no figures.
    """
    meta = {"symbol": [ticker], "type": list(types) or ["shares_out"]}
    result: Json = {"meta": meta}
    quote = find_quote(market, ticker, at)
    if not types and quote and quote.shares_outstanding is not None:
        result |= {"timestamp": [int(at.timestamp())], "shares_out": [quote.shares_outstanding]}
    return {"timeseries": {"result": [result], "error": None}}
