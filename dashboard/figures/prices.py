"""The prices of a ticker."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboard.figures.style import FONT, Palette, dress, sessions_axis, values_axis

PRICES_PIXELS = 440


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


def prices(candles: Sequence[Candle], palette: Palette) -> go.Figure:
    """Candles and the adjusted close as a line; below them dividends and splits, and the volume.

    A session without open, high and low has no candle, but its adjusted close.
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
    return figure
