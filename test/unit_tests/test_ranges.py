"""Ranges: several sessions of a ticker in one message, and each bar read as from a message of its own."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest
from kafka import TopicPartition
from msgspec.structs import replace

from consumer.replay_errors import is_acceptable
from database.tables import DAILY_ETF_OHLC, DAILY_STOCK_HISTORY
from ops.bench.bars import SESSIONS_A_TICKER, bars
from utils.kafka_utils import MAX_BATCH, _Reader
from utils.messages import DailyBar, EtfDailyBar, Holding, HoldingsSnapshot, StockDailyBar, from_json, to_json
from utils.ranges import LARGEST_BYTES, LONGEST_RANGE, BarRange, count_sessions, is_range, packed, read_range
from utils.reasons import reason

FETCHED = datetime(2026, 8, 21, 21, 30, tzinfo=UTC)
FIRST = date(2026, 8, 10)
ETF_BARS = bars(30)


def stock_bars(count: int, **values: Any) -> list[StockDailyBar]:
    return [
        StockDailyBar(
            ticker="005930.KS",
            trade_date=FIRST + timedelta(days=day),
            close_price=100.0 + day,
            adj_close=99.0 + day,
            volume=day,
            previous_close=99.0 + day if day else None,
            currency="KRW",
            market_cap=10**12 + day if day % 2 else None,
            market_cap_source="implied_x_close" if day % 2 else None,
            company_name='Samsung "Electronics"',
            fetched_at=FETCHED,
            source="simulated",
            **values,
        )
        for day in range(count)
    ]


def one_range(messages: list[Any]) -> bytes:
    [(key, raw)] = packed(messages)
    assert key.decode() == messages[0].ticker
    return raw


def changed(raw: bytes, **values: Any) -> bytes:
    return json.dumps({**json.loads(raw), **values}, separators=(",", ":")).encode()


def with_value(raw: bytes, name: str, number: int, value: Any) -> bytes:
    values = json.loads(raw)[name]
    return changed(raw, **{name: [*values[:number], value, *values[number + 1 :]]})


def singles(parts: list[Any]) -> list[DailyBar]:
    """Return the bars of what was read, each as of a message of its own."""
    return [
        bar for part in parts for bar in (map(part.bar, range(len(part))) if isinstance(part, BarRange) else [part])
    ]


@pytest.mark.parametrize(("kind", "sent"), [(EtfDailyBar, ETF_BARS), (StockDailyBar, stock_bars(9))])
def test_every_bar_of_a_range_survives_the_topic(kind: type[DailyBar], sent: list[DailyBar]) -> None:
    [read], refused = read_range(kind, one_range(sent))

    assert singles([read]) == sent
    assert (read.key, list(read.days), refused) == (sent[0].key, [bar.trade_date for bar in sent], [])


@pytest.mark.parametrize(
    ("table", "sent"), [(DAILY_ETF_OHLC, ETF_BARS), (DAILY_STOCK_HISTORY, stock_bars(9, sector="Tech", run_id="r1"))]
)
def test_the_rows_of_a_range_are_those_of_its_bars_to_the_last_bit(table: Any, sent: list[DailyBar]) -> None:
    [read], _ = read_range(type(sent[0]), one_range(sent))

    assert isinstance(read, BarRange)
    assert list(read.rows(table.columns)) == list(map(attrgetter(*table.columns), sent))


def test_what_all_bars_have_in_common_is_written_once_and_defaults_not_at_all() -> None:
    raw = json.loads(one_range(stock_bars(3)))

    assert raw["format"] == 2 and raw["company_name"] == 'Samsung "Electronics"' and raw["currency"] == "KRW"
    assert raw["trade_date"] == ["2026-08-10", "2026-08-11", "2026-08-12"]
    assert raw["market_cap"] == [None, 10**12 + 1, None]
    assert raw.keys().isdisjoint({"dividend", "doubt", "open_price", "sector"})


def test_one_bar_has_the_form_that_it_always_had() -> None:
    assert list(packed([ETF_BARS[0]])) == [(b"E0", to_json(ETF_BARS[0]))]
    assert not is_range(to_json(replace(ETF_BARS[0], doubt=reason("text", text='"format": 2'))))


def test_a_range_holds_bars_of_one_ticker_and_one_fetch() -> None:
    one, other = stock_bars(4), [replace(bar, ticker="MSFT") for bar in stock_bars(2)]
    later = [replace(bar, fetched_at=FETCHED + timedelta(days=1)) for bar in stock_bars(2)]
    holdings = HoldingsSnapshot(
        etf_ticker="SPY",
        collected_date=FIRST,
        holdings=[Holding("NVDA", None, 0.1, 1)],
        fetched_at=FETCHED,
        source="simulated",
    )

    sent = list(packed([*one, *other, *later, holdings, holdings]))

    assert [(key, count_sessions(raw)) for key, raw in sent] == [
        (b"005930.KS", 4), (b"MSFT", 2), (b"005930.KS", 2), (b"SPY", 1), (b"SPY", 1),
    ]  # fmt: skip


def test_a_long_range_and_a_large_one_are_cut() -> None:
    long = [replace(ETF_BARS[0], trade_date=FIRST - timedelta(days=day)) for day in range(LONGEST_RANGE + 1)]
    large = [replace(bar, doubt=reason("text", text="x" * 200_000), is_accepted=True) for bar in ETF_BARS[:10]]

    assert [count_sessions(raw) for _, raw in packed(long)] == [LONGEST_RANGE, 1]
    sent = [raw for _, raw in packed(large)]
    assert max(map(len, sent)) <= LARGEST_BYTES and len(sent) == 4
    assert [bar for raw in sent for bar in singles(read_range(EtfDailyBar, raw)[0])] == large


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("close_price", 0, "close_price"),
        ("close_price", None, "close_price"),
        ("trade_date", "2031-01-01", "2031-01-01"),
        ("volume", 10**30, "volume"),
        ("high_price", 1.0, "are not within"),
        ("previous_close", 1.0, "without a split"),
    ],
)
def test_one_bad_bar_is_refused_alone_as_its_own_message_would_be(name: str, value: Any, why: str) -> None:
    raw = with_value(one_range(ETF_BARS), name, 7, value)

    good, [(single, refused)] = read_range(EtfDailyBar, raw)

    assert singles(good) == [*ETF_BARS[:7], *ETF_BARS[8:]]
    assert why in str(refused)
    expected = json.loads(to_json(ETF_BARS[7])) | {name: value}
    assert {field: json.loads(single).get(field, expected[field]) for field in expected} == expected


def test_a_doubtful_bar_is_refused_until_a_person_accepts_it() -> None:
    doubt = reason("text", text="odd")
    doubtful = [replace(bar, doubt=doubt) if number in (2, 5) else bar for number, bar in enumerate(ETF_BARS)]

    good, refused = read_range(EtfDailyBar, one_range(doubtful))

    assert len(singles(good)) == 28
    assert [from_json(EtfDailyBar, changed(raw, is_accepted=True)) for raw, _ in refused] == [
        replace(doubtful[number], is_accepted=True) for number in (2, 5)
    ]
    assert [why.params["doubt"]["code"] for _, why in refused] == ["text", "text"]


def test_a_range_of_bad_bars_alone_stores_nothing() -> None:
    doubtful = [replace(bar, doubt=reason("text", text="odd")) for bar in ETF_BARS]

    good, refused = read_range(EtfDailyBar, one_range(doubtful))

    assert good == [] and len(refused) == 30


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"format":2', "range"),
        (b'["format":2]', "range"),
        (changed(one_range(ETF_BARS), format=3), "its format is not 2"),
        (changed(one_range(ETF_BARS), trade_date="2026-08-21"), "trade_date is no array"),
        (changed(one_range(ETF_BARS), trade_date=[]), "trade_date is no array"),
        (changed(one_range(ETF_BARS), volume=[1, 2]), "volume has not one value for each of the 30 sessions"),
        (changed(one_range(ETF_BARS), volume=5), "volume has not one value for each of the 30 sessions"),
        (changed(one_range(ETF_BARS), volume="x" * 30), "volume has not one value for each of the 30 sessions"),
        (b'{"format":2,"more":' + b"[" * 100_000, "range"),
        (b'{"format":2,"source":"\xff"}', "range"),
    ],
)
def test_a_range_whose_bars_cannot_be_told_apart_is_refused_as_it_is(raw: bytes, why: str) -> None:
    good, [(refused, reason_)] = read_range(EtfDailyBar, raw)

    assert good == [] and refused == raw
    assert why in str(reason_)
    assert not is_acceptable({"raw_value": raw.decode(errors="replace")})


def test_a_field_that_all_bars_break_refuses_each_of_them() -> None:
    good, refused = read_range(EtfDailyBar, changed(one_range(ETF_BARS), source="hearsay"))

    assert good == [] and len(refused) == 30
    assert {json.loads(raw)["trade_date"] for raw, _ in refused} == {str(bar.trade_date) for bar in ETF_BARS}


@pytest.mark.parametrize("name", ["open_price", "high_price", "low_price", "close_price", "adj_close", "volume"])
def test_a_field_of_which_nothing_is_given_is_missing_from_each_bar(name: str) -> None:
    good, refused = read_range(EtfDailyBar, changed(one_range(ETF_BARS), **{name: []}))

    assert good == [] and len(refused) == 30
    assert all(f"missing required field `{name}`" in str(why) for _, why in refused)


def test_halves_and_rests_are_ranges_again() -> None:
    [read], _ = read_range(EtfDailyBar, one_range(ETF_BARS))
    assert isinstance(read, BarRange)

    assert singles(list(read.halves())) == ETF_BARS
    assert singles([read.without({0, 29})]) == ETF_BARS[1:29]


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes


class Topic:
    """Hands out messages from where it stands, as the client would."""

    def __init__(self, values: list[bytes]) -> None:
        self.records = [Record(offset, value) for offset, value in enumerate(values)]
        self.position = 0

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Record]]:
        polled = self.records[self.position : self.position + max_records]
        self.position += len(polled)
        return {TopicPartition("t", 0): polled} if polled else {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.position = offset


def test_a_batch_is_bounded_in_rows_whatever_carries_them() -> None:
    single, ranged = to_json(ETF_BARS[0]), one_range(bars(SESSIONS_A_TICKER))
    topic = Topic([single] * 25_000 + [ranged] * 200 + [single] * 100)
    reader, batches = _Reader(topic), []
    while batch := reader.poll(timeout_ms=0):
        batches.append(batch)

    rows = [sum(count_sessions(record.value) for record in batch) for batch in batches]
    assert max(rows) <= MAX_BATCH
    assert [record.offset for batch in batches for record in batch] == list(range(25_300)), "each once, in order"
    assert len(batches) < 15
