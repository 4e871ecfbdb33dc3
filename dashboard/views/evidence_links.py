"""What the evidence of a day's weight and of a month's share: addresses, revisions, links of the chain, the formula."""

from collections.abc import Iterable, Sequence
from datetime import date

from dash import html

from contract.evidence import PublicationLink, WeightRevision
from dashboard import components
from dashboard.address import Address
from dashboard.components import Choice, Component
from dashboard.page import Page, percent
from dashboard.texts import evidence

SHORT = 10


def of_weight(ticker: str, period_days: int, as_of: date, revision: int | None = None) -> str:
    """Return the address of what a weight of a daily portfolio rests on: of its newest revision without a number."""
    return Address("/evidence", ticker).href(period=period_days, as_of=as_of, revision=revision)


def of_month(ticker: str, rebalance_date: date) -> str:
    """Return the address of what a weight of a month rests on."""
    return Address("/evidence", ticker).href(rebalance=rebalance_date)


def revision_selector(revisions: Sequence[WeightRevision], publication: PublicationLink, page: Page) -> list[Component]:
    """Return the choice of a revision, or nothing when there is one."""
    choices = [
        Choice(
            str(each.revision),
            str(each.revision),
            page.address.href(revision=each.revision),
            page.say(evidence.REVISION_HINT, weight=percent(each.weight), moment=page.moment(each.known_at)),
        )
        for each in revisions
    ]
    selector = components.selector(page.say(evidence.REVISION), choices, str(publication.revision))
    return [selector] if len(choices) > 1 else []


def facts(
    revisions: Sequence[WeightRevision], publication: PublicationLink, page: Page
) -> list[tuple[Component, Component]]:
    """Return which revision it is, since when it is known, and its digest."""
    number = page.say(evidence.REVISION_OF, number=publication.revision, count=len(revisions))
    return [
        (page.say(evidence.REVISION), number),
        (page.say(evidence.KNOWN_AT), page.moment(publication.known_at)),
        (page.say(evidence.DIGEST), short_digest(publication.digest)),
    ]


def formula(lines: Iterable[tuple[Component, Component]]) -> Component:
    """Show the steps that lead to a weight, each with its numbers."""
    steps = [html.Div([components.term(name), html.Dd(value)]) for name, value in lines]
    return html.Dl(steps, id="formula", className="formula")


def short_digest(digest: str) -> Component:
    return html.Code(digest[:SHORT], title=digest)


def folded(title: str, *content: Component) -> Component:
    return html.Details([html.Summary(title), *content], className="panel")


def publications(links: Iterable[PublicationLink], page: Page) -> Component:
    """Show the links of the publications that a weight rests on."""
    say = page.say
    columns = [
        (say(evidence.JOB), ""),
        (say(evidence.REVISION), "number"),
        (say(evidence.KNOWN_AT), ""),
        (say(evidence.LINK), ""),
        (say(evidence.PREVIOUS), ""),
        (say(evidence.READ_UP_TO), "prose"),
    ]
    return folded(
        say(evidence.PUBLICATIONS),
        html.P(say(evidence.PUBLICATIONS_HINT), className="note"),
        components.table("publications", columns, [_publication(each, page) for each in links]),
    )


def _publication(link: PublicationLink, page: Page) -> Sequence[Component]:
    return (
        page.say(evidence.JOBS[link.job]),
        link.revision,
        page.moment(link.known_at),
        html.Span([f"{link.position} ", short_digest(link.digest)]),
        short_digest(link.previous),
        html.Code(", ".join(f"{chain} {position}" for chain, position in sorted((link.watermark or {}).items()))),
    )
