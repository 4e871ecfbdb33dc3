"""Draw the bars of the invented market around its values: as traded, and as they are first published."""

from datetime import date
from zlib import crc32

import numpy as np

from market.history import Unsettled
from market.model import Security
from market.oddities import WITHOUT_RATE
from market.sessions import SEOUL, Floats, Venue, trading_days

KRX_TICKS = ((2e3, 1.0), (5e3, 5.0), (2e4, 10.0), (5e4, 50.0), (2e5, 100.0), (5e5, 500.0))
USUAL_FUND_VOLUME = 2e7
SPREAD = 0.006
RATE_SPREAD = 0.002
# Of a past day's exchange rate: how far its close is from its open, and how many days have a range that leaves out one.
RATE_CLOSE = 0.0006
RANGE_MISSES = 0.03  # on each side
# A new bar's volume lacks up to this share, and of ten bars six settle after one session, the others after two.
LACKING_VOLUME = 0.17
SETTLED_AFTER_ONE = 0.6
MOVED = 0.6  # of the new bars have another high, as many another low
OPENED_ELSEWHERE = 0.4


def draw_bars(security: Security, value: Floats, splits: Floats, draws: Floats) -> dict[str, Floats]:
    """Draw the opening gap, range and volume around the closes, as traded: a split makes more, cheaper shares."""
    many = np.cumprod(splits)
    close = value / many
    before = np.concatenate([value[:1], value[:-1]]) / many
    move = np.log(close / before)
    opening = before * np.exp(0.4 * move + SPREAD / 2 * draws[:, 0])
    bars = {
        "open": opening,
        "high": np.maximum(opening, close) * np.exp(SPREAD * np.abs(draws[:, 1])),
        "low": np.minimum(opening, close) * np.exp(-SPREAD * np.abs(draws[:, 2])),
        "close": close,
    }
    usual = USUAL_FUND_VOLUME if security.kind == "ETF" else 0.004 * (security.cap_shares or 5e9)
    volume = usual * many * np.exp(0.3 * draws[:, 3] + 6 * np.abs(move))
    return {column: in_ticks(prices, security.venue) for column, prices in bars.items()} | {
        "volume": np.round(volume / 100) * 100
    }


def draw_unsettled(security: Security, days: tuple[date, ...], bars: dict[str, Floats], draws: Floats) -> Unsettled:
    """Draw volume, open, high and low as the evening has them, from uniform draws, one row a session."""
    venue = security.venue
    upper, lower = np.maximum(bars["open"], bars["close"]), np.minimum(bars["open"], bars["close"])
    nearer = 0.2 + 0.8 * draws[:, 1]
    high = np.where(draws[:, 2] < MOVED, upper + (bars["high"] - upper) * nearer, bars["high"])
    low = np.where(draws[:, 3] < MOVED, lower - (lower - bars["low"]) * nearer, bars["low"])
    opening = np.where(draws[:, 4] < OPENED_ELSEWHERE, low + (high - low) * draws[:, 1], bars["open"])
    volume = bars["volume"] * (1 - LACKING_VOLUME * draws[:, 0])
    trading = trading_days(venue)
    following = np.array(trading.positions(days), dtype=int) + np.where(draws[:, 5] < SETTLED_AFTER_ONE, 1, 2)
    return Unsettled(
        until=np.append(trading.opens, [np.inf, np.inf])[following],
        open=in_ticks(opening, venue),
        high=np.maximum(in_ticks(high, venue), np.maximum(in_ticks(opening, venue), bars["close"])),
        low=np.minimum(in_ticks(low, venue), np.minimum(in_ticks(opening, venue), bars["close"])),
        volume=np.round(volume / 100) * 100,
    )


def draw_rates(days: tuple[date, ...], value: Floats, next_value: Floats, draws: Floats) -> dict[str, Floats]:
    """Draw an exchange rate's days, from the price at midnight to `last_price`, the one at the end of the day.

    When a day is over its close is set back to about its open, and its range, which is from elsewhere, may leave out
    both. Some days have no row.
    """
    close = value * np.exp(RATE_CLOSE * np.clip(draws[:, 0], -3, 3))
    high = np.maximum(value, next_value) * np.exp(RATE_SPREAD * np.abs(draws[:, 1]))
    low = np.minimum(value, next_value) * np.exp(-RATE_SPREAD * np.abs(draws[:, 2]))
    luck = np.array([crc32(f"{day}/range".encode()) for day in days]) / 2**32
    is_below, is_above = luck < RANGE_MISSES, luck > 1 - RANGE_MISSES
    high = np.where(is_below, np.minimum(value, close) * 0.9995, high)
    low = np.where(is_above, np.maximum(value, close) * 1.0005, low)
    high, low = np.where(is_above, np.maximum(high, low * 1.001), high), np.where(is_below, high * 0.999, low)
    rates = {"open": value, "high": high, "low": low, "close": close, "last_price": next_value}
    missing = np.array([_has_no_rate(days, row) for row in range(len(days))])
    rounded = {name: np.where(missing, np.nan, np.round(prices, 4)) for name, prices in rates.items()}
    return rounded | {"volume": np.where(missing, np.nan, 0.0)}


def _has_no_rate(days: tuple[date, ...], row: int) -> bool:
    day = days[row]
    if day.month not in WITHOUT_RATE:
        return False
    weekday = sum(date(day.year, day.month, number).weekday() < 5 for number in range(1, day.day + 1))
    return weekday in WITHOUT_RATE[day.month]


def in_ticks(prices: Floats, venue: Venue) -> Floats:
    """Round to cents, or on the Korea Exchange to its tick, which grows with the price."""
    if venue is not SEOUL:
        return np.round(prices, 2)
    tick: Floats = np.select(
        [prices < limit for limit, _ in KRX_TICKS], [size for _, size in KRX_TICKS], default=1000.0
    )
    return np.round(prices / tick) * tick
