"""How a portfolio has done: value, drawdown and turnover on one axis of sessions."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from contract.portfolios import PortfolioPerformance
from dashboard.figures.labels import spread
from dashboard.figures.style import Figure, Palette, Trace, figure

PERFORMANCE_PIXELS = 560
# What the name at a line's end takes of the range of values.
LABEL_SHARE = 0.125
# A week in cash is worth a name.
CASH_SESSIONS = 5
# In milliseconds: ticks that are further apart are months.
DAYS_OF_MONTHS = 27 * 86_400_000
# Of the height, from the bottom: value, drawdown and turnover.
PARTS = ((0.502, 1.0), (0.234, 0.417), (0.0, 0.149))


class Stretch(NamedTuple):
    """Sessions from one to another, both included."""

    first: date
    last: date


def cash_stretches(sessions: Sequence[date], position_count: Sequence[int]) -> list[Stretch]:
    """Return where nothing was held for CASH_SESSIONS or more, from the close at which all was sold.

    position_count: of what was held up to each session's close

    >>> days = [date(2026, 8, day) for day in (3, 4, 5, 6, 7, 10, 11, 12)]
    >>> [stretch] = cash_stretches(days, [2, 2, 0, 0, 0, 0, 0, 2])
    >>> f"{stretch.first} to {stretch.last}"
    '2026-08-04 to 2026-08-11'
    """
    found = []
    for holds, run in groupby(enumerate(position_count), key=lambda counted: counted[1] > 0):
        places = [place for place, _ in run]
        if not holds and len(places) >= CASH_SESSIONS:
            found.append(Stretch(sessions[max(places[0] - 1, 0)], sessions[places[-1]]))
    return found


def performance(
    shown: PortfolioPerformance,
    palette: Palette,
    names: tuple[str, str, str],
    titles: tuple[str, str, str],
    cash: str = "",
) -> Figure:
    """Value, drawdown and turnover one below the other on the same sessions; each line is named at its end.

    names: of the net value, the gross value, and the benchmark; titles: of the three parts; cash: the name of stretches
    in which nothing is held.
    """
    net, gross, benchmark = names
    lines: dict[str, tuple[Sequence[float | None], str]] = {
        net: (shown.net, palette.accent),
        gross: (shown.gross, palette.accent),
        benchmark: (shown.benchmark, palette.ink_soft),
    }
    labels, heights = _ends(lines)
    stretches = cash_stretches(shown.sessions, shown.position_count) if cash else []
    return figure(
        _traces(shown, palette, names, titles[2]),
        palette,
        PERFORMANCE_PIXELS,
        hovermode="x unified",
        margin={"l": 46, "r": 92, "t": 26, "b": 36},
        bargap=0.1,
        shapes=[_shade(stretch, palette) for stretch in stretches],
        annotations=[
            *(_title(title, top, palette) for title, (_, top) in zip(titles, PARTS, strict=True)),
            *(_cash(stretch, cash, palette) for stretch in stretches),
            *labels,
        ],
        **_days_axes(palette),
        yaxis=_values(0, palette, nticks=6, tickformat=".2f", range=heights),
        yaxis2=_values(1, palette, nticks=4, tickformat=".0%", rangemode="tozero"),
        yaxis3=_values(2, palette, nticks=3, tickformat=".0%", rangemode="tozero"),
    )


def _traces(shown: PortfolioPerformance, palette: Palette, names: tuple[str, str, str], turnover: str) -> list[Trace]:
    net, gross, benchmark = names
    mode = "lines" if len(shown.sessions) > 1 else "markers"
    solid, dotted = {"color": palette.accent, "width": 2.2}, {"color": palette.accent, "width": 1.5, "dash": "dot"}
    quiet = {"color": palette.ink_soft, "width": 1.5}
    days = [day.isoformat() for day in shown.sessions]

    def line(part: str, values: Sequence[float | None], name: str, look: dict[str, Any], form: str) -> Trace:
        trace = {"type": "scatter", "x": days, "y": values, "name": name, "mode": mode, "line": look}
        hover = f"{name} %{{y:{form}}}<extra></extra>"
        return {**trace, "hovertemplate": hover, "xaxis": f"x{part}", "yaxis": f"y{part}"}

    filled = {"fill": "tozeroy", "fillcolor": faint(palette.accent, 0.18)}
    return [
        line("", shown.benchmark, benchmark, quiet, ".4f"),
        line("", shown.gross, gross, dotted, ".4f"),
        line("", shown.net, net, solid, ".4f"),
        line("2", shown.benchmark_drawdown, benchmark, quiet, "+.2%"),
        line("2", shown.drawdown, net, solid, "+.2%") | filled,
        {
            "type": "bar",
            "x": days,
            "y": shown.turnover,
            "name": turnover,
            "xaxis": "x3",
            "yaxis": "y3",
            "marker": {"color": palette.ink_soft, "line": {"width": 0}},
            "hovertemplate": "%{y:.2%}<extra></extra>",
        },
    ]


def _days_axes(palette: Palette) -> dict[str, dict[str, Any]]:
    """Return the axis of sessions of each part: they move together, and the last one is labelled."""
    axis = {
        "fixedrange": True,
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "zeroline": False,
        "nticks": 5,
        "tickangle": 0,
        "ticklabelstandoff": 4,
        "spikecolor": palette.ink_soft,
        "spikethickness": 1,
        "spikedash": "dot",
        # Numbers, as plotly would write the months' names in English.
        "hoverformat": "%Y-%m-%d",
        "tickformatstops": [
            # The year stands below where it begins: four whole dates are wider than a phone.
            {"dtickrange": [None, DAYS_OF_MONTHS], "value": "%m-%d\n%Y"},
            {"dtickrange": [DAYS_OF_MONTHS, None], "value": "%m\n%Y"},
        ],
    }
    upper = {**axis, "matches": "x3", "showticklabels": False}
    return {
        "xaxis": {**upper, "anchor": "y"},
        "xaxis2": {**upper, "anchor": "y2"},
        "xaxis3": {**axis, "anchor": "y3"},
    }


def _values(part: int, palette: Palette, **more: Any) -> dict[str, Any]:
    grid = {"fixedrange": True, "gridcolor": palette.grid, "zeroline": False}
    return {"domain": list(PARTS[part]), "anchor": f"x{part + 1 if part else ''}", **grid, **more}


def _title(title: str, top: float, palette: Palette) -> dict[str, Any]:
    place = {"x": 0, "y": top, "xref": "paper", "yref": "paper", "yshift": 3}
    return {**place, **_label(title, 12, palette)}


def _shade(stretch: Stretch, palette: Palette) -> dict[str, Any]:
    """Return the shade behind a stretch."""
    place = {"x0": stretch.first.isoformat(), "x1": stretch.last.isoformat(), "y0": 0, "y1": 1}
    look = {"fillcolor": faint(palette.neutral, 0.35), "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", "xref": "x", "yref": "y domain", **place, **look}


def _cash(stretch: Stretch, name: str, palette: Palette) -> dict[str, Any]:
    place = {"x": stretch.first.isoformat(), "y": 0, "xref": "x", "yref": "y domain", "xshift": 2}
    return {**place, **_label(name, 11, palette)}


def _label(text: str, size: int, palette: Palette) -> dict[str, Any]:
    """Return a text that stands on its place, and begins there."""
    font = {"color": palette.ink, "size": size}
    return {"text": text, "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": font}


def _ends(lines: Mapping[str, tuple[Sequence[float | None], str]]) -> tuple[list[dict[str, Any]], list[float]]:
    """Label each line of the first part at its right end with its name and last value, and return its range, too.

    Labels are moved apart, and plotly shows none beyond the range of its axis.
    """
    known = [value for values, _ in lines.values() for value in values if value is not None]
    low, high = min(known), max(known)
    room = (high - low) or 0.02
    ends = {name: values[-1] for name, (values, _) in lines.items() if values[-1] is not None}
    places = spread(ends, LABEL_SHARE * room)
    labels = [
        {
            "text": f"{name}<br><b>{ends[name] - 1:+.2%}</b>".replace("<b>-", "<b>−"),
            "x": 1,
            "y": at,
            "xref": "paper",
            "yref": "y",
            "xanchor": "left",
            "align": "left",
            "xshift": 6,
            "showarrow": False,
            "font": {"color": lines[name][1], "size": 11},
        }
        for name, at in places.items()
    ]
    return labels, [min(low, *places.values()) - 0.06 * room, max(high, *places.values()) + 0.06 * room]


def faint(colour: str, share: float) -> str:
    """Return a colour as a share of itself over the ground.

    >>> faint("#4c9be8", 0.18)
    'rgba(76, 155, 232, 0.18)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {share})"
