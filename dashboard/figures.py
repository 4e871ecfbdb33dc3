"""Records -> figures. Pure: no request, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple
from urllib.parse import quote

import plotly.graph_objects as go

from dashboard.colours import Scale, readable_on

FONT = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans KR", sans-serif'
ROW_PIXELS = 30
FRAME_PIXELS = 16
MAP_PIXELS = 660
SECTOR_PIXELS = 20
# What the ids on the map begin with that are no stock's.
GROUP = "group:"
# Smallest and largest letters on the map. A label is about four of its letters wide, the map as many pixels as this.
TILE_LETTERS = (9.0, 30.0)
LETTERS_OF_A_MAP = sqrt(1400 * MAP_PIXELS) / 4
LINES_PIXELS = 460
LINE_LABEL_PIXELS = 14
SPARK_WIDTH, SPARK_HEIGHT = 120, 28
PRICES_PIXELS = 440
DAYS_NAMED = 4


@dataclass(frozen=True)
class Palette:
    """The charts' share of assets/finviz.css: SVG cannot read the page's variables.

    up and down are the ends of a scale that readers of any colour vision can tell apart: blue and orange. scale: the
    same for whole areas that are written on.
    """

    ground: str
    panel: str
    grid: str
    ink: str
    ink_strong: str
    ink_soft: str
    accent: str
    up: str
    down: str
    neutral: str
    scale: Scale


DARK = Palette(
    ground="#12151b",
    panel="#1a1f27",
    grid="#2b323d",
    ink="#d7dce3",
    ink_strong="#f3f5f8",
    ink_soft="#97a1b0",
    accent="#4c9be8",
    up="#3d8fe0",
    down="#e8833a",
    neutral="#4a515c",
    scale=Scale("#b8500c", "#3a414d", "#1f6fd0"),
)
LIGHT = Palette(
    ground="#f4f5f7",
    panel="#ffffff",
    grid="#dfe3e8",
    ink="#27303b",
    ink_strong="#0e141b",
    ink_soft="#5a6675",
    accent="#1763b8",
    up="#1763b8",
    down="#b8500c",
    neutral="#c3c9d1",
    scale=Scale("#d9691a", "#dde1e7", "#2f7fdc"),
)
PALETTES = {"dark": DARK, "light": LIGHT}


def weights(
    positions: Sequence[tuple[str, float]], palette: Palette, cash_label: str, cash_weight: float = 0.0
) -> go.Figure:
    """One bar per position (ticker, weight) in their order, and the cash at the end."""
    bars = [(ticker, weight, palette.accent) for ticker, weight in positions]
    if cash_weight > 0:
        bars.append((cash_label, cash_weight, palette.neutral))
    names, shares, colours = zip(*bars, strict=True)
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=names,
            orientation="h",
            marker={"color": colours, "line": {"width": 0}},
            text=[f"{share:.2%}" for share in shares],
            textposition="outside",
            textfont={"color": palette.ink, "size": 12},
            cliponaxis=False,
            hovertemplate="%{y}  %{x:.2%}<extra></extra>",
        )
    )
    dress(figure, palette, height=ROW_PIXELS * len(names) + FRAME_PIXELS)
    figure.update_layout(bargap=0.32)
    # Room for the label of the longest bar.
    figure.update_xaxes(visible=False, range=[0, max(shares) * 1.34], fixedrange=True)
    # A category axis keeps tickers such as 005930.KS from being read as numbers.
    figure.update_yaxes(
        type="category",
        autorange="reversed",
        fixedrange=True,
        automargin=True,
        ticks="",
        ticklabelstandoff=6,
        tickfont={"color": palette.ink},
    )
    return figure


class Tile(NamedTuple):
    """A rectangle of the map: a stock in the sector with the id `parent`, or a sector (no parent).

    area: market cap in dollars; gain: the return, None where it is not known; card: what the hover card says.
    """

    id: str
    label: str
    parent: str
    area: float
    gain: float | None
    card: str


def market_map(tiles: Sequence[Tile], heading: str, full_colour: float, palette: Palette) -> go.Figure:
    """Sectors and their stocks in the order given: area = market cap, colour = return; hatched where there is none.

    full_colour: the return, up or down, from which on the colour stays the same.
    """
    whole = sum(tile.area for tile in tiles if tile.parent)
    tiles = [Tile("", heading, "", whole, None, ""), *tiles]
    colours = [_tile_colour(tile, full_colour, palette) for tile in tiles]
    figure = go.Figure(
        go.Treemap(
            ids=[tile.id or GROUP for tile in tiles],
            labels=[f"<b>{tile.label}</b>" if tile.parent else tile.label for tile in tiles],
            parents=[tile.parent or (GROUP if tile.id else "") for tile in tiles],
            values=[tile.area for tile in tiles],
            text=[_tile_text(tile) for tile in tiles],
            hovertext=[tile.card for tile in tiles],
            hoverinfo="text",
            branchvalues="total",
            textinfo="label+text",
            textposition="middle center",
            textfont={
                "size": [_letters(tile.area / whole) if tile.parent else 12 for tile in tiles],
                "color": [
                    readable_on(colour) if tile.id else palette.ink_soft
                    for tile, colour in zip(tiles, colours, strict=True)
                ],
            },
            marker={
                "colors": colours,
                "line": {"width": 1, "color": palette.panel},
                "pad": {"t": SECTOR_PIXELS, "l": 1, "r": 1, "b": 1},
                "pattern": {
                    "shape": ["/" if tile.parent and tile.gain is None else "" for tile in tiles],
                    "fgcolor": palette.ink_soft,
                    "fgopacity": 0.4,
                    "size": 6,
                },
            },
            pathbar={"visible": False},
            sort=False,
        )
    )
    dress(figure, palette, height=MAP_PIXELS)
    figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, hoverlabel={"align": "left"})
    return figure


def _tile_colour(tile: Tile, full_colour: float, palette: Palette) -> str:
    if not tile.parent:
        return palette.panel
    return palette.grid if tile.gain is None else palette.scale.at(tile.gain / full_colour)


def _tile_text(tile: Tile) -> str:
    if not tile.parent:
        return ""
    return "–" if tile.gain is None else f"{tile.gain:+.2%}"


def _letters(share: float) -> float:
    """The size of a tile's letters; the browser shrinks those that do not fit."""
    smallest, largest = TILE_LETTERS
    return round(min(max(sqrt(share) * LETTERS_OF_A_MAP, smallest), largest), 1)


def rebased(closes: Sequence[float | None]) -> list[float | None]:
    """Returns since the first close, None where there is none; all None without the first one.

    >>> rebased([2.0, None, 3.0]), rebased([None, 2.0])
    ([0.0, None, 0.5], [None, None])
    """
    start = closes[0] if closes else None
    return [round(close / start - 1, 6) if close is not None and start else None for close in closes]


def etf_lines(
    days: Sequence[str], returns: Mapping[str, Sequence[float | None]], benchmark: str, palette: Palette
) -> go.Figure:
    """Returns since the first day by ticker, named at their ends: above the benchmark blue, below it orange."""
    ends = {ticker: end for ticker, values in returns.items() if (end := _last(values)) is not None}
    colours = {ticker: _against(end, ends.get(benchmark), palette) for ticker, end in ends.items()}
    colours[benchmark] = palette.ink_strong
    known = [value for ticker in ends for value in returns[ticker] if value is not None]
    gap = LINE_LABEL_PIXELS / LINES_PIXELS * (max(known) - min(known)) if known else 0.0
    # At once: adding them one by one takes several times as long.
    figure = go.Figure(
        [
            go.Scatter(
                x=list(days),
                y=list(returns[ticker]),
                mode="lines",
                line={"color": colours[ticker], "width": 3.5 if ticker == benchmark else 1.4},
                hovertemplate=f"<b>{ticker}</b> %{{x}} %{{y:+.2%}}<extra></extra>",
            )
            for ticker in sorted(ends, key=lambda ticker: ticker == benchmark)
        ]
    )
    dress(figure, palette, height=LINES_PIXELS)
    figure.update_layout(
        margin={"l": 4, "r": 52, "t": 8, "b": 4},
        xaxis=_sessions_axis(days, palette),
        yaxis={"tickformat": "+.2~%", "zerolinecolor": palette.ink_soft, **_values_axis(palette)},
        annotations=[_name(ticker, height, colours[ticker]) for ticker, height in spread(ends, gap).items()],
    )
    return figure


def _name(ticker: str, height: float, colour: str) -> dict[str, Any]:
    """Beside the end of a line."""
    return {
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 6,
        "y": height,
        "text": f"<b>{ticker}</b>",
        "showarrow": False,
        "font": {"color": colour, "size": 11},
    }


def spread(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """The heights, lowest first; those closer than `gap` are moved apart around their middle.

    >>> spread({"a": 1.0, "b": 1.0, "c": 5.0}, 2.0)
    {'a': 0.0, 'b': 2.0, 'c': 5.0}
    """
    groups: list[list[str]] = []
    for name in sorted(heights, key=lambda name: heights[name]):
        groups.append([name])
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], heights, gap):
            upper = groups.pop()
            groups[-1] += upper
    return {
        name: _middle(group, heights) + (place - (len(group) - 1) / 2) * gap
        for group in groups
        for place, name in enumerate(group)
    }


def _overlap(lower: Sequence[str], upper: Sequence[str], heights: Mapping[str, float], gap: float) -> bool:
    return _middle(upper, heights) - _middle(lower, heights) < gap * (len(lower) + len(upper)) / 2


def _middle(group: Sequence[str], heights: Mapping[str, float]) -> float:
    return sum(heights[name] for name in group) / len(group)


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _against(value: float | None, benchmark: float | None, palette: Palette) -> str:
    return palette.up if (value or 0.0) > (benchmark or 0.0) else palette.down


def sparkline(own: Sequence[float | None], benchmark: Sequence[float | None], palette: Palette) -> str:
    """A small image's address: returns as a line, over the benchmark's thin one."""
    known = [value for value in (*own, *benchmark) if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)

    def line(values: Sequence[float | None], colour: str, width: float) -> str:
        points = " ".join(
            f"{2 + (SPARK_WIDTH - 4) * place / max(len(values) - 1, 1):.1f},"
            f"{2 + (SPARK_HEIGHT - 4) * (high - value) / ((high - low) or 1):.1f}"
            for place, value in enumerate(values)
            if value is not None
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'

    lines = line(benchmark, palette.ink_soft, 1)
    if own != benchmark:
        lines += line(own, _against(_last(own), _last(benchmark), palette), 1.8)
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}"'
    return "data:image/svg+xml," + quote(f"<svg {frame}>{lines}</svg>", safe="/:=,.' ")


class Candle(NamedTuple):
    """A session's prices, what the hover card says of it, and what happened (`marks`: a letter, and what it means)."""

    day: str
    open: float | None
    high: float | None
    low: float | None
    close: float
    adj_close: float
    volume: int
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
    value_axis = _values_axis(palette) | {"side": "right", "zeroline": False}
    figure.update_layout(
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        hovermode="x unified",
        bargap=0.25,
        xaxis={
            **_sessions_axis(days, palette),
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


def _sessions_axis(days: Sequence[str], palette: Palette) -> dict[str, Any]:
    """Sessions side by side, without the days between them; a few of them are named."""
    return {
        "type": "category",
        "tickvals": _a_few(days),
        "showgrid": False,
        "fixedrange": True,
        "ticks": "outside",
        "tickcolor": palette.grid,
        "tickangle": 0,
        "automargin": True,
    }


def _a_few(days: Sequence[str]) -> list[str]:
    step = max(len(days) / DAYS_NAMED, 1)
    return [days[int((place + 0.5) * step)] for place in range(min(DAYS_NAMED, len(days)))]


def _values_axis(palette: Palette) -> dict[str, Any]:
    return {"gridcolor": palette.grid, "fixedrange": True, "automargin": True}


def dress(figure: go.Figure, palette: Palette, height: int) -> None:
    """The look that all charts share: the page's colours and type, no frame of their own."""
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "color": palette.ink_soft, "size": 12},
        showlegend=False,
        hoverlabel={"bgcolor": palette.panel, "bordercolor": palette.grid, "font": {"color": palette.ink}},
    )
