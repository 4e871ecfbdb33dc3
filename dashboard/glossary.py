"""The words of a view with their meanings, for readers without a mouse: what the tooltips say, as a list."""

from collections.abc import Iterator
from typing import Any

from dash import html
from dash_ag_grid import AgGrid

from dashboard import components
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import glossary


def explained(view: object, page: Page) -> list[Component]:
    """Return the folded list of all headings that a view explains; none where it explains nothing."""
    meanings = dict(_explained(view))
    if not meanings:
        return []
    terms = [html.Div([html.Dt(name), html.Dd(meaning)]) for name, meaning in meanings.items()]
    return [
        html.Details([html.Summary(page.say(glossary.TITLE)), html.Dl(terms)], id="meanings", className="meanings-of")
    ]


def _explained(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, (list, tuple)):
        for each in part:
            yield from _explained(each)
    elif isinstance(part, AgGrid):
        yield from ((each["headerName"], each["headerTooltip"]) for each in part.columnDefs if "headerTooltip" in each)
    elif isinstance(part, html.Th) and isinstance(part.children, html.Button):
        if hint := getattr(part, "title", None):
            yield str(part.children.children), hint
    elif isinstance(part, (html.Th, html.Dt)) and (meaning := components.meaning(part.children)):
        yield str(part.children), meaning
    else:
        yield from _explained(getattr(part, "children", None) or [])
