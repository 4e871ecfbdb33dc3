"""The mean excess of each variant of the rule, with its interval."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dashboard.figures.style import Figure, Palette, figure

ROW_PIXELS = 32
MARGIN_PIXELS = 50
NAME_PIXELS = 11


class Interval(NamedTuple):
    """A row of the chart. is_marked: in the accent's colour."""

    name: str
    mean: float
    lower: float
    upper: float
    is_marked: bool = False


def intervals(rows: Sequence[Interval], palette: Palette) -> Figure:
    """Show one line a row, the highest mean on top. Its name stands above it, where a phone has room for it."""
    ordered = sorted(rows, key=lambda each: each.mean)
    colours = [palette.accent if each.is_marked else palette.ink_soft for each in ordered]
    at = list(range(len(ordered)))
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
        MARGIN_PIXELS + ROW_PIXELS * len(ordered),
        shapes=[_line(*row) for row in zip(ordered, at, colours, strict=True)],
        annotations=[_name(each, row, palette) for each, row in zip(ordered, at, strict=True)],
        margin={"l": 4, "r": 12, "t": 10, "b": 30},
        xaxis={"tickformat": "+.0%", "gridcolor": palette.grid, "fixedrange": True, "range": _range(ordered), **zero},
        yaxis={"visible": False, "fixedrange": True, "range": [-0.6, len(ordered)]},
    )


def _line(each: Interval, row: int, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 2}
    return {"type": "line", "x0": each.lower, "x1": each.upper, "y0": row, "y1": row, "line": line}


def _name(each: Interval, row: int, palette: Palette) -> dict[str, Any]:
    return {
        "text": each.name,
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": row,
        "yshift": NAME_PIXELS,
        "showarrow": False,
        # The line at 0 would go through the letters.
        "bgcolor": palette.panel,
        "font": {"size": 10, "color": palette.accent if each.is_marked else palette.ink},
    }


def _range(rows: Sequence[Interval]) -> list[float]:
    """Return ends that leave room around all intervals and 0. Shapes do not stretch an axis by themselves."""
    lowest, highest = min(0.0, *(each.lower for each in rows)), max(0.0, *(each.upper for each in rows))
    room = 0.04 * (highest - lowest) or 0.01
    return [lowest - room, highest + room]
