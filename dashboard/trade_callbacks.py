"""What happens on the page of the trades: what is owned is kept as its reader says, and each change asks for orders."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from dash import ALL, Dash, Input, Output, State, ctx, dcc, no_update

from config.text_files import text_in
from contract.orders import Order
from dashboard import preferences
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.order_files import FILES
from dashboard.page import Page
from dashboard.views import trades
from dashboard.views.trades import Entered, Kept

FIELDS = ((trades.POSITIONS, "positions"), (trades.CASH, "cash"), (trades.PLACE, "place"))
# Whoever has asked for orders is taken to them.
GO_TO_ORDERS = """
function (drawn, clicks, submits, orders) {
    const isRefused = drawn[0]?.props.className === "problem";
    if ((clicks || submits) && (orders.length || isRefused)) document.dispatchEvent(new Event("orders"));
}
"""

Draw = Callable[[ApiClient, Page, Entered | None, Kept | None], tuple[list[Component], Sequence[Order], Entered | None]]
Stored = TypeVar("Stored", bound=Kept)


def register(app: Dash, client: ApiClient, draw: Draw, periods: Sequence[int]) -> None:
    """Register the page's callbacks. draw: makes the orders of a page, or the message that says why there are none."""
    _keeping(app, client)
    _showing(app, client, draw, periods)
    _going_to_orders(app)
    _taking_files(app)
    _saving(app)


def _keeping(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output(trades.ENTERED, "data"),
        Output(trades.OWNED, "data"),
        Input(trades.SHOW, "n_clicks"),
        Input(trades.CASH, "n_submit"),
        Input(trades.FORGET, "n_clicks"),
        *(State(field, "value") for field, _ in FIELDS),
        prevent_initial_call=True,
    )
    def keep(_shown: int, _submits: int, _forgotten: int, *values: str | None) -> Any:
        """Keep what the form says where it says, or forget it."""
        if not any(each["value"] for each in ctx.triggered):
            return no_update, no_update
        given = {name: value for (_, name), value in zip(FIELDS, values, strict=True) if value}
        entered = msgspec.convert(given, Entered)
        if ctx.triggered_id == trades.FORGET:
            entered = trades.forgotten(client, entered)
        elif entered.place == "platform":
            entered = trades.kept_on_platform(client, entered)
        elif entered.place == "browser":
            return None, msgspec.to_builtins(Kept(entered.positions, entered.cash))
        is_unchanged = entered.place == "platform" and not entered.saved_at
        return msgspec.to_builtins(entered), no_update if is_unchanged else None


def _showing(app: Dash, client: ApiClient, draw: Draw, periods: Sequence[int]) -> None:
    @app.callback(
        Output(trades.ORDERS, "children"),
        Output(trades.SHOWN_ORDERS, "data"),
        *(Output(field, "value") for field, _ in FIELDS),
        Input(trades.ENTERED, "data"),
        Input(trades.OWNED, "data"),
        State("address", "pathname"),
        State("address", "search"),
    )
    def show(entered: Any, kept: Any, pathname: str | None, search: str | None) -> Any:
        """Show the orders of what is owned, and what is owned in the form."""
        page = preferences.page_of(Address.of(pathname, search), periods)
        shown, found, owned = draw(client, page, stored(entered, Entered), stored(kept, Kept))
        # Where there is nothing, a reader may have begun to type.
        fields = (getattr(owned, name) if owned else no_update for _, name in FIELDS)
        return shown, msgspec.to_builtins(found), *fields


def _going_to_orders(app: Dash) -> None:
    in_the_browser: Any = app.clientside_callback
    in_the_browser(
        GO_TO_ORDERS,
        Input(trades.ORDERS, "children"),
        State(trades.SHOW, "n_clicks"),
        State(trades.CASH, "n_submit"),
        State(trades.SHOWN_ORDERS, "data"),
        prevent_initial_call=True,
    )


def _taking_files(app: Dash) -> None:
    @app.callback(
        Output(trades.POSITIONS, "value", allow_duplicate=True),
        Input(trades.UPLOAD, "contents"),
        prevent_initial_call=True,
    )
    def take_file(contents: str | None) -> Any:
        """Put a file's text where it could have been pasted."""
        return text_of(contents) if contents else no_update


def _saving(app: Dash) -> None:
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


def stored(data: Any, kind: type[Stored]) -> Stored | None:
    """Return what a browser has stored; None when it is nothing, or nothing that this version has stored."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError:
        return None


def text_of(contents: str) -> str:
    """Return the text of an uploaded file.

    >>> text_of("data:text/csv;base64," + base64.b64encode("\\ufeffNVDA 1".encode()).decode())
    'NVDA 1'
    """
    body = base64.b64decode(contents.partition(",")[2])
    try:
        return text_in(body)
    except ValueError:
        return _in_another_encoding(body)


def _in_another_encoding(body: bytes) -> str:
    """Return a text as Excel in Korea, or in the West, writes a CSV that is not Unicode."""
    try:
        return body.decode("cp949")
    except UnicodeDecodeError:
        return body.decode("latin-1")
