"""The mean excess of each variant of the rule, with its interval."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from unicodedata import east_asian_width

from dashboard.figures.style import Figure, Palette, figure

# From the lower edge of a row up: its line, its name, which may have several lines of text, and the next row.
LINE_PIXELS = 10
NAME_PIXELS = 16
TEXT_PIXELS = 13
GAP_PIXELS = 3
MARGINS = {"l": 4, "r": 12, "t": 10, "b": 30}
# A phone has room for so many letters. One of Korean takes the place of two.
LETTERS = 66


class Interval(NamedTuple):
    """A row of the chart. is_marked: in the accent's colour."""

    name: str
    mean: float
    lower: float
    upper: float
    is_marked: bool = False


def intervals(rows: Sequence[Interval], palette: Palette) -> Figure:
    """Show one line a row, the highest mean on top. Its name stands above it, where a phone has room for it.

    The unit of y is the pixel, so that no name, however long, lies over a line.
    """
    ordered = sorted(rows, key=lambda each: each.mean)
    colours = [palette.accent if each.is_marked else palette.ink_soft for each in ordered]
    names = [list(_lines(each.name)) for each in ordered]
    edges = list(accumulate((NAME_PIXELS + TEXT_PIXELS * len(name) + GAP_PIXELS for name in names), initial=0))
    at = [edge + LINE_PIXELS for edge in edges[:-1]]
    trace = {
        "type": "scatter",
        "x": [each.mean for each in ordered],
        "y": at,
        "mode": "markers",
        "marker": {"color": colours, "size": 9},
        "text": [f"{each.name}: {each.mean:+.1%} ({each.lower:+.1%} … {each.upper:+.1%})" for each in ordered],
        "hovertemplate": "%{text}<extra></extra>",
    }
    zero = {"zeroline": True, "zerolinecolor": palette.ink, "zerolinewidth": 1.5}
    return figure(
        [trace],
        palette,
        MARGINS["t"] + edges[-1] + MARGINS["b"],
        shapes=[_line(*row) for row in zip(ordered, at, colours, strict=True)],
        annotations=[
            _name(name, edge + NAME_PIXELS, palette.accent if each.is_marked else palette.ink, palette)
            for each, name, edge in zip(ordered, names, edges[:-1], strict=True)
        ],
        margin=MARGINS,
        xaxis={"tickformat": "+.0%", "gridcolor": palette.grid, "fixedrange": True, "range": _range(ordered), **zero},
        yaxis={"visible": False, "fixedrange": True, "range": [0, edges[-1]]},
    )


def _line(each: Interval, row: int, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 2}
    return {"type": "line", "x0": each.lower, "x1": each.upper, "y0": row, "y1": row, "line": line}


def _name(lines: Sequence[str], bottom: int, colour: str, palette: Palette) -> dict[str, Any]:
    return {
        "text": "<br>".join(lines),
        "align": "left",
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": bottom,
        "yanchor": "bottom",
        "borderpad": 0,
        "borderwidth": 0,
        "showarrow": False,
        # The line at 0 would go through the letters.
        "bgcolor": palette.panel,
        "font": {"size": 10, "color": colour},
    }


def _lines(name: str) -> Iterator[str]:
    """Yield a name in lines that a phone has room for.

    >>> list(_lines("20 sessions, all, seed weights, daily, the best stock of each trending ETF (the whole rule)"))
    ['20 sessions, all, seed weights, daily, the best stock of each', 'trending ETF (the whole rule)']
    """
    line = ""
    for word in name.split():
        longer = f"{line} {word}".lstrip()
        if line and _width(longer) > LETTERS:
            yield line
            longer = word
        line = longer
    yield line


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _range(rows: Sequence[Interval]) -> list[float]:
    """Return ends that leave room around all intervals and 0. Shapes do not stretch an axis by themselves."""
    lowest, highest = min(0.0, *(each.lower for each in rows)), max(0.0, *(each.upper for each in rows))
    room = 0.04 * (highest - lowest) or 0.01
    return [lowest - room, highest + room]
