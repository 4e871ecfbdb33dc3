"""Records -> figures. Pure: no request, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import plotly.graph_objects as go

from dashboard.answers import RequestCount

FONT = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans KR", sans-serif'
ROW_PIXELS = 30
FRAME_PIXELS = 16
REQUESTS_PIXELS = 220
FEWEST_BARS = 10


@dataclass(frozen=True)
class Palette:
    """The charts' share of assets/finviz.css: SVG cannot read the page's variables.

    up and down are the ends of a scale that readers of any colour vision can tell apart: blue and orange.
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


def requests(
    counts: Sequence[RequestCount], unit: Literal["hour", "day"], names: Mapping[str, str], palette: Palette
) -> go.Figure:
    """Stacked bars, oldest first, of requests that were answered, limited and failed; `names` are these three's.

    Told apart by pattern as well as by colour. Hours without a request have no bar.
    """
    shown = sorted(counts, key=lambda count: count["started_at"])
    moments = [datetime.fromisoformat(count["started_at"]) for count in shown]
    labels = [f"{moment:%m-%d %H:00}" if unit == "hour" else f"{moment:%Y-%m-%d}" for moment in moments]
    parts = (
        ("answered", [count["requests"] - count["failed"] for count in shown], palette.accent, ""),
        ("limited", [count["limited"] for count in shown], palette.down, "/"),
        ("failed", [count["failed"] - count["limited"] for count in shown], palette.ink_strong, "x"),
    )
    figure = go.Figure(
        [
            go.Bar(
                x=labels,
                y=amounts,
                name=names[part],
                marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 6}},
                hovertemplate=f"%{{x}}  {names[part]} %{{y:,}}<extra></extra>",
            )
            for part, amounts, colour, pattern in parts
        ]
    )
    dress(figure, palette, height=REQUESTS_PIXELS)
    figure.update_layout(
        barmode="stack",
        bargap=0.25,
        showlegend=True,
        legend={
            "traceorder": "normal",
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"color": palette.ink},
        },
        margin={"l": 44, "r": 4, "t": 28, "b": 26},
    )
    # Room for a few bars at least, so that a single one is no wall.
    span = [-0.5, max(len(labels), FEWEST_BARS) - 0.5]
    figure.update_xaxes(type="category", range=span, fixedrange=True, nticks=4, tickangle=0, tickfont={"size": 11})
    figure.update_yaxes(fixedrange=True, gridcolor=palette.grid, zeroline=False, rangemode="tozero", nticks=5)
    return figure


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
