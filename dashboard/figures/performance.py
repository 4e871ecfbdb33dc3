"""How a portfolio has done: value, drawdown and turnover on one axis of sessions."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from contract.portfolios import PortfolioPerformance
from dashboard.figures.labels import spread
from dashboard.figures.style import Palette, dress

PERFORMANCE_PIXELS = 560
# What the name at a line's end takes of the range of values.
LABEL_SHARE = 0.125
# A week in cash is worth a name.
FLAT_SESSIONS = 5
# In milliseconds: ticks that are further apart are months.
DAYS_OF_MONTHS = 27 * 86_400_000


class Stretch(NamedTuple):
    """Sessions from one to another, both included."""

    first: date
    last: date


def cash_stretches(sessions: Sequence[date], gross: Sequence[float]) -> list[Stretch]:
    """Return where nothing was held for FLAT_SESSIONS or more: the value stays the same to the last digit.

    >>> days = [date(2026, 8, day) for day in (3, 4, 5, 6, 7, 10, 11, 12)]
    >>> [stretch] = cash_stretches(days, [1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.2])
    >>> f"{stretch.first} to {stretch.last}"
    '2026-08-04 to 2026-08-11'
    """
    found, start = [], 0
    for end in range(1, len(sessions) + 1):
        if end < len(sessions) and gross[end] == gross[start]:
            continue
        if end - 1 - start >= FLAT_SESSIONS:
            found.append(Stretch(sessions[start], sessions[end - 1]))
        start = end
    return found


def performance(
    shown: PortfolioPerformance,
    palette: Palette,
    names: tuple[str, str, str],
    titles: tuple[str, str, str],
    cash: str = "",
) -> go.Figure:
    """Value, drawdown and turnover one below the other on the same sessions; each line is named at its end.

    names: of the net value, the gross value, and the benchmark; titles: of the three parts; cash: the name of stretches
    in which nothing is held.
    """
    net, gross, benchmark = names
    mode = "lines" if len(shown.sessions) > 1 else "markers"
    solid, dotted = {"color": palette.accent, "width": 2.2}, {"color": palette.accent, "width": 1.5, "dash": "dot"}
    quiet = {"color": palette.ink_soft, "width": 1.5}
    days = [day.isoformat() for day in shown.sessions]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.085, row_heights=[0.6, 0.22, 0.18])

    def line(row: int, values: Sequence[float | None], name: str, look: dict[str, Any], form: str, **more: Any) -> None:
        hover = f"{name} %{{y:{form}}}<extra></extra>"
        trace = go.Scatter(x=days, y=values, name=name, mode=mode, line=look, hovertemplate=hover, **more)
        figure.add_trace(trace, row=row, col=1)

    line(1, shown.benchmark, benchmark, quiet, ".4f")
    line(1, shown.gross, gross, dotted, ".4f")
    line(1, shown.net, net, solid, ".4f")
    line(2, shown.benchmark_drawdown, benchmark, quiet, "+.2%")
    line(2, shown.drawdown, net, solid, "+.2%", fill="tozeroy", fillcolor=faint(palette.accent, 0.18))
    bars = go.Bar(
        x=days,
        y=shown.turnover,
        name=titles[2],
        marker={"color": palette.ink_soft, "line": {"width": 0}},
        hovertemplate="%{y:.2%}<extra></extra>",
    )
    figure.add_trace(bars, row=3, col=1)
    dress(figure, palette, height=PERFORMANCE_PIXELS)
    figure.update_layout(hovermode="x unified", margin={"l": 46, "r": 92, "t": 26, "b": 36}, bargap=0.1)
    figure.update_xaxes(
        fixedrange=True,
        gridcolor=palette.grid,
        linecolor=palette.grid,
        zeroline=False,
        nticks=5,
        tickangle=0,
        ticklabelstandoff=4,
        spikecolor=palette.ink_soft,
        spikethickness=1,
        spikedash="dot",
        # Numbers, as plotly would write the months' names in English.
        hoverformat="%Y-%m-%d",
        tickformatstops=[
            # The year stands below where it begins: four whole dates are wider than a phone.
            {"dtickrange": [None, DAYS_OF_MONTHS], "value": "%m-%d\n%Y"},
            {"dtickrange": [DAYS_OF_MONTHS, None], "value": "%m\n%Y"},
        ],
    )
    figure.update_yaxes(fixedrange=True, gridcolor=palette.grid, zeroline=False, nticks=6)
    figure.update_yaxes(tickformat=".2f", row=1)
    figure.update_yaxes(tickformat=".0%", nticks=4, rangemode="tozero", row=2)
    figure.update_yaxes(tickformat=".0%", nticks=3, rangemode="tozero", row=3)
    _name_parts(figure, titles, palette)
    if cash:
        _name_stretches(figure, cash_stretches(shown.sessions, shown.gross), cash, palette)
    _name_ends(
        figure,
        {
            net: (shown.net, palette.accent),
            gross: (shown.gross, palette.accent),
            benchmark: (shown.benchmark, palette.ink_soft),
        },
    )
    return figure


def _name_parts(figure: go.Figure, titles: Sequence[str], palette: Palette) -> None:
    for row, title in enumerate(titles, 1):
        top = figure.layout[f"yaxis{row if row > 1 else ''}"].domain[1]
        place = {"x": 0, "y": top, "xref": "paper", "yref": "paper", "yshift": 3}
        figure.add_annotation(**place, **_label(title, 12, palette))


def _name_stretches(figure: go.Figure, stretches: Sequence[Stretch], name: str, palette: Palette) -> None:
    for stretch in stretches:
        first, last = stretch.first.isoformat(), stretch.last.isoformat()
        look = {"fillcolor": faint(palette.neutral, 0.35), "line": {"width": 0}, "layer": "below"}
        figure.add_shape(type="rect", x0=first, x1=last, y0=0, y1=1, xref="x", yref="y domain", **look)
        place = {"x": first, "y": 0, "xref": "x", "yref": "y domain", "xshift": 2}
        figure.add_annotation(**place, **_label(name, 11, palette))


def _label(text: str, size: int, palette: Palette) -> dict[str, Any]:
    """Return a text that stands on its place, and begins there."""
    font = {"color": palette.ink, "size": size}
    return {"text": text, "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": font}


def _name_ends(figure: go.Figure, lines: Mapping[str, tuple[Sequence[float | None], str]]) -> None:
    """Label each line of the first part at its right end with its name and last value. Move labels apart."""
    known = [value for values, _ in lines.values() for value in values if value is not None]
    low, high = min(known), max(known)
    room = (high - low) or 0.02
    ends = {name: values[-1] for name, (values, _) in lines.items() if values[-1] is not None}
    places = spread(ends, LABEL_SHARE * room)
    # Plotly shows no annotation beyond the range of its axis.
    figure.update_yaxes(
        range=[min(low, *places.values()) - 0.06 * room, max(high, *places.values()) + 0.06 * room], row=1
    )
    for name, at in places.items():
        figure.add_annotation(
            text=f"{name}<br><b>{ends[name] - 1:+.2%}</b>".replace("<b>-", "<b>−"),
            x=1,
            y=at,
            xref="paper",
            yref="y",
            xanchor="left",
            align="left",
            xshift=6,
            showarrow=False,
            font={"color": lines[name][1], "size": 11},
        )


def faint(colour: str, share: float) -> str:
    """Return a colour as a share of itself over the ground.

    >>> faint("#4c9be8", 0.18)
    'rgba(76, 155, 232, 0.18)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {share})"
