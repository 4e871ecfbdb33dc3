"""The portfolios on the terminal."""

from typing import Any

import pytest

from ops.console import console
from ops.pipeline import portfolios


def position(number: int, etfs: int) -> dict[str, Any]:
    return {
        "ticker": f"T{number:02}",
        "company_name": "",
        "portfolio_weight": 0.04,
        "period_return": 0.1,
        "market_cap": 2e9,
        "source_etfs": [f"E{nth}" for nth in range(etfs)],
    }


def shown(monkeypatch: pytest.MonkeyPatch, *positions: dict[str, Any]) -> str:
    monkeypatch.setattr(console, "_width", 120)
    with console.capture() as said:
        portfolios._print(
            {"period_days": 5, "as_of_date": "2026-08-21", "source": "yahoo", "positions": positions, "reason": None}
        )
    return said.get()


def test_a_long_one_ends_with_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown(monkeypatch, *(position(number, 1) for number in range(25)))
    assert "T19" in said and "T20" not in said
    assert said.rstrip().endswith("and 5 more, 20.0% together: see the dashboard")


def test_a_short_one_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown(monkeypatch, position(1, 4), position(2, 6))
    assert "more" not in said
    assert [line.rpartition("bn  ")[2].strip() for line in said.splitlines()[3:]] == ["E0 E1 E2 E3", "E0 E1 E2 E3 +2"]
