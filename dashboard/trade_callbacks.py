"""What happens on the page of the trades: the browser keeps what is owned, and each change asks for the orders."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from dash import ALL, Dash, Input, Output, State, ctx, dcc, no_update

from contract.orders import Order
from dashboard import preferences
from dashboard.address import Address
from dashboard.components import Component
from dashboard.order_files import FILES
from dashboard.page import Page
from dashboard.views import trades
from dashboard.views.trades import Kept

FIELDS = ((trades.POSITIONS, "positions"), (trades.CASH, "cash"))
# As Excel in Korea and in the West writes a CSV that is not UTF-8.
ENCODINGS = ("utf-8-sig", "cp949", "latin-1")


Draw = Callable[[Page, Kept | None], tuple[list[Component], Sequence[Order]]]


def register(app: Dash, draw: Draw, periods: Sequence[int]) -> None:
    """Register the page's callbacks. draw: makes the orders of a page, or the message that says why there are none."""

    @app.callback(
        Output(trades.OWNED, "data"),
        Input(trades.SHOW, "n_clicks"),
        Input(trades.CASH, "n_submit"),
        Input(trades.FORGET, "n_clicks"),
        *(State(field, "value") for field, _ in FIELDS),
        prevent_initial_call=True,
    )
    def keep(_shown: int, _submits: int, _forgotten: int, *values: str | None) -> Any:
        """Keep what the form says in the browser, or forget it."""
        if not any(each["value"] for each in ctx.triggered):
            return no_update
        if ctx.triggered_id == trades.FORGET:
            return None
        given = {name: value for (_, name), value in zip(FIELDS, values, strict=True) if value}
        return msgspec.to_builtins(msgspec.convert(given, Kept))

    @app.callback(
        Output(trades.ORDERS, "children"),
        Output(trades.SHOWN_ORDERS, "data"),
        *(Output(field, "value") for field, _ in FIELDS),
        Input(trades.OWNED, "data"),
        State("address", "pathname"),
        State("address", "search"),
    )
    def show(data: Any, pathname: str | None, search: str | None) -> Any:
        """Show the orders of what is kept, and what is kept in the form."""
        page = preferences.page_of(Address.of(pathname, search), periods)
        kept = kept_of(data)
        shown, found = draw(page, kept)
        return shown, msgspec.to_builtins(found), *(getattr(kept or Kept(), name) for _, name in FIELDS)

    @app.callback(
        Output(trades.POSITIONS, "value", allow_duplicate=True),
        Input(trades.UPLOAD, "contents"),
        prevent_initial_call=True,
    )
    def take_file(contents: str | None) -> Any:
        """Put a file's text where it could have been pasted."""
        return text_of(contents) if contents else no_update

    @app.callback(
        Output(trades.FILE, "data"),
        Input({"export": ALL}, "n_clicks"),
        State(trades.SHOWN_ORDERS, "data"),
        prevent_initial_call=True,
    )
    def save(clicks: list[int | None], shown: Any) -> Any:
        """Save the orders that are shown as a file."""
        if not any(clicks) or not ctx.triggered_id:
            return no_update
        name = ctx.triggered_id["export"]
        if name not in FILES:
            raise ValueError(f"there is no file {name}")
        send: Any = dcc.send_string  # type: ignore[attr-defined]
        return send(FILES[name](msgspec.convert(shown, list[Order])), f"{name}.csv")


def kept_of(data: Any) -> Kept | None:
    """Return what a browser has kept; None when it is nothing, or nothing that this version has kept."""
    try:
        return msgspec.convert(data, Kept)
    except msgspec.ValidationError:
        return None


def text_of(contents: str) -> str:
    """Return the text of an uploaded file.

    >>> text_of("data:text/csv;base64," + base64.b64encode("\\ufeffNVDA 1".encode()).decode())
    'NVDA 1'
    """
    body = base64.b64decode(contents.partition(",")[2])
    for encoding in ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""
