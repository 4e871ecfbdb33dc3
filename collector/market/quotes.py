"""What Yahoo says of a security beside its chart: quote, quoteSummary and fundamentals-timeseries, as of a moment."""

from collections.abc import Sequence
from datetime import datetime

from collector.market.chart import trading_period
from collector.market.envelope import Json, Refused, stated
from collector.market.model import EXCHANGE_NAMES, Market, Quote, Security, UnknownSymbol


def quotes(market: Market, tickers: Sequence[str], at: datetime) -> Json:
    """The batch quote; tickers the market does not know are left out without a word."""
    listed = [_quote(found, at) for ticker in tickers if (found := _find_quote(market, ticker, at))]
    return {"quoteResponse": {"result": listed, "error": None}}


def _find_quote(market: Market, ticker: str, at: datetime) -> Quote | None:
    try:
        return market.quote(ticker, at)
    except UnknownSymbol:
        return None


def _quote(quote: Quote, at: datetime) -> Json:
    security = quote.security
    period = trading_period(security.venue, at)["regular"]
    is_open = period["start"] <= at.timestamp() < period["end"]
    answer = {
        "language": "en-US",
        "region": "US",
        "quoteType": security.kind,
        "currency": security.currency,
        "symbol": security.ticker,
        "shortName": security.name,
        "longName": security.name,
        "exchange": security.exchange,
        "fullExchangeName": EXCHANGE_NAMES[security.exchange],
        "exchangeTimezoneName": security.venue.zone.key,
        "marketState": "REGULAR" if is_open else "CLOSED",
        "regularMarketPrice": quote.price,
        "regularMarketPreviousClose": quote.previous_close,
        "regularMarketTime": int(min(at.timestamp(), period["end"])),
        "sharesOutstanding": quote.shares_outstanding,
        "marketCap": quote.market_cap,
    }
    return stated(answer)


def quote_summary(market: Market, ticker: str, at: datetime, modules: Sequence[str]) -> Json:
    """The modules asked for that the security has."""
    try:
        security, quote = market.security(ticker), market.quote(ticker, at)
    except UnknownSymbol:
        raise Refused(404, "quoteSummary", "Not Found", f"Quote not found for symbol: {ticker}") from None
    known = _common_modules(security, quote)
    if security.kind == "ETF":
        known |= _fund_modules(market, security, at)
    if security.sector:
        known |= {"assetProfile": {"sector": security.sector, "maxAge": 86400}}
    found = {module: known[module] for module in modules if module in known}
    if not found:
        raise Refused(404, "quoteSummary", "Not Found", f"No fundamentals data found for symbol: {ticker}")
    return {"quoteSummary": {"result": [found], "error": None}}


def _common_modules(security: Security, quote: Quote | None) -> Json:
    price = quote.price if quote else None
    shares, cap = (quote.shares_outstanding, quote.market_cap) if quote else (None, None)
    named = {"symbol": security.ticker, "shortName": security.name, "longName": security.name}
    modules: dict[str, Json] = {
        "quoteType": named
        | {
            "quoteType": security.kind,
            "exchange": security.exchange,
            "timeZoneFullName": security.venue.zone.key,
            "maxAge": 1,
        },
        "price": named | {"currency": security.currency, "regularMarketPrice": price, "marketCap": cap, "maxAge": 1},
        "summaryDetail": {"currency": security.currency, "marketCap": cap, "maxAge": 1},
        "defaultKeyStatistics": {"sharesOutstanding": shares, "maxAge": 1},
        "financialData": {"currentPrice": price, "financialCurrency": security.currency, "maxAge": 86400},
        "summaryProfile": {"sector": security.sector, "maxAge": 86400},
    }
    return {
        name: {key: value for key, value in module.items() if value is not None} for name, module in modules.items()
    }


def _fund_modules(market: Market, security: Security, at: datetime) -> Json:
    holdings = [
        {"symbol": holding.ticker, "holdingName": holding.name, "holdingPercent": holding.percent}
        for holding in market.holdings(security.ticker, at)
    ]
    return {
        "topHoldings": {
            "maxAge": 1,
            "cashPosition": 0.0,
            "stockPosition": 1.0,
            "holdings": holdings,
            "equityHoldings": {},
            "bondHoldings": {},
            "bondRatings": [],
            "sectorWeightings": [],
        },
        "fundProfile": {"maxAge": 1, "legalType": "Exchange Traded Fund", "feesExpensesInvestment": {}},
        "summaryProfile": {"maxAge": 86400, "longBusinessSummary": f"{security.name} ({market.label} market)"},
    }


def timeseries(market: Market, ticker: str, at: datetime, types: Sequence[str]) -> Json:
    """Share count of the moment; any other series is known by name only, as Yahoo answers what it has no figures of."""
    meta = {"symbol": [ticker], "type": list(types) or ["shares_out"]}
    result: Json = {"meta": meta}
    quote = _find_quote(market, ticker, at)
    if not types and quote and quote.shares_outstanding is not None:
        result |= {"timestamp": [int(at.timestamp())], "shares_out": [quote.shares_outstanding]}
    return {"timeseries": {"result": [result], "error": None}}
