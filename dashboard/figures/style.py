"""What all charts share: the page's colours in both schemes, its type, and axes without frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

from dashboard.colours import Scale

# Of a rise and of a fall, in this order.
Colours = Literal["blue-orange", "green-red", "red-blue"]
COLOURS: tuple[Colours, ...] = get_args(Colours)
# As plotly.js takes it: `data`, the traces, and `layout`. Its Python classes check each value, through NumPy. That
# takes time and 45 MB, so the tests check with them instead.
Figure = dict[str, Any]
Trace = dict[str, Any]
DAYS_NAMED = 4
FONT = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", "Noto Sans KR", sans-serif'


@dataclass(frozen=True)
class Palette:
    """The charts' share of assets/finviz.css: SVG cannot read the page's variables.

    up and down are the ends of a scale: blue and orange, which readers of any colour vision can tell apart, or what the
    reader has chosen instead. scale: the same for whole areas that are written on.
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
    warn: str
    scale: Scale


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
    warn="#e8833a",
    scale=Scale("#b8500c", "#3a414d", "#1f6fd0"),
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
    warn="#b8500c",
    scale=Scale("#d9691a", "#dde1e7", "#2f7fdc"),
)


PALETTES = {"dark": DARK, "light": LIGHT}


class _Ends(NamedTuple):
    """The colours of a rise and of a fall: of lines and letters, and of areas."""

    up: str
    down: str
    up_area: str
    down_area: str


_CHOSEN: Mapping[tuple[str, str], _Ends] = {
    ("dark", "green-red"): _Ends("#45c08b", "#f0766c", "#1f8a54", "#b8403a"),
    ("dark", "red-blue"): _Ends("#f0766c", "#3d8fe0", "#b8403a", "#1f6fd0"),
    ("light", "green-red"): _Ends("#14794b", "#b3261e", "#35a06a", "#d9534a"),
    ("light", "red-blue"): _Ends("#b3261e", "#1763b8", "#d9534a", "#2f7fdc"),
}


def palette_of(theme: str, colours: Colours) -> Palette:
    """Return a theme's palette with the chosen colours of a rise and a fall.

    >>> palette_of("dark", "blue-orange") is DARK, palette_of("light", "red-blue").down
    (True, '#1763b8')
    """
    usual, ends = PALETTES[theme], _CHOSEN.get((theme, colours))
    if ends is None:
        return usual
    scale = Scale(ends.down_area, usual.scale.neutral, ends.up_area)
    return replace(usual, up=ends.up, down=ends.down, scale=scale)


def figure(traces: Sequence[Trace], palette: Palette, height: float, **layout: Any) -> Figure:
    """Return a chart in the look that all share: the page's colours and type, no frame of its own.

    layout: what it has beside that, or instead
    """
    shared = {
        "height": height,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": palette.ink_soft, "size": 12},
        "showlegend": False,
        "hoverlabel": {"bgcolor": palette.panel, "bordercolor": palette.grid, "font": {"color": palette.ink}},
    }
    return {"data": list(traces), "layout": shared | layout}


def sessions_axis(days: Sequence[str], palette: Palette) -> dict[str, Any]:
    """Sessions side by side, without the days between them; a few of them are named."""
    named = _a_few(days)
    return {
        "type": "category",
        "tickvals": named,
        "ticktext": [_short(day, before) for day, before in zip(named, ["", *named], strict=False)],
        "showgrid": False,
        "fixedrange": True,
        "ticks": "outside",
        "tickcolor": palette.grid,
        "tickangle": 0,
        "automargin": True,
    }


def _short(day: str, before: str) -> str:
    """Return month and day, with the year below where it begins: four whole dates are wider than a phone.

    >>> _short("2026-01-05", "2025-11-03"), _short("2026-03-09", "2026-01-05")
    ('01-05<br>2026', '03-09')
    """
    return day[5:] if day[:4] == before[:4] else f"{day[5:]}<br>{day[:4]}"


def _a_few(days: Sequence[str]) -> list[str]:
    step = max(len(days) / DAYS_NAMED, 1)
    return [days[int((place + 0.5) * step)] for place in range(min(DAYS_NAMED, len(days)))]


def values_axis(palette: Palette) -> dict[str, Any]:
    return {"gridcolor": palette.grid, "fixedrange": True, "automargin": True}
