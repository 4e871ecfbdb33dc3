"""The line below a portfolio that says how its like has done."""

from collections.abc import Sequence

from dash import dcc, html

from config.periods import MONTHLY
from contract.portfolios import FollowedReturn
from dashboard import components
from dashboard.address import Address
from dashboard.components import Component
from dashboard.page import Page, signed
from dashboard.texts import portfolio
from dashboard.views import selectors


def line(followed: FollowedReturn | None, benchmark: str, page: Page) -> Component:
    """Show the return of following the period's portfolios up to the session, and how far that is a record."""
    told = _sentence(followed, benchmark, page) if followed else [page.say(portfolio.NO_RECORD)]
    return html.P([*told, " ", link(page)], id="record", className="record")


def link(page: Page) -> Component:
    """To the whole record of the shown period, up to the shown session."""
    days = selectors.selected(page)
    # A rebalance date is no session.
    as_of = None if days == MONTHLY else page.address.choices.get("as_of")
    href = Address("/performance").href(period=days, as_of=as_of)
    return dcc.Link(page.say(portfolio.WHOLE_RECORD), href=href)


def _sentence(followed: FollowedReturn, benchmark: str, page: Page) -> Sequence[Component]:
    say, sessions = page.say, followed.session_count
    doubt = say(portfolio.RECORD_HINDSIGHT, count=followed.hindsight_sessions)
    return [
        say(portfolio.RECORD, sessions=sessions, day=page.day(followed.first_session)),
        " ",
        html.Strong(signed(followed.total_return_net), className=components.sign_class(followed.total_return_net)),
        f" {say(portfolio.RECORD_NET)}, {benchmark} ",
        html.Strong(signed(followed.benchmark_return), className=components.sign_class(followed.benchmark_return)),
        f", {say(portfolio.RECORD_DRAWDOWN)} ",
        html.Strong(signed(followed.max_drawdown)),
        ". ",
        *([html.Span(doubt, className="doubt")] if followed.hindsight_sessions else []),
    ]
