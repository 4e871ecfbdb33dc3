"""Orders as files that others read: plain, for Interactive Brokers' BasketTrader, and for Ghostfolio."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from config.exchanges import exchanges, suffix_of
from contract.orders import Order
from dashboard.downloads import as_csv
from utils.csv_text import guarded

BASKET_COLUMNS = ("Action", "Quantity", "Symbol", "SecType", "Exchange", "Currency", "TimeInForce", "OrderType")
ACTIVITY_COLUMNS = ("Date", "Code", "DataSource", "Currency", "Price", "Quantity", "Action", "Fee", "Note")


def plain(orders: Sequence[Order]) -> str:
    """Return every field of the orders, with what is kept."""
    return as_csv(orders, Order.__struct_fields__)


def basket(orders: Sequence[Order]) -> str:
    """Return market orders of a day as BasketTrader reads them, sells first."""
    return _written(
        BASKET_COLUMNS,
        (
            (
                each.side.upper(),
                number(abs(each.shares)),
                broker_symbol(each.ticker),
                "STK",
                "SMART",
                each.currency,
                "DAY",
                "MKT",
            )
            for each in _traded(orders)
        ),
    )


def activities(orders: Sequence[Order]) -> str:
    """Return the orders as done, as Ghostfolio imports activities: at their closes, in the stock's own currency."""
    return _written(
        ACTIVITY_COLUMNS,
        (
            (
                each.price_date.isoformat(),
                each.ticker,
                "YAHOO",
                each.currency,
                number(each.close_price),
                number(abs(each.shares)),
                each.side,
                f"{each.cost * each.close_price / each.price_usd:.2f}",
                "planned by ActStock",
            )
            for each in _traded(orders)
        ),
    )


FILES: Mapping[str, Callable[[Sequence[Order]], str]] = {
    "orders": plain,
    "ibkr-basket": basket,
    "ghostfolio-activities": activities,
}


def _traded(orders: Sequence[Order]) -> Iterable[Order]:
    return (each for each in orders if each.side != "keep")


def broker_symbol(ticker: str) -> str:
    """Return a ticker as brokers name it: without its exchange, and a class share with a blank.

    >>> broker_symbol("BRK-B"), broker_symbol("005930.KS"), broker_symbol("NVDA")
    ('BRK B', '005930', 'NVDA')
    """
    suffix = suffix_of(ticker)
    return (ticker.removesuffix(suffix) if suffix in exchanges().by_suffix else ticker).replace("-", " ")


def number(amount: float) -> str:
    """Return a number without what it does not need.

    >>> number(12.0), number(0.125), number(71500.0)
    ('12', '0.125', '71500')
    """
    return f"{amount:.6f}".rstrip("0").rstrip(".")


def _written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(map(guarded, row) for row in rows)
    return file.getvalue()
