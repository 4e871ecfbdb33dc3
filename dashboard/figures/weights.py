"""The weights of a portfolio."""

from collections.abc import Sequence

from dashboard.figures.style import Figure, Palette, figure

ROW_PIXELS = 30
FRAME_PIXELS = 16


def weights(
    positions: Sequence[tuple[str, float]], palette: Palette, cash_label: str, cash_weight: float = 0.0
) -> Figure:
    """One bar per position (ticker, weight) in their order, and the cash at the end."""
    bars = [(ticker, weight, palette.accent) for ticker, weight in positions]
    if cash_weight > 0:
        bars.append((cash_label, cash_weight, palette.neutral))
    names, shares, colours = zip(*bars, strict=True)
    trace = {
        "type": "bar",
        "x": shares,
        "y": names,
        "orientation": "h",
        "marker": {"color": colours, "line": {"width": 0}},
        "text": [f"{share:.2%}" for share in shares],
        "textposition": "outside",
        "textfont": {"color": palette.ink, "size": 12},
        "cliponaxis": False,
        "hovertemplate": "%{y}  %{x:.2%}<extra></extra>",
    }
    return figure(
        [trace],
        palette,
        ROW_PIXELS * len(names) + FRAME_PIXELS,
        bargap=0.32,
        # Room for the label of the longest bar.
        xaxis={"visible": False, "range": [0, max(shares) * 1.34], "fixedrange": True},
        # A category axis keeps tickers such as 005930.KS from being read as numbers.
        yaxis={
            "type": "category",
            "autorange": "reversed",
            "fixedrange": True,
            "automargin": True,
            "ticks": "",
            "ticklabelstandoff": 6,
            "tickfont": {"color": palette.ink},
        },
    )
