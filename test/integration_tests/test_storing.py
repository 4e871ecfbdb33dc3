"""Consumers' writes into a real Postgres: what is good is stored, what is bad is kept with its address."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from collector.stock_bars import quote_before
from config.config import DatabaseSettings
from consumer import kafka_consumer_etf_holdings, replay_errors
from consumer.storing import Store, upsert_by
from consumer.watch import Watch
from database import tables
from database.db_helper import Connection, connect, fetch, transaction, upsert
from database.queries import collected, consumer_lag, errors, ledger, source_answers
from database.queries.evidence_checks import broken_links, chains, tables_with_versions, unlike_links
from database.queries.unpublished import asked_for, unpublished
from log_words import stored_text
from reason_words import words_in
from sample_api import api_on
from utils.dates import sessions_between
from utils.errors import DatabaseUnavailable
from utils.lag import Lag
from utils.messages import EtfDailyBar, Holding, HoldingsSnapshot, StockDailyBar, to_json
from utils.ranges import packed
from utils.reasons import Reason

FETCHED = datetime(2026, 8, 21, 21, tzinfo=UTC)


@dataclass
class Received:
    offset: int
    value: bytes | None
    key: bytes | None = b"SPY"
    topic: str = "etf-daily-data"
    partition: int = 1
    timestamp: int = 0


def bar(**values: Any) -> bytes:
    plain = {"open_price": 10.0, "high_price": 12.0, "low_price": 9.0, "close_price": 11.0, "adj_close": 11.0}
    origin = {"fetched_at": FETCHED, "source": "simulated", "previous_close": 10.0}
    fields = {"ticker": "SPY", "trade_date": date(2026, 8, 21), "volume": 5, **plain, **origin, **values}
    return msgspec.json.encode(fields)


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as conn:
        yield conn
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE collected_daily_etf_ohlc, collected_etf_holdings, logs_consumer_error")


@pytest.fixture
def store(scratch_database: DatabaseSettings, conn: Connection) -> Callable[..., None]:
    etf_store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))
    return lambda *values: etf_store([Received(offset, value) for offset, value in enumerate(values)])


@pytest.fixture
def store_later(scratch_database: DatabaseSettings, conn: Connection) -> Callable[..., None]:
    """Store what follows on the topic after the values of `store`."""
    etf_store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))
    return lambda *values: etf_store(
        [Received(offset, value, timestamp=1_000) for offset, value in enumerate(values, 100)]
    )


def bars(conn: Connection) -> list[tuple[str, float, float]]:
    rows = fetch(conn, "SELECT * FROM collected_daily_etf_ohlc ORDER BY ticker, trade_date")
    return [(row["ticker"], row["close_price"], row["price_change_percent"]) for row in rows]


def rejected(conn: Connection) -> list[dict[str, Any]]:
    return fetch(conn, "SELECT * FROM logs_consumer_error ORDER BY kafka_offset")


def test_a_bar_is_stored_with_its_change(store: Callable[..., None], conn: Connection) -> None:
    store(bar())

    assert bars(conn) == [("SPY", 11.0, 10.0)]


def test_a_batch_read_twice_is_stored_once(store: Callable[..., None], conn: Connection) -> None:
    for _ in range(2):
        store(bar(), b"junk")

    assert len(bars(conn)) == 1
    assert len(rejected(conn)) == 1


def test_an_old_message_does_not_undo_a_restatement(store: Callable[..., None], conn: Connection) -> None:
    store(bar(close_price=11.5), bar(fetched_at=FETCHED - timedelta(days=1)))
    store(bar(fetched_at=FETCHED - timedelta(days=1)))

    assert bars(conn)[0][1] == 11.5


def test_a_bad_message_is_kept_with_its_address_and_reason(store: Callable[..., None], conn: Connection) -> None:
    store(bar(), b"junk", bar(close_price=100.0, high_price=100.0), None, b"\x00\xff")

    assert len(bars(conn)) == 1
    assert [(row["topic"], row["partition_id"], row["kafka_offset"]) for row in rejected(conn)] == [
        ("etf-daily-data", 1, offset) for offset in (1, 2, 3, 4)
    ]
    assert rejected(conn)[0]["raw_value"] == "junk"
    assert "without a split" in rejected(conn)[1]["error_msg"]
    assert [words_in(row["reason"]) for row in rejected(conn)] == [row["error_msg"] for row in rejected(conn)]
    assert rejected(conn)[1]["reason"][0]["code"] == "doubtful_bar"
    assert json.loads(rejected(conn)[1]["raw_value"])["close_price"] == 100.0


def test_a_doubtful_bar_is_known_to_wait_for_a_person(store: Callable[..., None], conn: Connection) -> None:
    store(bar(), bar(close_price=100.0, high_price=100.0), b"junk")

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == {date(2026, 8, 21)}
    assert collected.quarantined(conn, "etf-daily-data", "QQQ") == set()


@pytest.mark.parametrize(
    "healed",
    [
        {"close_price": 11.5},  # the source has corrected it
        {"close_price": 100.0, "high_price": 100.0, "is_accepted": True},  # a person has accepted it
    ],
)
def test_a_bar_that_is_stored_closes_its_rejection(
    store: Callable[..., None], store_later: Callable[..., None], conn: Connection, healed: dict[str, Any]
) -> None:
    doubtful = {"close_price": 100.0, "high_price": 100.0}
    store(bar(**doubtful), bar(**doubtful, trade_date=date(2026, 8, 20)), bar(**doubtful, ticker="QQQ"))

    store_later(bar(**healed))

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == {date(2026, 8, 20)}
    assert collected.quarantined(conn, "etf-daily-data", "QQQ") == {date(2026, 8, 21)}
    assert bars(conn)[0][1] == healed["close_price"]


def test_a_later_rejection_takes_the_place_of_an_earlier_one(store: Callable[..., None], conn: Connection) -> None:
    store(bar(close_price=100.0, high_price=100.0), bar(close_price=200.0, high_price=200.0))

    [waiting] = errors.waiting(conn)
    assert json.loads(waiting["raw_value"])["close_price"] == 200.0
    assert collected.rejected_bars(conn, "etf-daily-data", "SPY")[date(2026, 8, 21)]["close_price"] == 200.0


def test_reading_a_batch_twice_closes_no_later_rejection(store: Callable[..., None], conn: Connection) -> None:
    for _ in range(2):
        store(bar(), bar(close_price=100.0, high_price=100.0))

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == {date(2026, 8, 21)}


def test_a_topic_made_anew_hides_no_rejection(scratch_database: DatabaseSettings, conn: Connection) -> None:
    """Its offsets begin at 0 again: the address of a closed rejection is taken a second time."""
    etf_store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))
    first, second = (bar(ticker=ticker, close_price=100.0, high_price=100.0) for ticker in ("SPY", "QQQ"))
    etf_store([Received(0, first, timestamp=1_000)])
    errors.mark_replayed(conn, [row["id"] for row in errors.waiting(conn)])

    etf_store([Received(0, second, b"QQQ", timestamp=2_000)])

    assert [row["message_key"] for row in errors.waiting(conn)] == ["QQQ"]
    assert [json.loads(row["raw_value"])["ticker"] for row in rejected(conn)] == ["SPY", "QQQ"], "none is lost"


def test_a_bar_on_a_topic_made_anew_closes_a_rejection_of_before(
    scratch_database: DatabaseSettings, conn: Connection
) -> None:
    etf_store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))
    etf_store([Received(70, bar(close_price=100.0, high_price=100.0), timestamp=1_000)])

    etf_store([Received(0, bar(), timestamp=2_000)])

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == set()


POISON = [
    b'{"more": ' + b"[" * 100_000,
    rb'{"ticker": "A\u0000B", "trade_date": "2026-08-21", "source": "\u0000"}',
    bar(trade_date=date(9999, 12, 31)),
    bar(fetched_at=datetime(9999, 12, 31, 23, tzinfo=UTC)),
    bar(fetched_at=FETCHED.replace(tzinfo=None)),
    bar(ticker="A\x00B"),
    bar(ticker="A" * 201),
    bar(run_id="\x00"),
    bar(source="\x00"),
    bar(doubt=Reason("of_the_next_version", {"step": 1})),
    bar(doubt=Reason("step", {"step": "x", "before": None, "after": 2, "factor": 1})),
    bar(doubt=Reason("text", {"text": {"code": "text", "params": {"text": "a\x00b"}}})),
    bar(doubt=Reason("text", {"text": "x", "a\x00b": 1})),
    bar(doubt="a\x00b"),
    bar(format=2, trade_date=["2026-08-21"], close_price=[], adj_close=[11.0], volume=[5]),
]


@pytest.mark.parametrize("poison", POISON)
def test_poison_is_kept_and_stops_nothing(store: Callable[..., None], conn: Connection, poison: bytes) -> None:
    began = time.monotonic()
    store(poison)
    assert time.monotonic() - began < 1, "the connection included"
    store(poison, bar(ticker="QQQ"))

    assert [ticker for ticker, *_ in bars(conn)] == ["QQQ"]
    assert [row["kafka_offset"] for row in rejected(conn)] == [0]


def test_poison_fails_no_view_and_no_route(
    scratch_database: DatabaseSettings, store: Callable[..., None], conn: Connection
) -> None:
    """As it waits for a person, and when that has said what becomes of it."""
    store(*POISON, bar(ticker="QQQ"))
    views = [row["viewname"] for row in fetch(conn, "SELECT viewname FROM pg_views WHERE schemaname = 'public'")]
    assert {"logs_quarantined_bar", "logs_session_ledger"} <= set(views)

    for replayed in (False, True):
        for view in views:
            fetch(conn, f"SELECT * FROM {view}")
        with api_on(scratch_database) as api:
            answers = {path: api.get(f"/dashboard/{path}") for path in ("pipeline", "gaps", "errors", "sessions")}
        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
        assert answers["errors"].json()["total"] == len(POISON)
        assert [each["rejected"] for each in answers["pipeline"].json()["errors"]] == [len(POISON)]
        if not replayed:
            errors.mark_replayed(conn, [row["id"] for row in rejected(conn)])


class TestAccepting:
    """replay_errors, without a broker."""

    def test_what_a_person_accepts_is_remembered_with_its_step(
        self, store: Callable[..., None], store_later: Callable[..., None], conn: Connection
    ) -> None:
        store(bar(close_price=100.0, high_price=100.0), bar(close_price=13.0, trade_date=date(2026, 8, 20)))
        accepted = {row["id"]: replay_errors._accepted(row) for row in errors.waiting(conn)}
        assert collected.accepted_steps(conn, "etf-daily-data", "SPY") == {}

        errors.mark_accepted(conn, accepted)
        store_later(*(value.encode() for value in accepted.values()))

        assert collected.accepted_steps(conn, "etf-daily-data", "SPY") == {
            date(2026, 8, 21): 10.0,
            date(2026, 8, 20): 1.3,
        }
        assert collected.accepted_steps(conn, "etf-daily-data", "QQQ") == {}
        assert collected.quarantined(conn, "etf-daily-data", "SPY") == set()
        assert [close for _, close, _ in bars(conn)] == [13.0, 100.0], "a step, and a close outside its range"

    def test_what_is_only_sent_again_is_not(self, store: Callable[..., None], conn: Connection) -> None:
        store(bar(close_price=100.0, high_price=100.0))

        errors.mark_replayed(conn, [row["id"] for row in errors.waiting(conn)])

        assert collected.accepted_steps(conn, "etf-daily-data", "SPY") == {}

    def test_poison_cannot_be_accepted(self, store: Callable[..., None], conn: Connection) -> None:
        store(b'{"more": ' + b"[" * 100_000)

        [row] = errors.waiting(conn)
        assert not replay_errors.is_acceptable(row), "it waits on, and holds nobody up"


class TestBreaks:
    def record(self, conn: Connection, *breaks: tuple[date, bool], last: date = date(2026, 8, 21)) -> None:
        rows = [("etf", "SPY", session, withheld, stored_text("why"), FETCHED, "r1") for session, withheld in breaks]
        ledger.record(conn, [], [], ledger.Judged("etf", "SPY", date(2026, 8, 10), last, rows))

    def found(self, conn: Connection, of: str = "logs_price_break") -> list[tuple[date, bool]]:
        rows = fetch(conn, f"SELECT trade_date, is_withheld FROM {of} WHERE ticker = 'SPY' ORDER BY trade_date")
        return [(row["trade_date"], row["is_withheld"]) for row in rows]

    @pytest.fixture(autouse=True)
    def none_left(self, conn: Connection) -> Iterator[None]:
        yield
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE logs_price_break, logs_restatement")

    def test_a_judgement_takes_the_place_of_the_one_before_as_far_as_it_goes(self, conn: Connection) -> None:
        self.record(conn, (date(2026, 8, 11), False), (date(2026, 8, 20), True))
        self.record(conn, (date(2026, 8, 12), False), last=date(2026, 8, 14))

        assert self.found(conn) == [(date(2026, 8, 12), False), (date(2026, 8, 20), True)]
        self.record(conn)
        assert self.found(conn) == []

    def test_a_withheld_one_counts_while_its_bar_waits(
        self, store: Callable[..., None], store_later: Callable[..., None], conn: Connection
    ) -> None:
        self.record(conn, (date(2026, 8, 12), False), (date(2026, 8, 21), True))
        assert self.found(conn, "logs_open_break") == [(date(2026, 8, 12), False)]

        store(bar(close_price=100.0, high_price=100.0))
        assert self.found(conn, "logs_open_break") == [(date(2026, 8, 12), False), (date(2026, 8, 21), True)]

        store_later(bar())
        assert self.found(conn, "logs_open_break") == [(date(2026, 8, 12), False)]

    def test_a_dividend_that_the_source_has_left_out_is_remembered(self, conn: Connection) -> None:
        day = date(2026, 8, 12)
        lost = json.dumps({"dividend": 0.41}), json.dumps({"dividend": 0.0})
        grown = json.dumps({"dividend": 0.0}), json.dumps({"dividend": 0.2})
        for session, (old, new) in ((day, lost), (date(2026, 8, 13), grown)):
            row = ("etf", "SPY", session, "restated", FETCHED, session, 1.0, 1.0, old, new, FETCHED, "r1")
            ledger.record(conn, [], [row])

        assert ledger.lost_dividends(conn, "etf", "SPY") == {day: 0.41}
        assert ledger.lost_dividends(conn, "stock", "SPY") == {}


class TestUnpublished:
    """Sessions whose prices came too late."""

    periods = (5, 20)
    days = sessions_between(date(2026, 6, 1), date(2026, 8, 21))

    @pytest.fixture(autouse=True)
    def prices(self, store: Callable[..., None], conn: Connection) -> Iterator[None]:
        store(*(bar(trade_date=day) for day in self.days))
        for day in self.days[30:]:
            self.publish(conn, day)
        yield
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE analytics_publication")

    def publish(self, conn: Connection, day: date, status: str = "empty", days: int | None = None) -> None:
        for job, period in (("trending", 0), ("allocation", 5), ("allocation", 20)):
            if days in (None, period):
                row = (job, day, period, status, stored_text("why"), None, 0, 1.0, None, "simulated", "r1")
                with transaction(conn):
                    upsert(conn, tables.PUBLICATION, [row])

    def take_back(self, conn: Connection, day: date, job: str = "%") -> None:
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("DELETE FROM analytics_publication WHERE as_of_date = %s AND job LIKE %s", (day, job))

    def found(self, conn: Connection, **bounds: date) -> list[date]:
        return unpublished(conn, "SPY", self.periods, **bounds)

    def test_nothing_lacks(self, conn: Connection) -> None:
        assert self.found(conn) == []

    @pytest.mark.parametrize("job", ["%", "trending", "allocation"])
    def test_a_session_that_is_not_published_and_has_its_prices(self, conn: Connection, job: str) -> None:
        for day in self.days[40:42]:
            self.take_back(conn, day, job)

        assert self.found(conn) == self.days[40:42]
        assert self.found(conn, start=self.days[41]) == self.days[41:42]
        assert self.found(conn, end=self.days[40]) == self.days[40:41]

    def test_a_session_that_no_run_was_about_is_history(self, conn: Connection) -> None:
        ledger.expect(conn, "etf", [("SPY", self.days[41])], None)

        assert asked_for(conn, "SPY", self.days[40:43]) == [self.days[41]]

    def test_not_while_the_benchmark_has_no_price(self, conn: Connection) -> None:
        self.take_back(conn, self.days[40])
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_daily_etf_ohlc WHERE trade_date = %s", (self.days[40],))

        assert self.found(conn) == []

    def test_not_before_the_first_nor_after_the_newest(self, conn: Connection) -> None:
        for day in (self.days[30], self.days[-1]):
            self.take_back(conn, day)

        assert self.found(conn) == []

    def test_what_was_not_computable_and_is_now(self, conn: Connection) -> None:
        self.publish(conn, self.days[35], "not_computable", 20)
        self.publish(conn, self.days[36], "not_computable", 0)

        assert self.found(conn) == self.days[35:37]

    def test_what_is_not_computable_still(self, conn: Connection) -> None:
        """The window of 20 sessions begins where there is no price, or has a break in it."""
        self.publish(conn, self.days[35], "not_computable", 20)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_daily_etf_ohlc WHERE trade_date = %s", (self.days[15],))

        assert self.found(conn) == []


def test_a_rejection_is_about_the_topic_by_its_own_name(scratch_database: DatabaseSettings, conn: Connection) -> None:
    etf_store = Store(
        scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"), topic_prefix="second-"
    )

    etf_store([Received(0, bar(close_price=100.0, high_price=100.0), topic="second-etf-daily-data")])

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == {date(2026, 8, 21)}


def test_a_value_postgres_refuses_takes_no_neighbour_with_it(store: Callable[..., None], conn: Connection) -> None:
    # The contract takes both closes, and the column has no place for the change between them in percent.
    leap = bar(close_price=1e11, previous_close=1.0, is_accepted=True)
    store(bar(ticker="DIA"), leap, bar(ticker="QQQ"))

    assert [ticker for ticker, *_ in bars(conn)] == ["DIA", "QQQ"]
    [row] = rejected(conn)
    assert row["kafka_offset"] == 1
    assert "PostgreSQL refuses it" in row["error_msg"]


class TestRanges:
    """Messages that carry several sessions of a ticker."""

    days = sessions_between(date(2026, 8, 3), date(2026, 8, 21))

    def one_range(self, **values: dict[date, Any]) -> bytes:
        """Return a range of all days, in which a field has another value on some: close_price={day: 100.0}."""
        messages = [
            msgspec.json.decode(
                bar(trade_date=day, **{name: value[day] for name, value in values.items() if day in value}),
                type=EtfDailyBar,
            )
            for day in self.days
        ]
        [(_, raw)] = packed(messages)
        return raw

    def stored(self, conn: Connection) -> list[date]:
        rows = fetch(conn, "SELECT * FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' ORDER BY trade_date")
        return [row["trade_date"] for row in rows]

    def test_ranges_and_single_bars_are_stored_alike(self, store: Callable[..., None], conn: Connection) -> None:
        store(*(bar(trade_date=day) for day in self.days))
        columns = ", ".join(tables.DAILY_ETF_OHLC.columns)
        query = f"SELECT {columns} FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' ORDER BY trade_date"
        alone = fetch(conn, query)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE collected_daily_etf_ohlc")

        store(bar(ticker="DIA"), self.one_range(), bar(ticker="QQQ"), b"junk")

        assert len(alone) == len(self.days) and fetch(conn, query) == alone
        addresses = fetch(conn, "SELECT DISTINCT kafka_offset, ticker FROM collected_daily_etf_ohlc ORDER BY 1")
        assert [tuple(row.values()) for row in addresses] == [(0, "DIA"), (1, "SPY"), (2, "QQQ")]
        assert [row["kafka_offset"] for row in rejected(conn)] == [3]

    def test_its_versions_have_the_address_that_the_bars_share(
        self, store: Callable[..., None], conn: Connection
    ) -> None:
        versions = "SELECT trade_date, kafka_offset FROM evidence_daily_etf_ohlc WHERE position > %(position)s"
        [head] = fetch(conn, "SELECT COALESCE(MAX(position), 0) AS position FROM evidence_daily_etf_ohlc")

        store(b"junk", self.one_range())
        store(b"junk", self.one_range())

        rows = fetch(conn, versions, head)
        assert sorted((row["trade_date"], row["kafka_offset"]) for row in rows) == [(day, 1) for day in self.days]

    def test_read_again_it_stores_and_rejects_nothing_twice(self, store: Callable[..., None], conn: Connection) -> None:
        odd = {self.days[3]: 100.0, self.days[7]: 200.0}
        for _ in range(2):
            store(self.one_range(close_price=odd, high_price=odd))

        assert self.stored(conn) == [day for day in self.days if day not in odd]
        assert [row["trade_date"] for row in rejected(conn)] == list(odd)
        assert collected.quarantined(conn, "etf-daily-data", "SPY") == set(odd)

    def test_a_bad_bar_is_rejected_alone_with_its_reason_and_address(
        self, store: Callable[..., None], store_later: Callable[..., None], conn: Connection
    ) -> None:
        odd = {self.days[3]: 100.0}
        store(b"junk", self.one_range(close_price=odd, high_price=odd))

        _, waiting = rejected(conn)
        assert (waiting["partition_id"], waiting["kafka_offset"], waiting["ticker"]) == (1, 1, "SPY")
        assert (waiting["trade_date"], waiting["message_key"]) == (self.days[3], "SPY")
        assert "without a split" in waiting["error_msg"]
        assert self.stored(conn) == [day for day in self.days if day not in odd]
        [quarantined] = fetch(conn, "SELECT * FROM logs_quarantined_bar")
        assert (quarantined["kind"], quarantined["trade_date"]) == ("etf", self.days[3])
        assert collected.rejected_bars(conn, "etf-daily-data", "SPY")[self.days[3]]["close_price"] == 100.0

        store_later(replay_errors._accepted(waiting).encode())
        assert self.stored(conn) == self.days
        assert collected.quarantined(conn, "etf-daily-data", "SPY") == set()

    def test_a_later_range_closes_the_rejections_of_its_bars_alone(
        self, store: Callable[..., None], store_later: Callable[..., None], conn: Connection
    ) -> None:
        before, odd = date(2026, 7, 31), {"close_price": 100.0, "high_price": 100.0}
        store(bar(**odd, trade_date=self.days[2]), bar(**odd, trade_date=before), bar(**odd, trade_date=self.days[4]))

        store_later(self.one_range(**{name: {self.days[4]: value} for name, value in odd.items()}))

        assert collected.quarantined(conn, "etf-daily-data", "SPY") == {before, self.days[4]}
        assert [row["kafka_offset"] for row in errors.waiting(conn)] == [1, 100]

    def test_bars_without_a_readable_session_are_one_rejection_of_the_range_as_it_came(
        self, store: Callable[..., None], conn: Connection
    ) -> None:
        whole = json.loads(self.one_range())
        whole["trade_date"][2:4] = ["yesterday", None]
        raw = json.dumps(whole).encode()

        for _ in range(2):
            store(raw)

        [row] = rejected(conn)
        assert (row["raw_value"], row["trade_date"]) == (raw.decode(), None)
        assert not replay_errors.is_acceptable(row)
        assert self.stored(conn) == [*self.days[:2], *self.days[4:]]

    def test_a_value_postgres_refuses_takes_none_of_the_others_with_it(
        self, store: Callable[..., None], conn: Connection
    ) -> None:
        leap = {"close_price": 1e11, "previous_close": 1.0, "is_accepted": True}
        store(bar(ticker="DIA"), self.one_range(**{name: {self.days[5]: value} for name, value in leap.items()}))

        assert self.stored(conn) == [*self.days[:5], *self.days[6:]]
        [row] = rejected(conn)
        assert (row["kafka_offset"], row["trade_date"]) == (1, self.days[5])
        assert "PostgreSQL refuses it" in row["error_msg"]
        assert json.loads(row["raw_value"])["trade_date"] == str(self.days[5])

    def test_an_old_range_does_not_undo_a_restatement(self, store: Callable[..., None], conn: Connection) -> None:
        store(bar(trade_date=self.days[1], close_price=11.5, fetched_at=FETCHED + timedelta(days=1)), self.one_range())

        assert [close for _, close, _ in bars(conn)][:3] == [11.0, 11.5, 11.0]


def test_an_outage_is_reported_and_the_batch_stored_on_the_next_try(
    scratch_database: DatabaseSettings, conn: Connection
) -> None:
    store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))
    store([Received(0, bar(ticker="DIA"))])
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(DatabaseUnavailable):
        store([Received(1, bar())])
    store([Received(1, bar())])

    assert [ticker for ticker, *_ in bars(conn)] == ["DIA", "SPY"]


def test_a_database_that_is_away_from_the_start_is_reported(scratch_database: DatabaseSettings) -> None:
    store = Store(replace(scratch_database, port=1), EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))

    with pytest.raises(DatabaseUnavailable):
        store([Received(0, bar())])


class TestLargeBatches:
    """Parts of a large batch are stored side by side. That changes what is stored in nothing."""

    FIRST = date(2016, 1, 4)

    def history(self, ticker: str, sessions: int = 700, **values: Any) -> list[bytes]:
        days = [self.FIRST + timedelta(days=number) for number in range(sessions)]
        return [bar(ticker=ticker, trade_date=day, **values) for day in days]

    def received(self, *values: bytes) -> list[Received]:
        return [Received(offset, value) for offset, value in enumerate(values)]

    def stored(self, conn: Connection) -> dict[str, int]:
        rows = fetch(conn, "SELECT ticker, COUNT(*) AS bars FROM collected_daily_etf_ohlc GROUP BY ticker")
        return {row["ticker"]: row["bars"] for row in rows}

    def versions(self, conn: Connection) -> int:
        [found] = fetch(conn, "SELECT COUNT(*) AS rows FROM evidence_daily_etf_ohlc WHERE NOT is_removed")
        return int(found["rows"])

    @pytest.fixture
    def etf_store(self, scratch_database: DatabaseSettings, conn: Connection) -> Store[EtfDailyBar]:
        return Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))

    def test_what_is_good_is_stored_and_what_is_bad_rejected(
        self, scratch_database: DatabaseSettings, conn: Connection
    ) -> None:
        write, watch = upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"), Counting()
        store = Store(scratch_database, EtfDailyBar, write, watch=watch)
        leap = {"close_price": 1e11, "previous_close": 1.0, "is_accepted": True, "trade_date": date(2026, 8, 20)}
        good = [value for ticker in ("DIA", "QQQ", "SPY", "IWM") for value in self.history(ticker)]

        store(self.received(*good, b"junk", bar(ticker="QQQ", **leap), bar(ticker="VTI", close_price=100.0)))

        assert self.stored(conn) == dict.fromkeys(("DIA", "QQQ", "SPY", "IWM"), 700)
        assert [(row["kafka_offset"], row["ticker"]) for row in rejected(conn)] == [
            (2800, None), (2801, "QQQ"), (2802, "VTI"),
        ]  # fmt: skip
        assert watch == Counting(2800, 3, 1)
        assert [position for kept in tables_with_versions() for position in unlike_links(conn, kept)] == []
        assert sum(len(broken_links(conn, chain)) for chain in chains(conn)) == 0

    def test_two_connections_store_it(self, etf_store: Store[EtfDailyBar], conn: Connection) -> None:
        etf_store(self.received(*(value for ticker in ("DIA", "QQQ", "SPY") for value in self.history(ticker))))

        [found] = fetch(conn, "SELECT COUNT(DISTINCT xmin::text) AS transactions FROM collected_daily_etf_ohlc")
        assert found["transactions"] == 2

    def test_all_of_a_ticker_is_in_one_part_in_its_order(
        self, etf_store: Store[EtfDailyBar], store_later: Callable[..., None], conn: Connection
    ) -> None:
        """Of several fetches the newest counts, and a later bar closes the rejection of an earlier one."""
        doubtful, others = bar(close_price=100.0, high_price=100.0), self.history("DIA", 1500)

        etf_store(self.received(doubtful, *others, bar(close_price=11.5), *self.history("QQQ", 1500)))

        assert (self.stored(conn)["SPY"], collected.quarantined(conn, "etf-daily-data", "SPY")) == (1, set())

    def test_where_one_part_is_lost_the_batch_can_be_repeated(
        self, etf_store: Store[EtfDailyBar], conn: Connection
    ) -> None:
        batch = self.received(*(value for ticker in ("DIA", "QQQ", "SPY") for value in self.history(ticker)))
        before = self.versions(conn)
        etf_store(batch[:2])
        with closing(etf_store._connections[0]):  # the first part's connection is gone, the second is not there yet
            pass

        with pytest.raises(DatabaseUnavailable):
            etf_store(batch)
        half_stored = sum(self.stored(conn).values())
        etf_store(batch)

        assert 700 <= half_stored < 2100
        assert self.stored(conn) == dict.fromkeys(("DIA", "QQQ", "SPY"), 700)
        assert self.versions(conn) - before == 2100


@dataclass
class Counting(Watch):
    rows: int = 0
    rejected: int = 0
    batches: int = 0

    def stored(self, rows: int, rejected: int) -> None:
        self.rows += rows
        self.rejected += rejected

    def batch_ended(self, seconds: float) -> None:
        self.batches += 1


def test_what_is_counted_is_what_the_tables_have(scratch_database: DatabaseSettings, conn: Connection) -> None:
    """Also where Postgres refuses a value, and after an outage, in which nothing is stored."""
    write, watch = upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"), Counting()
    away = Store(replace(scratch_database, port=1), EtfDailyBar, write, watch=watch)
    with pytest.raises(DatabaseUnavailable):
        away([Received(0, bar())])
    assert watch == Counting()

    store = Store(scratch_database, EtfDailyBar, write, watch=watch)
    leap = {"close_price": 1e11, "previous_close": 1.0, "is_accepted": True}
    values = bar(ticker="DIA"), bar(ticker="QQQ"), bar(ticker="IWM", **leap), b"{"
    store([Received(offset, value) for offset, value in enumerate(values)])
    store([Received(9, bar())])

    assert watch == Counting(rows=len(bars(conn)), rejected=len(rejected(conn)), batches=2) == Counting(3, 2, 2)


def test_a_snapshot_replaces_the_one_of_the_same_day(scratch_database: DatabaseSettings, conn: Connection) -> None:
    store = Store(scratch_database, HoldingsSnapshot, kafka_consumer_etf_holdings.write)

    def snapshot(*tickers: str) -> Received:
        holdings = [Holding(ticker, None, 0.1, rank) for rank, ticker in enumerate(tickers, 1)]
        message = HoldingsSnapshot(
            etf_ticker="QQQ",
            collected_date=date(2026, 8, 21),
            holdings=holdings,
            fetched_at=FETCHED,
            source="simulated",
        )
        return Received(0, to_json(message))

    store([snapshot("NVDA", "AAPL", "MSFT")])
    store([snapshot("NVDA", "AVGO")])

    rows = fetch(conn, "SELECT * FROM collected_etf_holdings ORDER BY holding_rank")
    assert [row["stock_ticker"] for row in rows] == ["NVDA", "AVGO"]
    assert rows[0]["shares"] is None


class TestLag:
    """What a consumer notes of itself beside what it stores."""

    @pytest.fixture
    def notes(self, scratch_database: DatabaseSettings, conn: Connection) -> Iterator[Store[EtfDailyBar]]:
        yield Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"), "test-")
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE logs_consumer_lag")

    def test_one_row_a_partition_has_its_last_measurement(self, notes: Store[EtfDailyBar], conn: Connection) -> None:
        notes.note_lag("etf-daily", [Lag("test-etf-daily-data", 0, 5, 9), Lag("test-etf-daily-data", 1, 7, 7)])
        first = consumer_lag.newest(conn)
        notes.note_lag("etf-daily", [Lag("test-etf-daily-data", 0, 9, 9)])
        again = consumer_lag.newest(conn)

        assert [(row.topic, row.partition_id, row.lag) for row in first] == [
            ("etf-daily-data", 0, 4),
            ("etf-daily-data", 1, 0),
        ]
        assert [row.lag for row in again] == [0, 0]
        assert again[0].measured_at > first[0].measured_at and again[1] == first[1]

    def test_a_database_that_is_away_costs_the_note_alone(
        self, notes: Store[EtfDailyBar], conn: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        lag = Lag("test-etf-daily-data", 0, 5, 9)
        notes.note_lag("etf-daily", [lag])
        [before] = consumer_lag.newest(conn)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        for _ in range(2):
            notes.note_lag("etf-daily", [lag])
        assert caplog.text.count("the lag is not stored") == 1, "and the next one is"
        [after] = consumer_lag.newest(conn)
        assert after.measured_at > before.measured_at

    def test_tables_of_an_earlier_version_cost_the_note_alone(
        self, notes: Store[EtfDailyBar], conn: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("ALTER TABLE logs_consumer_lag RENAME TO logs_consumer_lag_later")
        try:
            notes.note_lag("etf-daily", [Lag("test-etf-daily-data", 0, 5, 9)])
            notes([Received(0, bar())])
        finally:
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("ALTER TABLE logs_consumer_lag_later RENAME TO logs_consumer_lag")
        assert 'relation "logs_consumer_lag" does not exist' in caplog.text
        assert [ticker for ticker, *_ in bars(conn)] == ["SPY"]


class TestEarlierQuotes:
    """What the source quoted of a stock before, as the evidence has it."""

    def quoted(self, conn: Connection, count: int) -> str:
        """Keep a quote's answer, and return its digest."""
        listed = {"symbol": "KO", "impliedSharesOutstanding": count, "currency": "USD"}
        body = json.dumps({"quoteResponse": {"result": [listed]}}).encode()
        source_answers.keep(conn, digest := hashlib.sha256(body).hexdigest(), body)
        return digest

    def store(
        self, database: DatabaseSettings, digest: str | None, day: date, fetched_at: datetime, ticker: str = "KO"
    ) -> None:
        prices = {"open_price": None, "high_price": None, "low_price": None, "close_price": 70.0, "adj_close": 70.0}
        origin = {"fetched_at": fetched_at, "source": "simulated", "currency": "USD", "quote_digest": digest}
        fields: dict[str, Any] = {"volume": 5, "previous_close": None, **prices, **origin}
        message = StockDailyBar(ticker=ticker, trade_date=day, **fields)
        store = Store(database, StockDailyBar, upsert_by(tables.DAILY_STOCK_HISTORY, "answer_digest", "quote_digest"))
        store([Received(int(fetched_at.timestamp()), to_json(message), ticker.encode(), "stock-daily-data")])

    def test_a_row_that_was_sent_again_since_has_the_one_of_then(
        self, scratch_database: DatabaseSettings, conn: Connection
    ) -> None:
        early, late = self.quoted(conn, 1_000), self.quoted(conn, 2_000)
        weeks_ago = FETCHED - timedelta(days=20)
        self.store(scratch_database, early, date(2026, 7, 31), weeks_ago)
        self.store(scratch_database, None, date(2026, 7, 31), weeks_ago + timedelta(days=1))
        self.store(scratch_database, late, date(2026, 7, 31), FETCHED)
        self.store(scratch_database, late, date(2026, 8, 21), FETCHED)

        def count_before(days: int) -> int | None:
            found = quote_before(conn, "KO", FETCHED - timedelta(days=days))
            return found.implied_shares if found else None

        assert [count_before(days) for days in (0, 14, 20, 21)] == [2_000, 1_000, 1_000, None]
        assert quote_before(conn, "PEP", FETCHED) is None

    def test_one_that_cannot_be_read_is_none(self, scratch_database: DatabaseSettings, conn: Connection) -> None:
        body = b"no quote"
        source_answers.keep(conn, digest := hashlib.sha256(body).hexdigest(), body)
        self.store(scratch_database, digest, date(2026, 8, 21), FETCHED, "MCD")
        self.store(scratch_database, "0" * 64, date(2026, 8, 21), FETCHED, "PG")

        assert [quote_before(conn, ticker, FETCHED) for ticker in ("MCD", "PG")] == [None, None]
