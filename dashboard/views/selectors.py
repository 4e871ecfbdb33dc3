"""What views share: the period selector, the date picker, and whether a long list is shown whole."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dash import dcc, html

from config.periods import MONTHLY
from contract.pipeline import Calendar, PublishedDay
from dashboard import components
from dashboard.components import Choice, Component
from dashboard.page import Page
from dashboard.texts import Text, common, month, portfolio, trades

DAY_PICKER = "session-picker"
SOME, ALL = "some", "all"


def lists_all(page: Page, name: str) -> bool:
    """Tell whether the reader has asked for the whole of a long list."""
    return page.address.choice(name, [SOME, ALL], SOME) == ALL


def selected(page: Page) -> str:
    """Return the period of the address: sessions, or `monthly`. The longest one is the default."""
    return page.address.choice("period", [*map(str, page.periods), MONTHLY], str(max(page.periods)))


def period_selector(page: Page, keeps_day: bool = False) -> Component:
    """To the same session over another period.

    keeps_day: where the month's portfolio is that of a session, too, and not of a rebalance date. Else the newest is
    shown when it comes or goes.
    """
    current = selected(page)

    def other_day(comes_or_goes: bool) -> dict[str, None]:
        return {"as_of": None} if comes_or_goes and not keeps_day else {}

    choices = [
        Choice(
            str(days),
            page.say(common.DAYS, days=days),
            page.address.href(period=days, why=None, **other_day(current == MONTHLY)),
            page.say(common.PERIOD_HINT, days=days),
        )
        for days in page.periods
    ]
    monthly = page.address.href(period=MONTHLY, why=None, **other_day(current != MONTHLY))
    choices.append(Choice(MONTHLY, page.say(common.MONTH), monthly, page.say(common.MONTHLY_HINT)))
    return components.selector(page.say(common.PERIOD), choices, current)


def trades_link(page: Page) -> Component:
    """Lead to the trades from what the reader owns to the newest portfolio of this period."""
    return dcc.Link(page.say(trades.FROM_OWNED), href=f"/trades?period={selected(page)}", className="button small")


def session_picker(page: Page, shown: date, calendar: Calendar) -> Component:
    return _picker(page, shown, calendar.sessions, portfolio.SESSION_PICKER, (portfolio.EARLIER, portfolio.LATER))


def rebalance_picker(page: Page, shown: date, calendar: Calendar) -> Component:
    return _picker(page, shown, calendar.rebalances, month.PICKER, (month.EARLIER, month.LATER))


def _picker(
    page: Page, shown: date, published: Sequence[PublishedDay], label: Text, steps: tuple[Text, Text]
) -> Component:
    """Show a picker of published days, with one step back, one forth, and the way to the newest."""
    days = [each.as_of_date for each in published]
    before = max((day for day in days if day < shown), default=None)
    after = min((day for day in days if day > shown), default=None)
    picker = dcc.DatePickerSingle(
        id=DAY_PICKER,
        date=shown.isoformat(),
        min_date_allowed=min(days, default=shown).isoformat(),
        max_date_allowed=max(days, default=shown).isoformat(),
        disabled_days=unpublished(days),
        initial_visible_month=shown.isoformat(),
        display_format="YYYY-MM-DD",
        first_day_of_week=1,
    )
    return html.Div(
        [
            _step("‹", page.say(steps[0]), before, page),
            html.Label([html.Span(page.say(label), className="unseen"), picker]),
            _step("›", page.say(steps[1]), after, page),
            *_marks(next((each for each in published if each.as_of_date == shown), None), page),
            *([dcc.Link(page.say(portfolio.NEWEST), href=_newest(page), className="newest")] if after else []),
            _not_offered(days, page),
        ],
        className="picker",
    )


def _not_offered(days: Sequence[date], page: Page) -> Component:
    """Return the place where the page's script answers a day that cannot be chosen."""
    data: dict[str, Any] = {
        "data-days": " ".join(map(str, days)),
        "data-text": page.say(common.DAY_NOT_OFFERED, day="{day}"),
    }
    return html.P(id="session-problem", className="problem", role="alert", **data)


def _marks(day: PublishedDay | None, page: Page) -> list[Component]:
    """Return the warnings about the day shown."""
    if day is None:
        return []
    if not day.is_computable:
        return [components.doubt(page.say(common.NOT_COMPUTABLE_TAG))]
    return [components.doubt(f"△ {page.say(common.DEGRADED_TAG)}")] if day.is_degraded else []


def _step(sign: str, label: str, day: date | None, page: Page) -> Component:
    if day is None:
        return html.Span(sign, className="step", **components.aria(hidden="true"))
    return dcc.Link(sign, href=page.address.href(as_of=day, why=None), className="step", title=label)


def _newest(page: Page) -> str:
    return page.address.href(as_of=None, why=None)


def unpublished(days: Sequence[date]) -> list[str]:
    """Return the days between the first and the last one that are not among them.

    >>> unpublished([date(2026, 8, 20), date(2026, 8, 21), date(2026, 8, 24)])
    ['2026-08-22', '2026-08-23']
    """
    published = set(days)
    between = (days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days)) if days else ()
    return [day.isoformat() for day in between if day not in published]
