"""The views by the path of their address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contract.etfs import Etf
from contract.portfolios import Appearance, Candidate, MonthlyPosition, Position
from contract.stocks import Standing
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.page import Page
from dashboard.texts import Text
from dashboard.texts import evidence as evidence_texts
from dashboard.texts import lab as lab_texts
from dashboard.texts import market_map as market_map_texts
from dashboard.texts import performance as performance_texts
from dashboard.texts import pipeline as pipeline_texts
from dashboard.texts import portfolio as portfolio_texts
from dashboard.texts import ticker as ticker_texts
from dashboard.texts import trades as trades_texts
from dashboard.views import evidence, lab, market_map, month, performance, pipeline, portfolio, ticker, trades
from utils.errors import InvalidInput
from utils.reasons import reason


class Table(NamedTuple):
    """What can be downloaded of a view: its columns, also where it has no rows, and how its rows are come by."""

    columns: Sequence[str]
    rows: Callable[[ApiClient, Page], Sequence[object]]


@dataclass(frozen=True)
class View:
    """`page` makes at most three calls to the API; `tables` are what can be downloaded of it, by file name.

    needs: what it is drawn with, of `static_files.LATER_SCRIPTS`
    """

    path: str
    name: Text
    page: Callable[[ApiClient, Page], list[Any]]
    tables: Mapping[str, Table] = field(default_factory=dict)
    is_listed: bool = True
    needs: frozenset[str] = frozenset({"charts"})


VIEWS = [
    View(
        "/",
        portfolio_texts.TITLE,
        portfolio.page,
        {
            "portfolio": Table(Position.__struct_fields__, portfolio.positions),
            "candidates": Table(Candidate.__struct_fields__, portfolio.candidates),
            "month": Table(MonthlyPosition.__struct_fields__, month.positions),
        },
        needs=frozenset({"dates"}),
    ),
    View("/trades", trades_texts.TITLE, trades.page, needs=frozenset()),
    View(
        "/map",
        market_map_texts.TITLE,
        market_map.page,
        {
            "stocks": Table(Standing.__struct_fields__, market_map.stocks),
            "etfs": Table(Etf.__struct_fields__, market_map.etfs),
        },
        needs=frozenset({"charts", "dates"}),
    ),
    View(
        "/ticker",
        ticker_texts.TITLE,
        ticker.page,
        {
            "prices": Table(ticker.PRICE_COLUMNS, ticker.prices),
            "record": Table(Appearance.__struct_fields__, ticker.record),
        },
        is_listed=False,
    ),
    View("/evidence", evidence_texts.TITLE, evidence.page, is_listed=False, needs=frozenset()),
    View(
        "/performance",
        performance_texts.TITLE,
        performance.page,
        {"performance": Table(performance.SERIES_COLUMNS, performance.series)},
    ),
    View(
        "/lab",
        lab_texts.TITLE,
        lab.page,
        {"lab": Table(lab.VARIANT_COLUMNS, lab.variants)},
        needs=frozenset({"charts", "grids"}),
    ),
    View("/pipeline", pipeline_texts.TITLE, pipeline.page),
]


def needed_by(address: Address) -> frozenset[str]:
    """Return what the view of an address is drawn with; nothing where there is no such view."""
    return next((view.needs for view in VIEWS if view.path == address.path), frozenset())


def view_of(address: Address) -> View:
    """Return the view of an address. InvalidInput when there is none, or the address says what no view understands."""
    found = next((view for view in VIEWS if view.path == address.path), None)
    if found is None:
        known = [view.path for view in VIEWS if view.is_listed]
        raise InvalidInput(reason("no_view", path=address.path, views=known))
    address.check()
    return found
