"""What the lab reads from the stored tables, and the page it prints."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from psycopg2 import extras

from config.config import DatabaseSettings
from config.universe import universe
from database.db_helper import Connection, connect, transaction
from lab import command, reader, strategy
from lab.invented import invented_prices
from lab.prices import Prices
from lab.reader import ranks_of, read_prices
from lab.strategy import targets_of
from lab.variants import Variant
from sample_api import api_on
from utils.dates import sessions_between
from utils.errors import NotStored

SESSIONS = 1_000
DAYS = tuple(sessions_between(date(2000, 1, 3), date(2004, 12, 31))[:SESSIONS])
PRICES = replace(invented_prices(SESSIONS, 3), sessions=DAYS)
FUNDS = sorted(set(universe().etfs) - {universe().benchmark})
ASKED = datetime(2026, 8, 21, 22, tzinfo=UTC)
STEP = '{"code": "text", "params": {"text": "a step"}}'


@pytest.fixture(scope="module")
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    """Store an invented market under the universe's tickers, but for one close, and what one fund holds."""
    with closing(connect(scratch_database)) as conn:
        closes = np.column_stack([PRICES.benchmark, PRICES.closes])
        tickers = [universe().benchmark, *FUNDS]
        bars = [
            (ticker, day, float(closes[row, column]))
            for row, day in enumerate(PRICES.sessions)
            for column, ticker in enumerate(tickers)
            if (row, column) != (500, 2)
        ]
        held = [(FUNDS[0], f"STOCK{rank}", PRICES.sessions[600], rank) for rank in range(1, 8)]
        with transaction(conn), conn.cursor() as cursor:
            extras.execute_values(
                cursor,
                "INSERT INTO collected_daily_etf_ohlc (ticker, trade_date, open_price, high_price, low_price, "
                "close_price, adj_close, volume, fetched_at, source) VALUES %s",
                [(ticker, day, *[close] * 5, 1, ASKED, "simulated") for ticker, day, close in bars],
            )
            extras.execute_values(
                cursor,
                "INSERT INTO collected_etf_holdings (etf_ticker, stock_ticker, collected_date, holding_rank, "
                "holding_percent, fetched_at, source) VALUES %s",
                [(*row, 0.1, ASKED, "simulated") for row in held],
            )
        yield conn


def test_reads_the_stored_closes(conn: Connection) -> None:
    prices = read_prices(conn, universe())
    assert prices.sessions == PRICES.sessions
    assert prices.tickers == tuple(FUNDS)
    assert prices.benchmark == pytest.approx(PRICES.benchmark)
    assert np.argwhere(np.isnan(prices.closes)).tolist() == [[500, 1]]
    assert prices.stocks is not None
    assert prices.stocks.tickers == tuple(f"STOCK{rank}" for rank in range(1, universe().top_holdings + 1))
    assert (prices.stocks.ranks[:, 0] == np.arange(1, universe().top_holdings + 1)).all()
    # No holdings of the other funds are stored, so that there are none to know.
    assert prices.stocks.known.tolist() == [False] * 600 + [True] * 400


def test_reads_up_to_a_session(conn: Connection) -> None:
    prices = read_prices(conn, universe(), PRICES.sessions[99])
    assert prices.sessions == PRICES.sessions[:100]
    assert prices.stocks is None


@contextmanager
def break_of(conn: Connection, ticker: str, day: date) -> Iterator[None]:
    """Withhold a step of a ticker's prices on a day."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) "
            "VALUES ('etf', %s, %s, TRUE, %s, %s)",
            (ticker, day, STEP, ASKED),
        )
        cursor.execute(
            "INSERT INTO logs_consumer_error "
            "(topic, ticker, trade_date, error_msg, reason, partition_id, kafka_offset) "
            "VALUES ('etf-daily-data', %s, %s, 'a step', %s, 0, 1)",
            (ticker, day, STEP),
        )
    try:
        yield
    finally:
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE logs_price_break, logs_consumer_error")


def test_a_break_leaves_the_prices_on_both_sides(conn: Connection) -> None:
    with break_of(conn, FUNDS[3], PRICES.sessions[200]):
        prices = read_prices(conn, universe())
    assert not np.isnan(prices.closes[:, 3]).any()
    assert prices.breaks is not None
    assert np.argwhere(prices.breaks).tolist() == [[200, 3]]


def test_a_break_of_the_benchmark_ends_what_is_before_it(conn: Connection) -> None:
    with break_of(conn, universe().benchmark, PRICES.sessions[200]):
        assert read_prices(conn, universe()).sessions == PRICES.sessions[200:]


def test_nothing_stored_is_said(conn: Connection) -> None:
    with pytest.raises(NotStored, match=r"no close of SPY is stored up to 1999-01-01: collect prices first"):
        read_prices(conn, universe(), date(1999, 1, 1))


def test_the_command_prints_the_page(
    conn: Connection, scratch_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("DB_NAME", scratch_database.name)
    monkeypatch.delenv("DB_SPARK_PASSWORD", raising=False)  # No login has rights in a database of the tests.
    assert command.main(["--resamples", "200", "--without-spark"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("Verdict: no edge shown: over 743 sessions none of 24 variants beats SPY")
    assert "can be judged when 286 more sessions are stored\n" in page
    assert "\n*  20 sessions, all, seed weights, daily  " in page
    with api_on(scratch_database) as api:
        answer = api.get("/lab")
        assert answer.status_code == 200
        shown = answer.json()
        assert page.startswith(f"Verdict: {shown['verdict']['sentence']}\n")
        assert (shown["source"], shown["judged"], shown["last"]) == ("simulated", 24, str(PRICES.sessions[-1]))
        assert shown["variants"][0]["is_seed"]


def test_a_verdict_that_knows_the_future_is_not_given(
    conn: Connection, scratch_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It decides on the closes at which it buys."""

    def cheat(variant: Variant, prices: Prices) -> Any:
        assets, targets, hindsight = targets_of(variant, prices)
        return assets, np.concatenate([targets[1:], targets[-1:]]), hindsight

    monkeypatch.setattr(strategy, "targets_of", cheat)
    monkeypatch.setattr(command, "_publish", lambda *_: pytest.fail("it is stored"))
    monkeypatch.setenv("DB_NAME", scratch_database.name)
    assert command.main(["--resamples", "200", "--without-spark"]) == 1
    said = capsys.readouterr()
    assert not said.out
    assert "20 sessions, all, seed weights, daily knows the future: without the prices from 20" in said.err


def test_a_reader_that_knows_the_future_is_found(
    conn: Connection, scratch_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A break behind the middle is no such knowledge. That the holdings of session 600 were known in 0 would be one."""
    monkeypatch.setattr(command, "_publish", lambda *_: None)
    monkeypatch.setenv("DB_NAME", scratch_database.name)
    with break_of(conn, FUNDS[3], PRICES.sessions[700]):
        assert command.main(["--resamples", "200", "--without-spark", "--brief"]) == 0
    assert capsys.readouterr().out.startswith("Verdict: ")
    monkeypatch.setattr(reader, "ranks_of", lambda *given: (ranks_of(*given)[0], np.ones(len(given[1]), np.bool_)))
    assert command.main(["--resamples", "200", "--without-spark", "--brief"]) == 1
    assert "stocks knows the future: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--resamples", "5"], "--resamples 5: give at least 100"), (["--variants", "none.toml"], "none.toml")],
)
def test_wrong_use_is_one_line(words: list[str], message: str, capsys: Any) -> None:
    assert command.main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
