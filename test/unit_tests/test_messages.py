"""Messages: what survives the topic, and what is refused with which reason."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from utils.errors import InvalidMessage
from utils.messages import EtfDailyBar, Holding, HoldingsSnapshot, StockDailyBar, from_json, to_json

FETCHED = datetime(2026, 8, 21, 21, 30, tzinfo=UTC)
BAR = EtfDailyBar(
    ticker="SPY",
    trade_date=date(2026, 8, 21),
    open_price=640.0,
    high_price=645.5,
    low_price=638.25,
    close_price=644.123456789,
    adj_close=643.987654321,
    volume=71_000_000,
    previous_close=639.0,
    fetched_at=FETCHED,
    source="simulated",
    run_id="r1",
)


def changed(**values: Any) -> bytes:
    return json.dumps({**json.loads(to_json(BAR)), **values}).encode()


def test_a_bar_survives_the_topic() -> None:
    assert from_json(EtfDailyBar, to_json(BAR)) == BAR


def test_mistake_10_no_digit_is_rounded_away() -> None:
    assert from_json(EtfDailyBar, to_json(BAR)).adj_close == 643.987654321


def test_the_change_is_in_percent_of_the_close_before() -> None:
    assert BAR.price_change_percent == pytest.approx((644.123456789 / 639.0 - 1) * 100)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"not json", "not a EtfDailyBar"),
        (b"\xff\xfe", "not a EtfDailyBar"),
        (b"{}", "required field"),
        (changed(close_price=0), r"\$.close_price"),
        (changed(close_price=None), r"\$.close_price"),
        (changed(volume=-1), r"\$.volume"),
        (changed(trade_date="21.08.2026"), r"\$.trade_date"),
        (changed(source="hearsay"), r"\$.source"),
        (changed(low_price=641.0), "not within 641 to 645.5"),
        (changed(high_price=642.0), "not within 638.25 to 642"),
        (changed(previous_close=400.0), r"moved \+61.0% without a split"),
        (changed(previous_close=1300.0), r"moved -50.5% without a split"),
    ],
)
def test_bad_bars_are_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessage, match=reason):
        from_json(EtfDailyBar, raw)


def test_a_large_step_passes_with_a_split_or_a_persons_word() -> None:
    assert from_json(EtfDailyBar, changed(previous_close=1300.0, split_ratio=2.0))
    assert from_json(EtfDailyBar, changed(previous_close=1300.0, is_accepted=True))


def test_a_stock_may_lack_its_range_but_not_its_currency() -> None:
    closes_only = {"ticker": "GS", "trade_date": "2026-08-21", "close_price": 1.0, "adj_close": 1.0, "volume": 0}
    origin = {"fetched_at": FETCHED.isoformat(), "source": "recorded"}

    assert from_json(StockDailyBar, json.dumps({**closes_only, **origin, "currency": "USD"})).open_price is None
    with pytest.raises(InvalidMessage, match="currency"):
        from_json(StockDailyBar, json.dumps({**closes_only, **origin}))


@pytest.mark.parametrize(
    ("holdings", "reason"),
    [
        ([], "holdings"),
        ([Holding("NVDA", None, 0.5, 1), Holding("NVDA", None, 0.4, 2)], "listed twice"),
        ([Holding("NVDA", None, 0.6, 1), Holding("AAPL", None, 0.5, 2)], "sum to 110.0%"),
        ([Holding("NVDA", None, 7.5, 1)], r"\$.holdings\[0\].percent"),
        ([Holding("", None, 0.5, 1)], "ticker"),
    ],
)
def test_bad_snapshots_are_refused_whole(holdings: list[Holding], reason: str) -> None:
    snapshot = HoldingsSnapshot(
        etf_ticker="QQQ", collected_date=date(2026, 8, 21), holdings=holdings, fetched_at=FETCHED, source="yahoo"
    )

    with pytest.raises(InvalidMessage, match=reason):
        from_json(HoldingsSnapshot, to_json(snapshot))
