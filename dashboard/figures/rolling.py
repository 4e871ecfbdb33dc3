"""Figures of the last sessions, session by session."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.figures.style import Figure, Palette, figure

ROLLING_PIXELS = 300
# Of the height: what lies between two parts, for the name of the lower one.
GAP = 0.16


def rolling(days: Sequence[str], lines: Mapping[str, Sequence[float | None]], palette: Palette) -> Figure:
    """Draw each line, by its name, in a part of its own on the same sessions."""
    share = (1 - GAP * (len(lines) - 1)) / len(lines)
    tops = [1 - place * (share + GAP) for place in range(len(lines))]
    names = [f"y{place or ''}" for place in (0, *range(2, len(lines) + 1))]
    look = {"color": palette.accent, "width": 1.8}
    traces = [
        {
            **{"type": "scatter", "mode": "lines", "x": list(days), "y": list(values), "yaxis": axis},
            **{"name": name, "line": look, "hovertemplate": f"{name} %{{y:.2f}}<extra></extra>"},
        }
        for axis, (name, values) in zip(names, lines.items(), strict=True)
    ]
    axis: dict[str, Any] = {
        **{"fixedrange": True, "gridcolor": palette.grid, "zerolinecolor": palette.ink_soft},
        **{"nticks": 4, "tickformat": ".1f"},
    }
    axes = {
        name.replace("y", "yaxis"): {**axis, "domain": [max(0.0, top - share), top]}
        for name, top in zip(names, tops, strict=True)
    }
    place = {"x": 0, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 3}
    titles = [
        {**place, "y": top, "text": name, "showarrow": False, "font": {"color": palette.ink, "size": 12}}
        for name, top in zip(lines, tops, strict=True)
    ]
    days_axis = {
        **{"anchor": names[-1], "range": [days[0], days[-1]], "fixedrange": True, "gridcolor": palette.grid},
        **{"zeroline": False, "nticks": 4, "tickangle": 0, "tickformat": "%m\n%Y", "hoverformat": "%Y-%m-%d"},
    }
    margin = {"l": 40, "r": 8, "t": 24, "b": 36}
    layout = {**axes, "xaxis": days_axis, "annotations": titles, "hovermode": "x unified", "margin": margin}
    return figure(traces, palette, ROLLING_PIXELS, **layout)
