"""Sectors without a request, from the holdings of the universe's sector ETFs, and the order of the look-ups."""

from datetime import UTC, datetime, timedelta

import pytest

from collector.stock_sectors import Sector, derived, in_turn
from config.universe import universe
from config.universe_csv import SECTORS_OF_STOCKS

NARROW = ("XLF", "XLV", "XLY", "XLC", "XLI", "XLP", "XLU", "XLRE", "XLB")
NOW = datetime(2026, 8, 21, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("etf", "sector"),
    [
        ("XLF", "Financial Services"),
        ("XLC", "Communication Services"),
        ("XLI", "Industrials"),
        ("XLY", "Consumer Cyclical"),
        ("XLP", "Consumer Defensive"),
        ("XLRE", "Real Estate"),
        ("QQQ", "Technology"),
        ("SPY", None),
    ],
)
def test_in_yahoos_words(etf: str, sector: str | None) -> None:
    assert universe().sector_of_stocks(etf) == sector


def test_every_sector_etf_of_the_universe_has_one() -> None:
    assert {universe().sector_of_stocks(etf) for etf in universe().sectors} <= set(SECTORS_OF_STOCKS)


def test_a_stock_is_of_the_sector_etf_that_lists_it() -> None:
    lists = {"XLF": {"JPM": 0.1, "BRK-B": 0.12}, "XLV": {"LLY": 0.13}, "SPY": {"NVDA": 0.08}}

    assert derived(lists, universe()) == {
        "JPM": "Financial Services",
        "BRK-B": "Financial Services",
        "LLY": "Healthcare",
    }


def test_of_two_etfs_that_list_it_the_one_of_which_it_is_more() -> None:
    assert derived({"XLY": {"X": 0.02}, "XLC": {"X": 0.05}}, universe()) == {"X": "Communication Services"}
    assert derived({"XLY": {"X": 0.06}, "XLC": {"X": 0.05}}, universe()) == {"X": "Consumer Cyclical"}


def test_a_broad_fund_is_the_last_resort() -> None:
    """QQQ stands for technology, and holds Amazon and Costco too."""
    lists = {"QQQ": {"AAPL": 0.09, "AMZN": 0.2, "COST": 0.03}, "XLY": {"AMZN": 0.2}}

    assert derived(lists, universe()) == {"AMZN": "Consumer Cyclical"}, "nobody knows yet whether XLP lists COST"
    every = {etf: {"OTHER": 0.01} for etf in NARROW} | lists | {"XLP": {"COST": 0.09}}
    assert {stock: derived(every, universe())[stock] for stock in ("AAPL", "AMZN", "COST")} == {
        "AAPL": "Technology",
        "AMZN": "Consumer Cyclical",
        "COST": "Consumer Defensive",
    }


def test_unknown_ones_come_first_and_those_asked_longest_ago() -> None:
    found = {
        "KNOWN": Sector("Technology", "yahoo"),
        "DERIVED": Sector("Technology", "derived"),
        "ASKED": Sector(),
        "NONE": Sector(),
        "NEW": Sector(),
    }
    asked = {
        "ASKED": {"asked_at": NOW - timedelta(days=1), "has_none": False},
        "NONE": {"asked_at": NOW - timedelta(days=3), "has_none": True},
    }

    assert in_turn(found, asked) == ["NEW", "ASKED", "DERIVED"]
