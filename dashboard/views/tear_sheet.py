"""The part of the performance view that is a tear sheet: a portfolio's figures beside the benchmark's, by range."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import isclose

from dash import html
from msgspec import structs

from contract.portfolios import Performance, PortfolioPerformance
from dashboard import components, figures, tear_sheet
from dashboard.components import Choice, Component
from dashboard.page import Page, percent, signed, typeset
from dashboard.tear_sheet import Drawdown, Figures, Month, Series
from dashboard.texts import common, performance
from dashboard.texts import tear_sheet as texts

WHOLE = "all"
# In calendar days.
RANGES = {"1m": 31, "3m": 92, "6m": 183, "1y": 366}
SHOWN_DRAWDOWNS = 5
# A dividend moves the last digits of earlier values, which is no correction.
NOISE = 1e-9
FIGURES_OF_A_YEAR = ("cagr", "volatility", "sharpe", "sortino", "calmar")


def selected(page: Page) -> str:
    return page.address.choice("range", list(texts.RANGES), WHOLE)


def range_selector(page: Page) -> Component:
    choices = [
        Choice(
            name,
            page.say(text),
            page.address.href(range=None if name == WHOLE else name),
            page.say(texts.RANGE_HINTS[name]),
        )
        for name, text in texts.RANGES.items()
    ]
    return components.selector(page.say(texts.RANGE), choices, selected(page))


def print_button(page: Page) -> Component:
    """Show the button with which the page's script opens the browser's printing."""
    return html.Button(page.say(texts.PRINT), className="button small print", type="button")


def in_range(shown: PortfolioPerformance, page: Page) -> PortfolioPerformance:
    """Return the series of the chosen range alone, from 1, with drawdowns of their own."""
    first = first_session(shown.sessions, selected(page))
    at = shown.sessions.index(first)
    if at == 0:
        return shown
    net, gross, benchmark = (
        Series.of(shown.sessions, values).since(first) for values in (shown.net, shown.gross, shown.benchmark)
    )
    return structs.replace(
        shown,
        sessions=list(net.sessions),
        net=net.values.tolist(),
        gross=gross.values.tolist(),
        benchmark=benchmark.values.tolist(),
        drawdown=tear_sheet.below_highest(net).tolist(),
        benchmark_drawdown=tear_sheet.below_highest(benchmark).tolist(),
        turnover=shown.turnover[at:],
        position_count=shown.position_count[at:],
    )


def first_session(sessions: Sequence[date], name: str) -> date:
    """Return the first session of a range that ends with the last one: the close that it starts from.

    >>> days = [date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 2), date(2026, 3, 2)]
    >>> [str(first_session(days, name)) for name in ("all", "ytd", "1m", "3m")]
    ['2025-12-30', '2025-12-31', '2026-01-02', '2025-12-30']
    """
    last = sessions[-1]
    if name == WHOLE:
        return sessions[0]
    start = date(last.year, 1, 1) if name == "ytd" else last - timedelta(days=RANGES[name])
    before = [day for day in sessions[:-1] if day < start]
    return before[-1] if before else sessions[0]


def panels(record: Performance, shown: PortfolioPerformance, page: Page) -> Component:
    """Show the tear sheet of the chosen range. shown: the whole record.

    All of it is of the series that the published figures were computed from: what was known at the last session.
    """
    if len(shown.sessions) < 2:
        return html.Div()
    first = first_session(shown.sessions, selected(page))
    own, its = (Series.of(shown.sessions, values) for values in (shown.known_net, shown.known_benchmark))
    pair = own.since(first), its.since(first)
    return html.Div(
        [
            html.Div(
                [
                    _figures(record, shown, pair, page),
                    html.Div([_drawdowns(pair[0], page), _rolling(record, (own, its), first, page)]),
                ],
                className="two",
            ),
            _months(record, pair, page),
        ],
        className="tear-sheet",
    )


# ── figures ──────────────────────────────────────────────────────────────────


def _figures(record: Performance, shown: PortfolioPerformance, pair: tuple[Series, Series], page: Page) -> Component:
    say, (own, its) = page.say, pair
    needed = record.annualised_from_sessions
    ours, theirs = _own_figures(shown, own, needed, page), tear_sheet.figures(its, needed)
    columns = [
        (say(texts.FIGURE), ""),
        (say(texts.PORTFOLIO_NET), "number strong"),
        (say(common.BENCHMARK, benchmark=record.benchmark), "number"),
    ]
    rows = [*_rows(ours, theirs, page), _beta_row(record, shown, own, its, page)]
    count = len(own.sessions) - 1
    few = [html.P(say(texts.TOO_FEW, count=count, needed=needed), className="note")] if count < needed else []
    corrected = [html.P(say(texts.CORRECTED), className="note")] if is_corrected(shown) else []
    title = say(texts.FIGURES, first=page.day(own.sessions[0]), last=page.day(own.sessions[-1]))
    return components.panel(title, components.table("figures", columns, rows), *few, *corrected)


def is_corrected(shown: PortfolioPerformance) -> bool:
    """Tell whether a session's value is known to be another one than was published first. Last digits are none."""
    pairs = (*zip(shown.net, shown.known_net, strict=True), *zip(shown.benchmark, shown.known_benchmark, strict=True))
    return any(first != known and not isclose(first or 0.0, known or 0.0, rel_tol=NOISE) for first, known in pairs)


def _own_figures(shown: PortfolioPerformance, own: Series, needed: int, page: Page) -> Figures:
    """Return the portfolio's figures. Those of the whole record are the published ones."""
    counted = tear_sheet.figures(own, needed)
    if selected(page) != WHOLE:
        return counted
    return replace(
        counted,
        total=shown.total_return_net,
        max_drawdown=shown.max_drawdown,
        **{name: getattr(shown, name) for name in FIGURES_OF_A_YEAR},
    )


def _rows(ours: Figures, theirs: Figures, page: Page) -> list[Sequence[Component]]:
    gains = [
        (texts.TOTAL, ours.total, theirs.total),
        (performance.CAGR, ours.cagr, theirs.cagr),
    ]
    ratios = [
        (performance.SHARPE, ours.sharpe, theirs.sharpe),
        (performance.SORTINO, ours.sortino, theirs.sortino),
        (performance.CALMAR, ours.calmar, theirs.calmar),
    ]
    falls = [
        (performance.SHORT_DRAWDOWN, ours.max_drawdown, theirs.max_drawdown),
        (texts.BEST_DAY, ours.best_day, theirs.best_day),
        (texts.WORST_DAY, ours.worst_day, theirs.worst_day),
        (texts.BEST_MONTH, ours.best_month, theirs.best_month),
        (texts.WORST_MONTH, ours.worst_month, theirs.worst_month),
    ]
    shares = [(texts.POSITIVE_DAYS, ours.positive_days, theirs.positive_days)]
    risk = [(performance.VOLATILITY, ours.volatility, theirs.volatility)]
    return [
        *(_row(page.say(name), components.gain(a), components.gain(b)) for name, a, b in gains),
        *(_row(page.say(name), percent(a), percent(b)) for name, a, b in risk),
        *(_row(page.say(name), ratio(a), ratio(b)) for name, a, b in ratios),
        *(_row(page.say(name), signed(a), signed(b)) for name, a, b in falls),
        *(_row(page.say(name), percent(a), percent(b)) for name, a, b in shares),
    ]


def _beta_row(
    record: Performance, shown: PortfolioPerformance, own: Series, its: Series, page: Page
) -> Sequence[Component]:
    is_long = len(own.sessions) > record.annualised_from_sessions
    counted = tear_sheet.beta(own.returns, its.returns) if is_long else None
    beta = shown.beta if selected(page) == WHOLE else counted
    return _row(page.say(performance.BETA, benchmark=record.benchmark), ratio(beta), ratio(1.0 if is_long else None))


def _row(name: str, ours: Component, theirs: Component) -> Sequence[Component]:
    return html.Span(name, title=components.meaning(name)), ours, theirs


def ratio(value: float | None) -> str:
    """Return a ratio with two digits.

    >>> ratio(-0.239), ratio(None)
    ('−0.24', '–')
    """
    return "–" if value is None else typeset(f"{value:.2f}")


# ── months, drawdowns, rolling ───────────────────────────────────────────────


def _months(record: Performance, pair: tuple[Series, Series], page: Page) -> Component:
    """Show a row of the portfolio and one of the benchmark for each year, the newest first."""
    say = page.say
    names = (say(texts.PORTFOLIO_NET), record.benchmark)
    by_month, by_year = [tear_sheet.months(each) for each in pair], [tear_sheet.years(each) for each in pair]
    columns = [
        (say(texts.YEAR), ""),
        (say(performance.PORTFOLIO), "soft"),
        *((say(month), "number") for month in texts.MONTHS),
        (say(texts.WHOLE_YEAR), "number strong"),
    ]
    rows = [
        (
            str(year) if place == 0 else "",
            names[place],
            *(_month(by_month[place].get(Month(year, month))) for month in range(1, 13)),
            components.gain(by_year[place][year]),
        )
        for year in sorted(by_year[0], reverse=True)
        for place in (0, 1)
    ]
    note = html.P(say(texts.MONTHS_NOTE), className="note")
    return components.panel(say(texts.MONTHS_TITLE), components.table("monthly-returns", columns, rows), note)


def _month(share: float | None) -> Component:
    return "" if share is None else components.gain(share)


def _drawdowns(own: Series, page: Page) -> Component:
    say, found = page.say, tear_sheet.drawdowns(own)[:SHOWN_DRAWDOWNS]
    if not found:
        return components.panel(say(texts.DRAWDOWNS), html.P(say(texts.NO_DRAWDOWNS)))
    columns = [
        (say(texts.DEPTH), "number strong"),
        (say(texts.FROM), ""),
        (say(texts.LOWEST), ""),
        (say(texts.RECOVERED), ""),
        (say(texts.LASTED), "number"),
    ]
    rows = [_drawdown(each, page) for each in found]
    return components.panel(say(texts.DRAWDOWNS), components.table("drawdowns", columns, rows))


def _drawdown(each: Drawdown, page: Page) -> Sequence[Component]:
    end = each.end.isoformat() if each.end else page.say(texts.NOT_YET)
    return signed(each.depth), each.start.isoformat(), each.lowest.isoformat(), end, str(each.sessions)


def _rolling(record: Performance, pair: tuple[Series, Series], first: date, page: Page) -> Component:
    """Show the rolling figures of the range, for which the sessions before count as well."""
    say, window = page.say, record.annualised_from_sessions
    title = say(texts.ROLLING, window=window)
    sharpes, betas = tear_sheet.rolling(*pair, window)
    at = pair[0].sessions.index(first)
    if all(each is None for each in sharpes[at:]):
        return components.panel(title, html.P(say(texts.NO_ROLLING, window=window)))
    lines: dict[str, list[float | None]] = {
        say(texts.ROLLING_SHARPE): sharpes[at:],
        say(texts.ROLLING_BETA, benchmark=record.benchmark): betas[at:],
    }
    days = [day.isoformat() for day in pair[0].sessions[at:]]
    return components.panel(title, components.graph("rolling", figures.rolling(days, lines, page.palette)))
