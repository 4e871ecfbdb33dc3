"""Figures of the last sessions, session by session."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.figures.style import Palette, dress

ROLLING_PIXELS = 300


def rolling(days: Sequence[str], lines: Mapping[str, Sequence[float | None]], palette: Palette) -> go.Figure:
    """Draw each line, by its name, in a part of its own on the same sessions."""
    figure = make_subplots(rows=len(lines), cols=1, shared_xaxes=True, vertical_spacing=0.16)
    for row, (name, values) in enumerate(lines.items(), 1):
        look = {"color": palette.accent, "width": 1.8}
        hover = f"%{{x}}  {name} %{{y:.2f}}<extra></extra>"
        figure.add_scatter(x=days, y=values, name=name, mode="lines", line=look, hovertemplate=hover, row=row, col=1)
    dress(figure, palette, height=ROLLING_PIXELS)
    figure.update_layout(margin={"l": 40, "r": 8, "t": 24, "b": 36}, hovermode="x unified")
    figure.update_xaxes(
        fixedrange=True, gridcolor=palette.grid, zeroline=False, nticks=4, tickangle=0, tickformat="%m\n%Y"
    )
    figure.update_xaxes(hoverformat="%Y-%m-%d", range=[days[0], days[-1]])
    figure.update_yaxes(
        fixedrange=True, gridcolor=palette.grid, zerolinecolor=palette.ink_soft, nticks=4, tickformat=".1f"
    )
    for row, name in enumerate(lines, 1):
        top = figure.layout[f"yaxis{row if row > 1 else ''}"].domain[1]
        place = {"x": 0, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        figure.add_annotation(text=name, showarrow=False, yshift=3, font={"color": palette.ink, "size": 12}, **place)
    return figure
