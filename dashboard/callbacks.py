"""Address -> view: the one callback, with one call to the API."""

import logging
from collections.abc import Sequence

from dash import Dash, Input, Output

from dashboard import components
from dashboard.api_client import ApiAway, ApiClient, ApiRefused
from dashboard.components import Component, View
from dashboard.texts import Texts
from utils.errors import ActstockError, InvalidInput, NotPublished

log = logging.getLogger(__name__)


def register(app: Dash, client: ApiClient, periods: Sequence[int], texts: Texts) -> None:
    @app.callback(Output("view", "children"), Input("address", "search"))
    def show(search: str | None) -> list[Component]:
        return render(search or "", client, periods, texts)


def render(search: str, client: ApiClient, periods: Sequence[int], texts: Texts) -> list[Component]:
    """The page of an address; what keeps it from being shown becomes a message that says what to do."""
    view = View(str(max(periods)))
    try:
        view = View.of(search, periods)
        if view.is_monthly:
            return components.month_page(client.monthly(view.as_of), view, periods, texts)
        return components.portfolio_page(client.portfolio(view.days, view.as_of), view, periods, texts)
    except (ApiAway, ApiRefused, NotPublished, InvalidInput) as error:
        log.warning("%s is not shown: %s", search or "/", error)
        return components.failed_page(view, periods, _message(error, view, texts), texts)


def _message(error: ActstockError, view: View, texts: Texts) -> Component:
    detail = str(error)
    again = components.reload_link(view, texts)
    newest = components.newest_link(view, texts)
    if isinstance(error, InvalidInput):
        return components.state(texts.bad_address_title, detail, texts.bad_address_hint, newest)
    if isinstance(error, NotPublished):
        actions = [again, newest] if view.as_of else [again]
        return components.state(texts.not_published_title, detail, texts.not_published_hint, *actions)
    if isinstance(error, ApiRefused):
        return components.state(texts.refused_title, detail, texts.refused_hint, again)
    return components.state(texts.away_title, detail, texts.away_hint, again)
