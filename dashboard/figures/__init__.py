"""Records -> figures. Pure: no request, no clock. One module per kind of chart, their look in `style`."""

from dashboard.figures.intervals import Interval, intervals
from dashboard.figures.labels import spread
from dashboard.figures.market import (
    GROUP,
    MAP_PIXELS,
    SPARK_HEIGHT,
    SPARK_WIDTH,
    Tile,
    etf_lines,
    market_map,
    rebased,
    sparkline,
)
from dashboard.figures.performance import faint, performance
from dashboard.figures.prices import Candle, Mark, Strip, prices
from dashboard.figures.requests import requests
from dashboard.figures.rolling import rolling
from dashboard.figures.style import COLOURS, DARK, LIGHT, PALETTES, Colours, Figure, Palette, palette_of

__all__ = [
    "COLOURS",
    "DARK",
    "GROUP",
    "LIGHT",
    "MAP_PIXELS",
    "PALETTES",
    "SPARK_HEIGHT",
    "SPARK_WIDTH",
    "Candle",
    "Colours",
    "Figure",
    "Interval",
    "Mark",
    "Palette",
    "Strip",
    "Tile",
    "etf_lines",
    "faint",
    "intervals",
    "market_map",
    "palette_of",
    "performance",
    "prices",
    "rebased",
    "requests",
    "rolling",
    "sparkline",
    "spread",
]
