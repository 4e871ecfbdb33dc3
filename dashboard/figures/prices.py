"""The prices of a ticker."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dashboard.figures.style import FONT, Figure, Palette, Trace, figure, sessions_axis, values_axis

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
) -> Figure:
    """Candles and the adjusted close as a line; below them dividends and splits, and the volume.

    A session without open, high and low has no candle, but its adjusted close. strips: a row of squares each, below.
    """
    days = [candle.day for candle in candles]
    known = set(days)
    value_axis = values_axis(palette) | {"side": "right", "zeroline": False}
    layout: dict[str, Any] = {
        "margin": {"l": 4, "r": 4, "t": 8, "b": 4},
        "hovermode": "x unified",
        "bargap": 0.25,
        "xaxis": {
            **sessions_axis(days, palette),
            "rangeslider": {"visible": False},
            "anchor": "y2",
            "spikecolor": palette.ink_soft,
            "spikethickness": 1,
        },
        "yaxis": {**value_axis, "domain": [0.26, 1]},
        "yaxis2": {**value_axis, "domain": [0, 0.17], "nticks": 3, "tickformat": ".2s"},
        "yaxis3": {"domain": [0.18, 0.25], "range": [0, 1], "visible": False, "fixedrange": True},
    }
    drawn = figure(_traces(candles, palette), palette, PRICES_PIXELS, **layout)
    _add_strips(drawn, [each for each in strips if known & set(each.days)], known, palette)
    if mark and mark.day in known:
        _point_at(drawn, mark, palette)
    return drawn


def _traces(candles: Sequence[Candle], palette: Palette) -> list[Trace]:
    days = [candle.day for candle in candles]
    marks = [(candle.day, *mark) for candle in candles for mark in candle.marks]
    return [
        {
            "type": "bar",
            "x": days,
            "y": [candle.volume for candle in candles],
            "yaxis": "y2",
            "marker": {"color": palette.neutral, "line": {"width": 0}},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "x": days,
            "y": [candle.adj_close for candle in candles],
            "mode": "lines",
            "line": {"color": palette.ink_soft, "width": 1},
            "customdata": [candle.card for candle in candles],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        {
            "type": "candlestick",
            "x": days,
            "open": [candle.open for candle in candles],
            "high": [candle.high for candle in candles],
            "low": [candle.low for candle in candles],
            "close": [candle.close for candle in candles],
            "increasing": {"line": {"color": palette.up, "width": 1}, "fillcolor": palette.up},
            "decreasing": {"line": {"color": palette.down, "width": 1}, "fillcolor": palette.down},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "x": [day for day, _, _ in marks],
            "y": [0.5] * len(marks),
            "yaxis": "y3",
            "mode": "markers+text",
            "text": [letter for _, letter, _ in marks],
            "customdata": [told for _, _, told in marks],
            "textfont": {"color": palette.panel, "size": 10, "family": FONT},
            "marker": {"size": 16, "color": palette.accent},
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    ]


def _add_strips(drawn: Figure, strips: Sequence[Strip], known: set[str], palette: Palette) -> None:
    """Add room below the chart with a row for each portfolio, named at its left end."""
    if not strips:
        return
    layout = drawn["layout"]
    room = STRIP_PIXELS * len(strips)
    height = PRICES_PIXELS + room
    layout["height"] = height
    foot = room / height
    for name in ("yaxis", "yaxis2", "yaxis3"):
        layout[name]["domain"] = [foot + (1 - foot) * end for end in layout[name]["domain"]]
    heights = [len(strips) - row - 0.5 for row in range(len(strips))]
    for at, strip in zip(heights, strips, strict=True):
        shown = [(day, card) for day, card in zip(strip.days, strip.cards, strict=True) if day in known]
        drawn["data"].append(
            {
                "type": "scatter",
                "x": [day for day, _ in shown],
                "y": [at] * len(shown),
                "yaxis": "y4",
                "name": strip.name,
                "mode": "markers",
                "marker": {"symbol": "square", "size": 7, "color": palette.accent},
                "customdata": [card for _, card in shown],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    layout["xaxis"]["anchor"] = "y4"
    layout["yaxis4"] = {
        "domain": [0, foot * 0.8],
        "range": [0, len(strips)],
        "tickvals": heights,
        "ticktext": [strip.name for strip in strips],
        "side": "right",
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }


def _point_at(drawn: Figure, mark: Mark, palette: Palette) -> None:
    line = {"color": palette.ink, "width": 1, "dash": "dash"}
    place = {"yref": "paper", "showarrow": False, "xanchor": "auto", "font": {"color": palette.ink}}
    drawn["layout"] |= {
        "shapes": [{"type": "line", "x0": mark.day, "x1": mark.day, "yref": "paper", "y0": 0, "y1": 1, "line": line}],
        "annotations": [{"x": mark.day, "y": 1, "text": mark.name, **place}],
    }
