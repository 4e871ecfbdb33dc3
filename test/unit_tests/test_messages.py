"""Messages: what survives the topic, and what is refused with which reason."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from utils.errors import InvalidMessage
from utils.messages import EtfDailyBar, Holding, HoldingsSnapshot, StockDailyBar, from_json, refusal, to_json
from utils.reasons import reason

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


def test_no_digit_is_rounded_away() -> None:
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


@pytest.mark.parametrize("ratio", [20.0, 0.05, 1.5, 1.064])
def test_a_large_step_counts_on_the_day_of_a_split_too(ratio: float) -> None:
    """Both sides of it are adjusted."""
    with pytest.raises(InvalidMessage, match=r"moved -50.5% on the day of a split"):
        from_json(EtfDailyBar, changed(previous_close=1300.0, split_ratio=ratio))


@pytest.mark.parametrize(
    "values",
    [
        {"previous_close": 1300.0},
        {"previous_close": 1300.0, "split_ratio": 2.0},
        {"low_price": 641.0},
        {"high_price": 642.0},
        {"doubt": {"code": "close_rises", "params": {"change": 0.1, "digits": 2}}},
        {"doubt": "the dividend of 400 is 62.6% of the close before"},  # as an earlier version sent it
    ],
)
def test_a_persons_word_passes_whatever_was_doubted(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match=r"SPY 2026-08-21: .*; accept it with --accept if it is true"):
        from_json(EtfDailyBar, changed(**values))
    assert from_json(EtfDailyBar, changed(**values, is_accepted=True)).is_accepted


def nested(depth: int) -> bytes:
    return b'{"ticker": ' + b"[" * depth


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (changed(trade_date="9999-12-31"), "9999-12-31 is not between 1990-01-01 and the day of its fetch, 2026-08-21"),
        (changed(trade_date="0001-01-01"), "0001-01-01 is not between"),
        (changed(trade_date="1989-12-29"), "1989-12-29 is not between"),
        (changed(trade_date="2026-08-24"), "2026-08-24 is not between"),
        (changed(fetched_at="9999-12-31T23:59:59Z"), "fetched_at 9999-12-31 .* cannot be"),
        (changed(fetched_at="9999-12-31T23:59:59-23:59"), "fetched_at 9999-12-31 .* cannot be"),
        (changed(fetched_at="0001-01-01T00:00:00+23:59"), "fetched_at 0001-01-01 .* cannot be"),
        (changed(fetched_at="2026-08-21T21:30:00"), r"\$.fetched_at"),
        (changed(close_price=1e-300), r"\$.close_price"),
        (changed(close_price=1e13), r"\$.close_price"),
        (changed(close_price="NaN"), r"\$.close_price"),
        (changed(adj_close=float("nan")), "JSON is malformed"),
        (changed(adj_close=-3.0), r"\$.adj_close"),
        (changed(dividend=-0.4), r"\$.dividend"),
        (changed(capital_gain=-0.4), r"\$.capital_gain"),
        (changed(currency="GBp"), r"\$.currency"),
        (changed(ticker="A" * 21), r"\$.ticker"),
        (changed(ticker="A\x00B"), r"\$.ticker"),
        (changed(ticker="SPY\n"), r"\$.ticker"),
        (changed(ticker="SPY/../QQQ"), r"\$.ticker"),
        (changed(run_id="r" * 251), r"\$.run_id"),
        (nested(100_000), "not a EtfDailyBar"),
        (b'{"more": ' + b"[" * 100_000, "not a EtfDailyBar: maximum recursion depth"),
    ],
)
def test_poison_is_refused_whatever_a_person_says(raw: bytes, reason: str) -> None:
    for each in (raw, raw.replace(b'"is_accepted": false', b'"is_accepted": true')):
        with pytest.raises(InvalidMessage, match=reason):
            from_json(EtfDailyBar, each)


def test_yahoos_clock_may_be_a_day_ahead_and_a_simulated_one_many() -> None:
    now = datetime.now(UTC)
    for source, days, is_taken in (("yahoo", 1, True), ("yahoo", 3, False), ("simulated", 400, True)):
        moment = now + timedelta(days=days)
        raw = changed(source=source, fetched_at=moment.isoformat(), trade_date=str(moment.date()))
        message = replace(BAR, source=source, fetched_at=moment, trade_date=moment.date())
        assert (refusal(message) is None) is is_taken
        if is_taken:
            assert from_json(EtfDailyBar, raw).fetched_at == moment
        else:
            with pytest.raises(InvalidMessage, match="fetched_at"):
                from_json(EtfDailyBar, raw)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"close_price": 0.0}, "close_price"),
        ({"adj_close": float("nan")}, "adj_close"),
        ({"adj_close": float("inf")}, "adj_close"),
        ({"dividend": -0.4}, "dividend"),
        ({"split_ratio": 0.0}, "split_ratio"),
        ({"volume": -1}, "volume"),
        ({"volume": 2**63}, "volume"),
        ({"ticker": "IXAZ6_COLLATERAL_USD_"}, "ticker"),
        ({"currency": "ILa"}, "currency"),
    ],
)
def test_a_producer_knows_what_no_consumer_takes(values: dict[str, Any], field: str) -> None:
    assert refusal(BAR) is None
    assert f"$.{field}" in str(refusal(replace(BAR, **values)))


def test_a_doubtful_message_is_no_breach_of_the_contract() -> None:
    """It is sent, so that a person can look at it."""
    doubtful = replace(BAR, doubt=reason("text", text="close moved"))

    assert refusal(doubtful) is None
    assert not doubtful.is_plausible


def test_a_doubt_arrives_as_data() -> None:
    doubt = reason("close_moved", step=0.61, before=100.0, after=161.0)

    with pytest.raises(InvalidMessage) as refused:
        from_json(EtfDailyBar, to_json(replace(BAR, doubt=doubt)))
    assert refused.value.reason == reason("doubtful_bar", ticker="SPY", session="2026-08-21", doubt=doubt)


@pytest.mark.parametrize("doubt", [7, {"params": {}}, {"code": "close_moved", "params": []}])
def test_a_doubt_that_is_neither_is_refused(doubt: Any) -> None:
    with pytest.raises(InvalidMessage, match=r"not a EtfDailyBar: .* `\$\.doubt"):
        from_json(EtfDailyBar, changed(doubt=doubt))


def test_a_companys_name_has_its_limit() -> None:
    fields = {name: getattr(BAR, name) for name in ("ticker", "trade_date", "close_price", "adj_close", "volume")}
    stock = StockDailyBar(**fields, currency="USD", company_name="A" * 200, fetched_at=FETCHED, source="yahoo")

    assert refusal(stock) is None
    assert "$.company_name" in str(refusal(replace(stock, company_name="A" * 201)))


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
        ([Holding("NVDA", None, 100.5, 1)], r"\$.holdings\[0\].percent"),
        ([Holding("NVDA", None, -0.1, 1)], r"\$.holdings\[0\].percent"),
        ([Holding("NVDA", "A" * 201, 0.5, 1)], r"\$.holdings\[0\].name"),
        ([Holding("", None, 0.5, 1)], "ticker"),
    ],
)
def test_bad_snapshots_are_refused_whole(holdings: list[Holding], reason: str) -> None:
    snapshot = HoldingsSnapshot(
        etf_ticker="QQQ", collected_date=date(2026, 8, 21), holdings=holdings, fetched_at=FETCHED, source="yahoo"
    )

    with pytest.raises(InvalidMessage, match=reason):
        from_json(HoldingsSnapshot, to_json(snapshot))


def test_a_fund_may_hold_more_than_it_is_worth() -> None:
    holdings = [Holding("MASTER", None, 1.002, 1), Holding("NVDA", None, 0.7, 2)]
    snapshot = HoldingsSnapshot(
        etf_ticker="QQQ", collected_date=date(2026, 8, 21), holdings=holdings, fetched_at=FETCHED, source="yahoo"
    )

    assert from_json(HoldingsSnapshot, to_json(snapshot)).holdings == holdings


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ({"collected_date": date(9999, 12, 31)}, "9999-12-31 is not between"),
        ({"month_of": date(9999, 12, 31)}, "cannot be the snapshot of 9999-12-31"),
        ({"month_of": date(1, 1, 1)}, "cannot be the snapshot of 0001-01-01"),
    ],
)
def test_a_snapshot_of_a_time_that_cannot_be_is_refused(days: dict[str, date], reason: str) -> None:
    fields: dict[str, Any] = {"collected_date": date(2026, 8, 21), **days}
    snapshot = HoldingsSnapshot(
        etf_ticker="QQQ", holdings=[Holding("NVDA", None, 0.1, 1)], fetched_at=FETCHED, source="yahoo", **fields
    )

    with pytest.raises(InvalidMessage, match=reason):
        from_json(HoldingsSnapshot, to_json(snapshot))
