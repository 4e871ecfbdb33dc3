"""The market on one map, and the ETFs against the benchmark."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple
from urllib.parse import quote

from dashboard.colours import readable_on
from dashboard.figures.labels import spread
from dashboard.figures.style import Figure, Palette, figure, sessions_axis, values_axis

MAP_PIXELS = 660
SECTOR_PIXELS = 20
OUTLINE_PIXELS = 4
# What the ids on the map begin with that are no stock's.
GROUP = "group:"
# Smallest and largest letters on the map. A label is about four of its letters wide, the map as many pixels as this.
TILE_LETTERS = (9.0, 30.0)
LETTERS_OF_A_MAP = sqrt(1400 * MAP_PIXELS) / 4
LINES_PIXELS = 460
LINE_LABEL_PIXELS = 14
SPARK_WIDTH, SPARK_HEIGHT = 120, 28


class Tile(NamedTuple):
    """A rectangle of the map: a stock in the sector with the id `parent`, or a sector (no parent).

    area: market cap in dollars, or a number of stocks; gain: the return, None where it is not known; card: what the
    hover card says.
    """

    id: str
    label: str
    parent: str
    area: float
    gain: float | None
    card: str


def market_map(
    tiles: Sequence[Tile], heading: str, full_colour: float, palette: Palette, level: str = "", sought: str = ""
) -> Figure:
    """Sectors and their stocks in the order given: colour = return; hatched where there is none.

    full_colour: the return, up or down, from which on the colour stays the same.
    level: the sector that is shown alone. sought: the id of the tile that is outlined.
    """
    whole = sum(tile.area for tile in tiles if tile.parent)
    tiles = [Tile("", heading, "", whole, None, ""), *tiles]
    colours = [_tile_colour(tile, full_colour, palette) for tile in tiles]
    trace = {
        "type": "treemap",
        "ids": [tile.id or GROUP for tile in tiles],
        "labels": [f"<b>{tile.label}</b>" if tile.parent else tile.label for tile in tiles],
        "parents": [tile.parent or (GROUP if tile.id else "") for tile in tiles],
        "values": [tile.area for tile in tiles],
        "text": [_tile_text(tile) for tile in tiles],
        "hovertext": [tile.card for tile in tiles],
        "hoverinfo": "text",
        "branchvalues": "total",
        "textinfo": "label+text",
        "textposition": "middle center",
        "textfont": {
            "size": [_letters(tile.area / whole) if tile.parent else 12 for tile in tiles],
            "color": [
                readable_on(colour) if tile.id else palette.ink_soft
                for tile, colour in zip(tiles, colours, strict=True)
            ],
        },
        "marker": {
            "colors": colours,
            "line": {
                "width": [OUTLINE_PIXELS if sought and tile.id == sought else 1 for tile in tiles],
                "color": [palette.ink_strong if sought and tile.id == sought else palette.panel for tile in tiles],
            },
            "pad": {"t": SECTOR_PIXELS, "l": 1, "r": 1, "b": 1},
            "pattern": {
                "shape": ["/" if tile.parent and tile.gain is None else "" for tile in tiles],
                "fgcolor": palette.ink_soft,
                "fgopacity": 0.4,
                "size": 6,
            },
        },
        "pathbar": {"visible": False},
        "sort": False,
        **({"level": f"{GROUP}{level}"} if level else {}),
    }
    drawn = figure([trace], palette, MAP_PIXELS, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    drawn["layout"]["hoverlabel"]["align"] = "left"
    return drawn


def _tile_colour(tile: Tile, full_colour: float, palette: Palette) -> str:
    if not tile.parent:
        return palette.panel
    return palette.grid if tile.gain is None else palette.scale.at(tile.gain / full_colour)


def _tile_text(tile: Tile) -> str:
    if not tile.parent:
        return ""
    return "–" if tile.gain is None else f"{tile.gain:+.2%}".replace("-", "−")


def _letters(share: float) -> float:
    """Return the size of a tile's letters. The browser shrinks those that do not fit."""
    smallest, largest = TILE_LETTERS
    return round(min(max(sqrt(share) * LETTERS_OF_A_MAP, smallest), largest), 1)


def rebased(closes: Sequence[float | None]) -> list[float | None]:
    """Return the returns since the first close, None where there is none; all None without the first one.

    >>> rebased([2.0, None, 3.0]), rebased([None, 2.0])
    ([0.0, None, 0.5], [None, None])
    """
    start = closes[0] if closes else None
    return [round(close / start - 1, 6) if close is not None and start else None for close in closes]


def etf_lines(
    days: Sequence[str], returns: Mapping[str, Sequence[float | None]], benchmark: str, palette: Palette
) -> Figure:
    """Draw the returns since the first day, named at their ends: above the benchmark as a rise, below it as a fall."""
    ends = {ticker: end for ticker, values in returns.items() if (end := _last(values)) is not None}
    colours = {ticker: _against(end, ends.get(benchmark), palette) for ticker, end in ends.items()}
    colours[benchmark] = palette.ink_strong
    known = [value for ticker in ends for value in returns[ticker] if value is not None]
    gap = LINE_LABEL_PIXELS / LINES_PIXELS * (max(known) - min(known)) if known else 0.0
    traces = [
        {
            "type": "scatter",
            "x": list(days),
            "y": list(returns[ticker]),
            "mode": "lines",
            "line": {"color": colours[ticker], "width": 3.5 if ticker == benchmark else 1.4},
            "hovertemplate": f"<b>{ticker}</b> %{{x}} %{{y:+.2%}}<extra></extra>",
        }
        for ticker in sorted(ends, key=lambda ticker: ticker == benchmark)
    ]
    return figure(
        traces,
        palette,
        LINES_PIXELS,
        margin={"l": 4, "r": 52, "t": 8, "b": 4},
        xaxis=sessions_axis(days, palette),
        yaxis={"tickformat": "+.2~%", "zerolinecolor": palette.ink_soft, **values_axis(palette)},
        annotations=[_name(ticker, height, colours[ticker]) for ticker, height in spread(ends, gap).items()],
    )


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


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _against(value: float | None, benchmark: float | None, palette: Palette) -> str:
    return palette.up if (value or 0.0) > (benchmark or 0.0) else palette.down


def sparkline(own: Sequence[float | None], benchmark: Sequence[float | None], palette: Palette) -> str:
    """Return a small image's address: returns as a line, over the benchmark's thin one."""
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
