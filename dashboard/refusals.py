"""What stands in place of a view that cannot be shown: what happened, and the hint that fits it."""

from collections.abc import Mapping
from typing import NamedTuple

from dash import dcc

from config.periods import MONTHLY
from contract.reasons import shown
from dashboard import components
from dashboard.address import Address
from dashboard.api_client import ApiAway, ApiFailed, ApiRefused
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import Text, common, evidence
from utils.errors import (
    ActstockError,
    EvidenceChanged,
    InvalidInput,
    NotASession,
    NotPublished,
    UnknownEvidence,
    UnknownTicker,
)

EXPECTED = (ApiAway, ApiFailed, ApiRefused, EvidenceChanged, InvalidInput, NotPublished, UnknownTicker)


class Refusal(NamedTuple):
    """What happened in a few words, and what to do about it."""

    title: Text
    hint: Text


NO_REBALANCE = Refusal(common.NOT_PUBLISHED_TITLE, common.NO_REBALANCE_HINT)
NOT_THAT_DAY = Refusal(common.NOT_PUBLISHED_TITLE, common.NOT_THAT_DAY_HINT)
OUTSIDE = Refusal(common.OUTSIDE_TITLE, common.OUTSIDE_HINT)
OTHER_TABLES = Refusal(common.OTHER_TABLES_TITLE, common.OTHER_TABLES_HINT)
NO_WEIGHT = Refusal(evidence.NO_WEIGHT_TITLE, evidence.NO_WEIGHT_HINT)
# Of one reason, where that of its kind does not fit.
BY_CODE: Mapping[str, Refusal] = {
    "not_over_yet": Refusal(common.NOT_OVER_TITLE, common.NOT_OVER_HINT),
    "outside_calendar": OUTSIDE,
    "sessions_before_outside": OUTSIDE,
    "no_rebalance": NO_REBALANCE,
    "no_rebalance_of": NO_REBALANCE,
    "no_revision": Refusal(evidence.NO_REVISION_TITLE, evidence.NO_REVISION_HINT),
    "no_weight_of": NO_WEIGHT,
    "no_monthly_weight_of": NO_WEIGHT,
    "table_missing": OTHER_TABLES,
    "tables_too_old": OTHER_TABLES,
}
# The more special kinds first.
BY_KIND: Mapping[type[ActstockError], Refusal] = {
    UnknownTicker: Refusal(common.UNKNOWN_TICKER_TITLE, common.UNKNOWN_TICKER_HINT),
    NotASession: Refusal(common.NO_SESSION_TITLE, common.NO_SESSION_HINT),
    InvalidInput: Refusal(common.BAD_ADDRESS_TITLE, common.BAD_ADDRESS_HINT),
    UnknownEvidence: Refusal(evidence.NONE_KEPT_TITLE, evidence.NONE_KEPT_HINT),
    NotPublished: Refusal(common.NOT_PUBLISHED_TITLE, common.NOT_PUBLISHED_HINT),
    EvidenceChanged: Refusal(evidence.CHANGED_TITLE, evidence.CHANGED_HINT),
    ApiRefused: Refusal(common.REFUSED_TITLE, common.REFUSED_HINT),
    ApiFailed: Refusal(common.FAILED_TITLE, common.FAILED_HINT),
    ApiAway: Refusal(common.AWAY_TITLE, common.AWAY_HINT),
}


def message(error: ActstockError, page: Page) -> Component:
    """Say why a view cannot be shown, what to do, and where to go from here."""
    refusal = refusal_of(error, page)
    detail = components.words(shown([error.reason]), page)
    ways = _ways(error, page)
    return components.state(page.say(refusal.title), detail, page.say(refusal.hint), *ways, is_page=True)


def refusal_of(error: ActstockError, page: Page) -> Refusal:
    """Return what fits the reason, else what fits its kind and the address."""
    if error.reason.code in BY_CODE:
        return BY_CODE[error.reason.code]
    if type(error) is NotPublished and page.address.choices.get("period") == MONTHLY:
        return NO_REBALANCE
    if type(error) is NotPublished and "as_of" in page.address.choices:
        return NOT_THAT_DAY
    return next(refusal for kind, refusal in BY_KIND.items() if isinstance(error, kind))


def _ways(error: ActstockError, page: Page) -> list[Component]:
    again = components.reload_link(page)
    if isinstance(error, UnknownEvidence):
        if error.reason.code == "no_revision":
            return [components.newest_link(page, page.address.href(revision=None))]
        return [_portfolio_link(page)]
    if isinstance(error, NotASession):
        return [components.newest_link(page, page.address.href(as_of=None))]
    if isinstance(error, InvalidInput):
        return [components.newest_link(page, "/")]
    if isinstance(error, NotPublished) and "as_of" in page.address.choices:
        return [again, components.newest_link(page, page.address.href(as_of=None))]
    return [again]


def _portfolio_link(page: Page) -> Component:
    """Show the way to the portfolio that an address of evidence is about."""
    month = page.address.choices.get("rebalance")
    choices = {"period": MONTHLY, "as_of": month} if month else components.kept_choices(page.address)
    return dcc.Link(page.say(evidence.BACK), href=Address("/", choices=choices).href(), className="button")
