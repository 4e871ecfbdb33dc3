"""What is odd about the invented market by default, by rules that hold in every year: all of it was seen at Yahoo."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class SplitRule:
    """Once a year, on that session of that month, the year's turn among the tickers splits."""

    month: int
    session: int
    ratio: float
    tickers: tuple[str, ...]


SPLITS = (
    SplitRule(3, 5, 2.0, ("XLY", "XLV", "XLI", "SCHD")),
    SplitRule(6, 8, 4.0, ("NVDA", "AVGO", "LLY", "COST")),
    SplitRule(9, 6, 1.5, ("CAT", "GS", "HD", "JPM")),
    SplitRule(12, 4, 2.0, ("XLU", "XLB", "XLP", "XLRE")),
)

# Every year the bar of the tenth session of May is published with a wrong close, and corrected three sessions later.
RESTATED, RESTATED_MONTH, RESTATED_SESSION, RESTATED_FOR, RESTATED_BY = "XLF", 5, 10, 3, 1.006


@dataclass(frozen=True)
class BadCandle:
    """Once a year, on that session of that month, the high is below the close until the next session opens."""

    ticker: str
    month: int
    session: int


BAD_CANDLES = (BadCandle("KO", 2, 4), BadCandle("IWM", 7, 9))
BELOW_THE_CLOSE = 0.998

# Weekdays without an exchange rate (month -> which of its weekdays), two of them in a row: they are never filled in.
WITHOUT_RATE = {1: (6,), 4: (3, 4), 10: (12,)}

# On that session of every month the fund's list of holdings is empty until the next session ends.
EMPTY_LIST, EMPTY_LIST_SESSION = "SCHD", 11
# The second largest holding stands in the list twice, each time with a part of it.
LISTED_TWICE, FIRST_PART = "QQQ", 0.6

# A company that is bought: after its last session the chart is gone, the quote says nothing, one fund still lists it.
DELISTED = {"SPR": date(2026, 9, 18)}
# Its last trade comes well before the close.
THIN = frozenset({"FN"})

# One listed class of several: part of the company's shares. What is quoted as market cap is the whole company's.
PART_OF_THE_COMPANY = {
    "GOOGL": 0.48,
    "GOOG": 0.45,
    "BRK-B": 0.63,
    "META": 0.86,
    "V": 0.87,
    "MA": 0.95,
    "005930.KS": 0.88,
}
# What Yahoo does not say of everybody: no figure at all; a market cap without a share count; the company's share count
# (then it follows from market cap and price); the currency; a profile.
WITHOUT_MARKET_CAP = frozenset({"CEG"})
WITHOUT_SHARES = frozenset({"BAC"})
WITHOUT_IMPLIED_SHARES = frozenset({"META", "HD", "KO", "NEE", "000660.KS"})
WITHOUT_QUOTE_CURRENCY = frozenset({"D"})
WITHOUT_PROFILE = frozenset({"KTOS", "DASH", *DELISTED})
