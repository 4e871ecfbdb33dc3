"""Records -> figures. Pure: no request, no clock."""

from collections.abc import Sequence

import plotly.graph_objects as go

# The chart's share of assets/finviz.css: SVG cannot read the page's variables.
BAR = "#4c9be8"
CASH = "#5b6472"
INK = "#d7dce3"
INK_SOFT = "#8b95a5"
GRID = "#262c36"
FONT = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif'
ROW_PIXELS = 30
FRAME_PIXELS = 16


def weights(positions: Sequence[tuple[str, float]], cash_label: str, cash_weight: float = 0.0) -> go.Figure:
    """One bar per position (ticker, weight) in their order, and the cash at the end."""
    bars = [(ticker, weight, BAR) for ticker, weight in positions]
    if cash_weight > 0:
        bars.append((cash_label, cash_weight, CASH))
    return _bars(
        [name for name, _, _ in bars],
        [weight for _, weight, _ in bars],
        [colour for _, _, colour in bars],
    )


def _bars(names: Sequence[str], shares: Sequence[float], colours: Sequence[str]) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=names,
            orientation="h",
            marker={"color": colours, "line": {"width": 0}},
            text=[f"{share:.2%}" for share in shares],
            textposition="outside",
            textfont={"color": INK, "size": 12},
            cliponaxis=False,
            hovertemplate="%{y}  %{x:.2%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=ROW_PIXELS * len(names) + FRAME_PIXELS,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        bargap=0.32,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "color": INK_SOFT, "size": 12},
        showlegend=False,
        hoverlabel={"bgcolor": GRID, "bordercolor": GRID, "font": {"color": INK}},
    )
    # Room for the label of the longest bar.
    figure.update_xaxes(visible=False, range=[0, max(shares) * 1.22], fixedrange=True)
    # A category axis keeps tickers such as 005930.KS from being read as numbers.
    figure.update_yaxes(
        type="category",
        autorange="reversed",
        fixedrange=True,
        automargin=True,
        ticks="",
        ticklabelstandoff=6,
        tickfont={"color": INK},
    )
    return figure
