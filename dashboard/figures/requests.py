"""How often Yahoo was asked."""

from collections.abc import Mapping, Sequence
from typing import Literal

from contract.pipeline import RequestCount
from dashboard.figures.style import Figure, Palette, figure

REQUESTS_PIXELS = 220
FEWEST_BARS = 10


def requests(
    counts: Sequence[RequestCount], unit: Literal["hour", "day"], names: Mapping[str, str], palette: Palette
) -> Figure:
    """Stacked bars, oldest first, of requests that were answered, limited and failed; `names` are these three's.

    Told apart by pattern as well as by colour. Hours without a request have no bar.
    """
    shown = sorted(counts, key=lambda count: count.started_at)
    moments = [count.started_at for count in shown]
    labels = [f"{moment:%m-%d %H:00}" if unit == "hour" else f"{moment:%Y-%m-%d}" for moment in moments]
    parts = (
        ("answered", [count.requests - count.failed for count in shown], palette.accent, ""),
        ("limited", [count.limited for count in shown], palette.warn, "/"),
        ("failed", [count.failed - count.limited for count in shown], palette.ink_strong, "x"),
    )
    traces = [
        {
            "type": "bar",
            "x": labels,
            "y": amounts,
            "name": names[part],
            "marker": {"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 6}},
            "hovertemplate": f"%{{x}}  {names[part]} %{{y:,}}<extra></extra>",
        }
        for part, amounts, colour, pattern in parts
    ]
    legend = {
        **{"traceorder": "normal", "orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "font": {"color": palette.ink},
    }
    # Room for a few bars at least, so that a single one is no wall.
    span = [-0.5, max(len(labels), FEWEST_BARS) - 0.5]
    days_axis = {
        **{"type": "category", "range": span, "fixedrange": True, "nticks": 4, "tickangle": 0},
        "tickfont": {"size": 11},
        # So far down that the first label does not meet the other axis's 0.
        **{"ticks": "outside", "ticklen": 7, "tickcolor": "rgba(0,0,0,0)"},
    }
    grid = {"gridcolor": palette.grid, "zeroline": False}
    counts_axis = {"fixedrange": True, "rangemode": "tozero", "nticks": 5, **grid}
    return figure(
        traces,
        palette,
        REQUESTS_PIXELS,
        barmode="stack",
        bargap=0.25,
        showlegend=True,
        legend=legend,
        margin={"l": 44, "r": 4, "t": 28, "b": 32},
        xaxis=days_axis,
        yaxis=counts_axis,
    )
