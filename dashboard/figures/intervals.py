"""The mean excess of each variant of the rule, with its interval."""

from collections.abc import Sequence

import plotly.graph_objects as go

from contract.lab import LabVariant
from dashboard.figures.style import Palette, dress

ROW_PIXELS = 22
MARGIN_PIXELS = 60


def intervals(variants: Sequence[LabVariant], palette: Palette) -> go.Figure:
    """Show one line a variant, the best on top. The seed's rule is in the accent's colour."""
    ordered = sorted(variants, key=lambda each: each.excess)
    above = [(each.upper if each.upper is not None else each.excess) - each.excess for each in ordered]
    below = [each.excess - (each.lower if each.lower is not None else each.excess) for each in ordered]
    trace = go.Scatter(
        x=[each.excess for each in ordered],
        y=[each.name for each in ordered],
        mode="markers",
        marker={"color": [palette.accent if each.is_seed else palette.ink_soft for each in ordered], "size": 8},
        error_x={"type": "data", "array": above, "arrayminus": below, "color": palette.ink_soft, "thickness": 1.2},
        hovertemplate="%{y}: %{x:+.1%}<extra></extra>",
    )
    figure = go.Figure(trace)
    dress(figure, palette, height=MARGIN_PIXELS + ROW_PIXELS * len(ordered))
    figure.update_layout(margin={"l": 10, "r": 16, "t": 10, "b": 30}, showlegend=False)
    figure.update_xaxes(tickformat="+.0%", gridcolor=palette.grid, zerolinecolor=palette.ink_soft, fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True)
    return figure
