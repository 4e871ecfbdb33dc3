"""Address -> view: the one callback that draws, and the one place where what prevents it is met."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from dash import Dash, Input, Output, State, no_update

from contract.orders import Order
from dashboard import components, figures, first_view, glossary, markup, preferences, refusals, trade_callbacks
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import common
from dashboard.views import VIEWS, market_map, pipeline, summary, trades, view_of
from dashboard.views.selectors import DAY_PICKER

log = logging.getLogger(__name__)

# Both set pathname and search, which is what draws. A sector is enlarged by its name in the address.
OPEN_TILE = f"""
function (clicked, _pathname, search) {{
    const id = clicked ? clicked.points[0].id : "{figures.GROUP}";
    const none = dash_clientside.no_update;
    const chosen = new URLSearchParams(search || "");
    const session = chosen.get("as_of");
    if (!id.startsWith("{figures.GROUP}")) return [`/ticker/${{id}}`, session ? `?as_of=${{session}}` : ""];
    const sector = id.slice("{figures.GROUP}".length);
    if (!sector || sector.includes(":")) return [none, none];
    chosen.delete("find");
    // The name of a sector that is alone leads back.
    if (document.getElementById("whole-map")) chosen.delete("sector"); else chosen.set("sector", sector);
    const shown = chosen.toString();
    return [none, shown ? `?${{shown}}` : ""];
}}
"""
# A stock that is looked for decides what is enlarged.
FIND_TILE = """
function (entered, typed, search) {
    if (!entered) return dash_clientside.no_update;
    const chosen = new URLSearchParams(search || "");
    chosen.delete("sector");
    const wanted = (typed || "").trim();
    if (wanted) chosen.set("find", wanted); else chosen.delete("find");
    const shown = chosen.toString();
    return shown ? `?${shown}` : "";
}
"""


# Turns a view into what is sent of it.
Written = Callable[[list[Component]], list[Component]]


def register(app: Dash, client: ApiClient, periods: Sequence[int], schedule: str) -> None:
    written = _writer(app)
    _showing(app, client, periods, schedule, written)
    _picking_days(app)
    _refreshing_runs(app, client, periods, schedule, written)
    _refreshing_pipeline(app, client, periods, written)
    trade_callbacks.register(app, client, draw_orders, periods)
    _opening_tiles(app)


def _writer(app: Dash) -> Written:
    @cache
    def live() -> frozenset[str]:
        """Return the ids that callbacks use. With the first view, all callbacks are known."""
        return markup.live_ids(app)

    def written(view: list[Component]) -> list[Component]:
        """Return a view as it is sent: mostly as HTML."""
        found: list[Component] = markup.written(view, live())
        return found

    return written


def _showing(app: Dash, client: ApiClient, periods: Sequence[int], schedule: str, written: Written) -> None:
    @app.callback(
        *(Output(*output) for output in first_view.OUTPUTS),
        Input("address", "pathname"),
        Input("address", "search"),
    )
    def show(pathname: str | None, search: str | None) -> tuple[list[Component], list[Component], str]:
        """Draw the page of an address. data-shows repeats it: tests and screenshots wait for it."""
        page = preferences.page_of(Address.of(pathname, search), periods, schedule)
        return written(header(page)), written(render(client, page)), f"{pathname or ''}{search or ''}"


def _picking_days(app: Dash) -> None:
    @app.callback(
        Output("address", "search"),
        Input(DAY_PICKER, "date"),
        State(DAY_PICKER, "max_date_allowed"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def pick(day: str | None, newest: str, pathname: str, search: str | None) -> Any:
        address = Address.of(pathname, search)
        # A view that has just been drawn tells of its own day, too.
        if day in (None, address.choices.get("as_of", newest)):
            return no_update
        return address.search(as_of=day, why=None)


def _refreshing_runs(app: Dash, client: ApiClient, periods: Sequence[int], schedule: str, written: Written) -> None:
    @app.callback(
        Output(summary.RUNS, "children"),
        Input(summary.RUNS_CLOCK, "n_intervals"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def refresh_runs(_times: int, pathname: str | None, search: str | None) -> list[Component]:
        """Draw anew how the last run went."""
        page = preferences.page_of(Address.of(pathname, search), periods, schedule)
        return written(summary.newest_runs(client, page))


def _refreshing_pipeline(app: Dash, client: ApiClient, periods: Sequence[int], written: Written) -> None:
    @app.callback(
        Output(pipeline.LIVE, "children"),
        Input(pipeline.CLOCK, "n_intervals"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def refresh_pipeline(_times: int, pathname: str | None, search: str | None) -> list[Component]:
        """Draw the state of the pipeline anew."""
        page = preferences.page_of(Address.of(pathname, search), periods)
        return written(_drawn(lambda: pipeline.live(client, page), page))


def _opening_tiles(app: Dash) -> None:
    place = [Output("address", part, allow_duplicate=True) for part in ("pathname", "search")]
    in_the_browser: Any = app.clientside_callback
    in_the_browser(
        OPEN_TILE,
        *place,
        Input(market_map.GRAPH, "clickData"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    in_the_browser(
        FIND_TILE,
        place[1],
        Input(market_map.FINDER, "n_submit"),
        State(market_map.FINDER, "value"),
        State("address", "search"),
        prevent_initial_call=True,
    )


def header(page: Page) -> list[Component]:
    named = [(view.path, page.say(view.name)) for view in VIEWS if view.is_listed]
    return components.header(page, named)


def render(client: ApiClient, page: Page) -> list[Component]:
    """Draw the view of an address. An error becomes a message that says what to do."""
    shown = _drawn(lambda: view_of(page.address).page(client, page), page)
    return [*shown, *glossary.explained(shown, page)]


def draw_orders(
    client: ApiClient, page: Page, entered: trades.Entered | None, kept: trades.Kept | None
) -> tuple[list[Component], Sequence[Order], trades.Entered | None]:
    """Draw the orders of what a reader owns, or the message in their place; return what they own, too."""
    found: Sequence[Order] = []
    owned = entered

    def draw() -> list[Component]:
        nonlocal found, owned
        owned = trades.current(client, entered, kept)
        shown, found = trades.orders(client, page, owned)
        return shown

    shown = _drawn(draw, page)
    return shown, found, owned


def _drawn(draw: Callable[[], list[Component]], page: Page) -> list[Component]:
    try:
        return draw()
    except refusals.EXPECTED as error:
        log.warning("%s is not shown: %s", page.address.href(), error)
        return [refusals.message(error, page)]
    except Exception:
        log.exception("%s could not be drawn", page.address.href())
        return [_broken(page)]


def _broken(page: Page) -> Component:
    say = page.say
    return components.state(
        say(common.BROKEN_TITLE),
        say(common.BROKEN_DETAIL),
        say(common.BROKEN_HINT),
        components.reload_link(page),
        is_page=True,
    )
