"""Read a batch quote."""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from collector.yahoo_answers.envelope import Refusal, results_of
from collector.yahoo_answers.model import Quote
from collector.yahoo_answers.values import LONGEST_NAME, major_unit, plain_number
from config.currencies import MINOR_UNITS
from config.exchanges import exchanges, suffix_of
from utils.messages import LARGEST_INTEGER
from utils.text import printable


def quotes_from_answer(answer: Any) -> dict[str, Quote]:
    """Return a batch quote answer by ticker. Zero and missing figures become None.

    A symbol that is no longer listed (quoteType NONE) is left out, as if Yahoo did not know it. Of one that is listed
    twice the quote counts that says more.
    """
    results = results_of(answer, "quoteResponse", "quotes")
    if not isinstance(results, list):
        raise Refusal("no result", "quotes: Yahoo's answer has no result")
    quotes = [
        _build_quote(item)
        for item in results
        if isinstance(item, dict) and isinstance(item.get("symbol"), str) and item.get("quoteType") != "NONE"
    ]
    return {quote.ticker: quote for quote in sorted(quotes, key=_count_known)}


def _count_known(quote: Quote) -> int:
    """Return how many figures a quote has."""
    return sum(value is not None for value in astuple(quote))


def _build_quote(item: Mapping[str, Any]) -> Quote:
    currency, units = major_unit(item.get("currency"))
    price = plain_number(item.get("regularMarketPrice"))
    name = printable(str(item.get("longName") or item.get("shortName") or ""), LONGEST_NAME)
    return Quote(
        ticker=item["symbol"],
        name=name or None,
        currency=currency,
        shares_outstanding=_whole_number(item.get("sharesOutstanding")),
        market_cap=_whole_number(item.get("marketCap")),
        implied_shares=_whole_number(item.get("impliedSharesOutstanding")),
        price=price / units if price and price > 0 and (currency or not _has_minor_unit(item["symbol"])) else None,
    )


def _has_minor_unit(ticker: str) -> bool:
    """Tell whether a ticker's exchange quotes in hundredths: a price without its currency may then be either's."""
    listing = exchanges().by_suffix.get(suffix_of(ticker))
    return listing is None or listing.currency in MINOR_UNITS.values()


def _whole_number(value: Any) -> int | None:
    number = plain_number(value)
    return int(number) if number and 1 <= number <= LARGEST_INTEGER else None
