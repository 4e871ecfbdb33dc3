"""The windows over which the market's view shows returns."""

from contract.common import WINDOWS, Window
from contract.etfs import Etf
from contract.stocks import Standing
from dashboard import components
from dashboard.components import Choice, Component
from dashboard.page import Page
from dashboard.texts import common, market_map

ONE_DAY: Window = "1d"
MONTH: Window = "month"
DEFAULT_WINDOW: Window = "20d"


def said_of(figures: Standing | Etf, page: Page) -> list[str]:
    """Return what is missing or in doubt, each reason once behind the windows that it is about.

    Of a return that is null the doubts are of no use.
    """
    by_words: dict[str, list[str]] = {}
    for window in WINDOWS:
        told = figures.missing_by_window.get(window) or figures.degraded_by_window.get(window)
        if told:
            by_words.setdefault(components.words(told, page), []).append(components.window_name(window, page))
    return [f"{', '.join(windows)}: {words}" for words, windows in by_words.items()]


def window_of(page: Page) -> Window:
    return page.address.choice("window", WINDOWS, DEFAULT_WINDOW)


def window_selector(page: Page) -> Component:
    choices = [
        Choice(
            window, components.window_name(window, page), page.address.href(window=window), _window_hint(window, page)
        )
        for window in WINDOWS
    ]
    return components.selector(page.say(market_map.WINDOW), choices, window_of(page))


def _window_hint(window: Window, page: Page) -> str:
    if window == ONE_DAY:
        return page.say(common.ONE_DAY_HINT)
    return page.say(market_map.MONTH_HINT) if window == MONTH else page.say(common.PERIOD_HINT, days=window[:-1])


def window_span(window: Window, page: Page) -> str:
    """Return the window within a sentence."""
    if window == ONE_DAY:
        return page.say(market_map.SPAN_DAY)
    return page.say(market_map.SPAN_MONTH) if window == MONTH else page.say(market_map.SPAN_DAYS, days=window[:-1])
