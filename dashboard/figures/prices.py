"""The prices of a ticker."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboard.figures.style import FONT, Palette, dress, sessions_axis, values_axis

PRICES_PIXELS = 440
STRIP_PIXELS = 20


class Candle(NamedTuple):
    """A session's prices, what the hover card says of it, and what happened (`marks`: a letter, and what it means)."""

    day: str
    open: float | None
    high: float | None
    low: float | None
    close: float
    adj_close: float
    volume: int | None
    card: str
    marks: tuple[tuple[str, str], ...] = ()


class Strip(NamedTuple):
    """The sessions of one portfolio that the ticker was in, each with what the hover card says."""

    name: str
    days: Sequence[str]
    cards: Sequence[str]


class Mark(NamedTuple):
    """A session to point at, and its name."""

    day: str
    name: str


def prices(
    candles: Sequence[Candle], palette: Palette, strips: Sequence[Strip] = (), mark: Mark | None = None
) -> go.Figure:
    """Candles and the adjusted close as a line; below them dividends and splits, and the volume.

    A session without open, high and low has no candle, but its adjusted close. strips: a row of squares each, below.
    """
    days = [candle.day for candle in candles]
    marks = [(candle.day, *mark) for candle in candles for mark in candle.marks]
    figure = go.Figure(
        [
            go.Bar(
                x=days,
                y=[candle.volume for candle in candles],
                yaxis="y2",
                marker={"color": palette.neutral, "line": {"width": 0}},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=days,
                y=[candle.adj_close for candle in candles],
                mode="lines",
                line={"color": palette.ink_soft, "width": 1},
                customdata=[candle.card for candle in candles],
                hovertemplate="%{customdata}<extra></extra>",
            ),
            go.Candlestick(
                x=days,
                open=[candle.open for candle in candles],
                high=[candle.high for candle in candles],
                low=[candle.low for candle in candles],
                close=[candle.close for candle in candles],
                increasing={"line": {"color": palette.up, "width": 1}, "fillcolor": palette.up},
                decreasing={"line": {"color": palette.down, "width": 1}, "fillcolor": palette.down},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=[day for day, _, _ in marks],
                y=[0.5] * len(marks),
                yaxis="y3",
                mode="markers+text",
                text=[letter for _, letter, _ in marks],
                customdata=[told for _, _, told in marks],
                textfont={"color": palette.panel, "size": 10, "family": FONT},
                marker={"size": 16, "color": palette.accent},
                hovertemplate="%{customdata}<extra></extra>",
            ),
        ]
    )
    dress(figure, palette, height=PRICES_PIXELS)
    value_axis = values_axis(palette) | {"side": "right", "zeroline": False}
    figure.update_layout(
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        hovermode="x unified",
        bargap=0.25,
        xaxis={
            **sessions_axis(days, palette),
            "rangeslider": {"visible": False},
            "anchor": "y2",
            "spikecolor": palette.ink_soft,
            "spikethickness": 1,
        },
        yaxis={**value_axis, "domain": [0.26, 1]},
        yaxis2={**value_axis, "domain": [0, 0.17], "nticks": 3, "tickformat": ".2s"},
        yaxis3={"domain": [0.18, 0.25], "range": [0, 1], "visible": False, "fixedrange": True},
    )
    known = set(days)
    _add_strips(figure, [each for each in strips if known & set(each.days)], known, palette)
    if mark and mark.day in known:
        _point_at(figure, mark, palette)
    return figure


def _add_strips(figure: go.Figure, strips: Sequence[Strip], known: set[str], palette: Palette) -> None:
    """Add room below the chart with a row for each portfolio, named at its left end."""
    if not strips:
        return
    room = STRIP_PIXELS * len(strips)
    height = PRICES_PIXELS + room
    figure.update_layout(height=height)
    foot = room / height
    for name in ("yaxis", "yaxis2", "yaxis3"):
        axis = figure.layout[name]
        axis.domain = [foot + (1 - foot) * end for end in axis.domain]
    for row, strip in enumerate(strips):
        shown = [(day, card) for day, card in zip(strip.days, strip.cards, strict=True) if day in known]
        figure.add_scatter(
            x=[day for day, _ in shown],
            y=[len(strips) - row - 0.5] * len(shown),
            yaxis="y4",
            name=strip.name,
            mode="markers",
            marker={"symbol": "square", "size": 7, "color": palette.accent},
            customdata=[card for _, card in shown],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(
        xaxis={"anchor": "y4"},
        yaxis4={
            "domain": [0, foot * 0.8],
            "range": [0, len(strips)],
            "tickvals": [len(strips) - row - 0.5 for row in range(len(strips))],
            "ticktext": [strip.name for strip in strips],
            "side": "right",
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
    )


def _point_at(figure: go.Figure, mark: Mark, palette: Palette) -> None:
    line = {"color": palette.ink, "width": 1, "dash": "dash"}
    figure.add_shape(type="line", x0=mark.day, x1=mark.day, yref="paper", y0=0, y1=1, line=line)
    figure.add_annotation(
        x=mark.day, y=1, yref="paper", text=mark.name, showarrow=False, xanchor="auto", font={"color": palette.ink}
    )
