"""No message whatever ends a consumer: what it cannot read is rejected with its reason."""

import json
from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from config.config import Settings, Topic
from consumer.storing import Store, upsert_by
from database.db_helper import Values
from database.tables import CONSUMER_ERROR, DAILY_ETF_OHLC, DAILY_STOCK_HISTORY
from utils.messages import DailyBar, EtfDailyBar, StockDailyBar
from utils.ranges import BY_SESSION, BarRange
from utils.reasons import from_json

BAR = {
    **{"ticker": "SPY", "trade_date": "2026-08-20", "currency": "USD", "volume": 5, "adj_close": 10, "close_price": 10},
    **{"open_price": 10, "high_price": 11, "low_price": 9, "fetched_at": "2026-08-21T21:00:00Z", "source": "yahoo"},
}
KINDS = [
    (Topic.ETF_DAILY, EtfDailyBar, DAILY_ETF_OHLC),
    (Topic.STOCK_DAILY, StockDailyBar, DAILY_STOCK_HISTORY),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind[0].value)
def rejected(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Let a consumer prepare messages, and return the rows of what it rejects."""
    topic, kind, table = request.param
    seen: list[Values] = []
    monkeypatch.setattr(
        Store, "_store", lambda self, parts, writes: seen.extend(row for _, bad in parts for row in bad)
    )
    store = Store(Settings.from_env({}).database, kind, upsert_by(table))

    def reject(*values: dict[str, Any]) -> list[dict[str, Any]]:
        raw = [json.dumps(value, separators=(",", ":")).encode() for value in values]
        place = {"topic": topic, "partition": 0, "timestamp": 1, "key": b"SPY"}
        store([SimpleNamespace(**place, offset=offset, value=value) for offset, value in enumerate(raw)])
        return [dict(zip(CONSUMER_ERROR.columns, row, strict=True)) for row in seen]

    return reject


@pytest.mark.parametrize(
    "doubt",
    [
        {"code": "of_the_next_version", "params": {}},
        {"code": "step", "params": {}},
        {"code": "step", "params": {"step": "x", "before": 1, "after": 2, "factor": 1}},
        {"code": "step", "params": {"step": None, "before": 1, "after": 2, "factor": 1}},
        {"code": "text", "params": {"text": {"code": "text", "params": {"text": "a\x00b"}}}},
        "a\x00b",
    ],
)
def test_a_doubt_that_cannot_be_told_is_kept_as_it_came(rejected: Callable[..., Any], doubt: Any) -> None:
    as_range = {name: [BAR[name]] for name in BY_SESSION & BAR.keys()}
    [alone, of_range] = rejected({**BAR, "doubt": doubt}, {**BAR, **as_range, "format": 2, "doubt": [doubt]})

    for row in (alone, of_range):
        assert row["error_msg"].startswith("SPY 2026-08-20: ") and row["trade_date"] == date(2026, 8, 20)
        assert "\x00" not in row["error_msg"] and "\\u0000" not in row["reason"]
        [told] = from_json(row["reason"])
        assert told.code == "doubtful_bar"
    if isinstance(doubt, dict) and doubt["code"] != "text":
        assert json.dumps(doubt, separators=(",", ":")) in alone["error_msg"]


@pytest.mark.parametrize("name", ["close_price", "adj_close", "volume"])
def test_a_range_without_values_of_a_field_is_rejected(rejected: Callable[..., Any], name: str) -> None:
    as_range = {name: [BAR[name]] for name in BY_SESSION & BAR.keys()}
    [row] = rejected({**BAR, **as_range, "format": 2, name: []})

    assert f"missing required field `{name}`" in row["error_msg"]


def test_whatever_else_a_message_brings_about_is_its_rejection(
    rejected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of that")

    monkeypatch.setattr(DailyBar, "_step_doubt", fail)
    monkeypatch.setattr(BarRange, "doubtful", fail)
    as_range = {name: [BAR[name]] for name in BY_SESSION & BAR.keys()}
    rows = rejected(BAR, {**BAR, **as_range, "format": 2})

    assert [row["kafka_offset"] for row in rows] == [0, 1]
    assert all("ZeroDivisionError: nobody thought of that" in row["error_msg"] for row in rows)
    assert {told.code for row in rows for told in from_json(row["reason"])} == {"not_a_message"}
