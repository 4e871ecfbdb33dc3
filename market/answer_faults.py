"""Faults of everything but prices: symbols, currencies, quotes, profiles and lists of holdings as odd as Yahoo's."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from market.envelope import Json
from market.fault import DataFault, SessionFault, TickerFault
from market.model import Bar, Quote, Security
from market.price_faults import scaled
from market.quotes import nothing_known

SHARED_PERCENT = 0.25
MINOR_UNITS_IN_MAJOR = 100


class PartialBar(TickerFault):
    """The chart is an old answer of the middle of the last session, after its close too. `Age` says how old."""

    kind: Literal["partial_bar"]


class UnknownTicker(TickerFault):
    """Yahoo no longer knows the ticker."""

    kind: Literal["unknown_ticker"]


class Thin(TickerFault):
    """The last trade of every session is long before its close."""

    kind: Literal["thin"]

    def spoil_security(self, security: Security) -> Security:
        return replace(security, is_thin=True)


class SwappedSymbols(DataFault):
    """The bars of each are those of the other."""

    kind: Literal["swapped_symbols"]
    a: str
    b: str

    def tickers_named(self) -> list[str]:
        return [self.a, self.b]


class MinorUnit(TickerFault):
    """Prices and dividends are in hundredths of another currency, market caps in that currency."""

    kind: Literal["minor_unit"]
    currency: Literal["GBp", "GBX", "ZAc", "ILA", "ILa"]

    def spoil_security(self, security: Security) -> Security:
        return replace(security, currency=self.currency)

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return [
            replace(scaled(bar, MINOR_UNITS_IN_MAJOR), dividend=bar.dividend * MINOR_UNITS_IN_MAJOR) for bar in bars
        ]

    def spoil_quote(self, quote: Quote) -> Quote:
        previous = quote.previous_close and quote.previous_close * MINOR_UNITS_IN_MAJOR
        return replace(quote, price=quote.price * MINOR_UNITS_IN_MAJOR, previous_close=previous)


class InCurrency(TickerFault):
    """All figures are in another currency."""

    kind: Literal["in_currency"]
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    def spoil_security(self, security: Security) -> Security:
        return replace(security, currency=self.currency)


class CurrencyMissing(TickerFault):
    """The chart and the quote do not say in which currency they are."""

    kind: Literal["currency_missing"]
    how: Literal["null", "absent"] = "absent"

    def spoil_chart(self, result: Json) -> None:
        self._take_it_out_of(result["meta"])

    def spoil_row(self, row: Json) -> Json:
        self._take_it_out_of(row)
        return row

    def _take_it_out_of(self, described: Json) -> None:
        described.pop("currency", None)
        if self.how == "null":
            described["currency"] = None


class Renamed(TickerFault):
    """The answers are about another symbol."""

    kind: Literal["renamed"]
    to: str

    def spoil_chart(self, result: Json) -> None:
        result["meta"]["symbol"] = self.to

    def spoil_row(self, row: Json) -> Json:
        return row | {"symbol": self.to}


class RaggedArrays(TickerFault):
    """One column of the chart has a value more than the others (timestamp) or less."""

    kind: Literal["ragged_arrays"]
    column: Literal["timestamp", "open", "high", "low", "close", "volume", "adjclose"] = "timestamp"

    def spoil_chart(self, result: Json) -> None:
        if "timestamp" not in result:
            return
        if self.column == "timestamp":
            result["timestamp"] = [*result["timestamp"], result["timestamp"][-1] + 86400]
        else:
            indicators = result["indicators"]
            columns = indicators["adjclose" if self.column == "adjclose" else "quote"][0]
            columns[self.column] = columns[self.column][:-1]


class EventWithoutRow(SessionFault):
    """The session has no row in the chart, though its dividend or split is listed."""

    kind: Literal["event_without_row"]

    def spoil_chart(self, result: Json) -> None:
        zone, times = ZoneInfo(result["meta"]["exchangeTimezoneName"]), result.get("timestamp", [])
        kept = [at for at, time in enumerate(times) if datetime.fromtimestamp(time, zone).date() != self.session]
        columns = [result["indicators"]["quote"][0], *result["indicators"].get("adjclose", [])]
        for table in (result, *columns):
            for name, values in table.items():
                if isinstance(values, list) and len(values) == len(times):
                    table[name] = [values[at] for at in kept]


class NoMarketCap(TickerFault):
    """Neither market cap nor share count is given."""

    kind: Literal["no_market_cap"]

    def spoil_quote(self, quote: Quote) -> Quote:
        return replace(quote, shares_outstanding=None, company_shares=None, market_cap=None)


class ShareClass(TickerFault):
    """`sharesOutstanding` counts one class, `ratio` of the company's shares. `implied` says if those are given too."""

    kind: Literal["share_class"]
    ratio: float = Field(gt=0, le=1)
    implied: bool = True

    def spoil_quote(self, quote: Quote) -> Quote:
        if quote.market_cap is None:
            return quote
        company = quote.company_shares or round(quote.market_cap / quote.price)
        listed = round(company * self.ratio)
        return replace(quote, shares_outstanding=listed, company_shares=company if self.implied else None)


class StaleShares(TickerFault):
    """Share counts, and the market cap made of them, are those before a split of this ratio."""

    kind: Literal["stale_shares"]
    ratio: float = Field(gt=0)

    def spoil_quote(self, quote: Quote) -> Quote:
        stale = {
            name: count and round(count / self.ratio)
            for name in ("shares_outstanding", "company_shares", "market_cap")
            for count in [getattr(quote, name)]
        }
        return replace(quote, **stale)


class NoQuote(TickerFault):
    """Nothing is said of the ticker, as of a delisted one (none), or its row is left out."""

    kind: Literal["no_quote"]
    how: Literal["none", "absent"] = "none"

    def spoil_row(self, row: Json) -> Json | None:
        return nothing_known(self.ticker) if self.how == "none" else None


class NoProfile(TickerFault):
    """There is no assetProfile: 404 to who asks for it alone."""

    kind: Literal["no_profile"]

    def spoil_security(self, security: Security) -> Security:
        return replace(security, has_profile=False)


class NoHoldings(TickerFault):
    """The fund's topHoldings are not there (404), null, or an empty list."""

    kind: Literal["no_holdings"]
    how: Literal["not_found", "null", "empty"] = "not_found"

    def spoil_modules(self, modules: Json) -> Json:
        known = {name: module for name, module in modules.items() if name != "topHoldings"}
        if self.how == "not_found":
            return known
        empty = None if self.how == "null" else modules.get("topHoldings", {}) | {"holdings": []}
        return known | {"topHoldings": empty}


class OddHolding(TickerFault):
    """One line of the fund's list is odd, or all (`sum_over_one`). The parts of a `double` make up the right one."""

    kind: Literal["odd_holding"]
    how: Literal[
        "double", "negative", "over_one", "sum_over_one", "long_name", "long_symbol", "no_symbol", "no_percent"
    ]

    def spoil_modules(self, modules: Json) -> Json:
        found = modules.get("topHoldings")
        if not found or not found["holdings"]:
            return modules
        lines: list[Json] = [dict(line) for line in found["holdings"]]
        return modules | {"topHoldings": found | {"holdings": self._spoilt(lines)}}

    def _spoilt(self, lines: list[Json]) -> list[Json]:
        first = lines[0]
        if self.how == "double":
            part = round(first["holdingPercent"] / 3, 6)
            other = first | {"holdingPercent": part}
            return [first | {"holdingPercent": round(first["holdingPercent"] - part, 6)}, *lines[1:], other]
        if self.how == "sum_over_one":
            return [line | {"holdingPercent": line["holdingPercent"] * 3} for line in lines]
        if self.how == "long_name":
            return [first | {"holdingName": first["holdingName"] + " Ordinary Shares" * 20}, *lines[1:]]
        if self.how == "no_percent":
            return [*lines, _line("ZZZZ", "No Percent Inc.", {})]
        added = {
            "negative": _line("IXAZ6", "XAF FINANCIAL DEC26", -0.012),
            "over_one": _line("MASTER", "Master Portfolio", 1.002),
            "long_symbol": _line("CASH_COLLATERAL_USD_MSFUT", "Cash Collateral", 0.02),
            "no_symbol": _line("", "US Dollar", 0.1),
        }[self.how]
        return sorted([added, *lines], key=lambda line: -line["holdingPercent"])


class SharedHolding(DataFault):
    """The ticker is the largest holding of all these ETFs."""

    kind: Literal["shared_holding"]
    ticker: str
    etfs: list[str] = Field(min_length=1)
    percent: float = Field(default=SHARED_PERCENT, gt=0, le=1)

    def tickers_named(self) -> list[str]:
        return [self.ticker]

    def concerns(self, security: Security) -> bool:
        return security.ticker in self.etfs


def _line(symbol: str, name: str, percent: Any) -> Json:
    return {"symbol": symbol, "holdingName": name, "holdingPercent": percent}
