"""Yahoo's quoteSummary: the modules of a security that were asked for, as of a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from market.envelope import Json, Refused, stated
from market.model import Market, Quote, Security, UnknownSymbol

SHARES_OF_THE_FUND = ("stock", "cash", "bond", "other", "preferred", "convertible")


def modules_of(market: Market, ticker: str, at: datetime) -> Json:
    """Return every module that the security has."""
    try:
        security, quote = market.security(ticker), market.quote(ticker, at)
    except UnknownSymbol:
        raise Refused(404, "quoteSummary", "Not Found", f"Quote not found for symbol: {ticker}") from None
    if not market.is_listed(ticker, at):
        return {}
    modules = _common_modules(security, quote)
    if security.kind == "ETF":
        modules |= _fund_modules(market, security, at)
    if security.has_profile and security.kind != "CURRENCY":
        described = {"longBusinessSummary": f"{security.name} ({market.label} market)", "maxAge": 86400}
        profile = stated({"sector": security.sector, **described})
        modules |= {"summaryProfile": profile, "assetProfile": profile | {"companyOfficers": []}}
    return modules


def asked_for(modules: Json, names: Sequence[str]) -> Json:
    found = {name: modules[name] for name in names if name in modules}
    if not found:
        description = f"No fundamentals data found for any of the summaryTypes={','.join(names)}"
        raise Refused(404, "quoteSummary", "Not Found", description)
    return found


def formatted(value: Any, name: str = "") -> Any:
    """Put a text beside each number, as Yahoo does unless the client asks for plain ones.

    >>> formatted({"holdingPercent": 0.0712, "maxAge": 1})
    {'holdingPercent': {'raw': 0.0712, 'fmt': '7.12%'}, 'maxAge': 1}
    """
    if isinstance(value, dict):
        return {key: formatted(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [formatted(each) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or name == "maxAge":
        return value
    is_share = name.endswith(("Percent", "Position"))
    return {"raw": value, "fmt": f"{value:.2%}" if is_share else f"{value:,.2f}"}


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
        "defaultKeyStatistics": {
            "sharesOutstanding": shares,
            "impliedSharesOutstanding": quote.company_shares if quote else None,
            "maxAge": 1,
        },
        "financialData": {"currentPrice": price, "financialCurrency": security.currency, "maxAge": 86400},
    }
    return {name: stated(module) for name, module in modules.items()}


def _fund_modules(market: Market, security: Security, at: datetime) -> Json:
    """Return a fund's modules. One without a list of holdings (of gold, say) has none of those."""
    modules: Json = {
        "fundProfile": {"maxAge": 1, "legalType": "Exchange Traded Fund", "feesExpensesInvestment": {}},
    }
    if security.ticker not in market.etfs:
        return modules
    holdings = [
        {"symbol": holding.ticker, "holdingName": holding.name, "holdingPercent": holding.percent}
        for holding in market.holding_lines(security.ticker, at)
    ]
    positions = {f"{kind}Position": 0.0 for kind in SHARES_OF_THE_FUND} | {"stockPosition": 0.9984}
    modules["topHoldings"] = {
        "maxAge": 1,
        **positions,
        "holdings": holdings,
        "equityHoldings": {},
        "bondHoldings": {},
        "bondRatings": [],
        "sectorWeightings": [],
    }
    return modules
