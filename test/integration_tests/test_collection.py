"""Producers with the real client against the market server and a real Postgres. Only the broker is a stand-in."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector import (
    backfill,
    kafka_producer_etf_daily,
    kafka_producer_etf_holdings,
    kafka_producer_stock_daily,
    kafka_producer_trending_etf_holdings,
    plan,
    stock_bars,
    stock_sectors,
)
from collector.etf_bars import collect_etfs
from collector.gaps import repoll
from collector.receipt import is_stored
from collector.yahoo import Yahoo
from collector.yahoo_answers.model import FundHolding, FundHoldings
from config.config import Settings, Topic
from config.universe import Group, universe
from database import tables
from database.db_helper import Connection, connect, fetch, replace_partition, transaction
from database.queries import collected, ledger, missing_holdings, requests
from log_words import missing_of, told
from reason_words import text, words_in
from utils import dates
from utils.dates import session_before, sessions_between
from utils.errors import (
    BarMissing,
    DatabaseUnavailable,
    InvalidInput,
    NotPublished,
    NotStored,
    RateLimited,
    SourceUnavailable,
    UnknownExchange,
    UnusableAnswer,
)
from utils.reasons import as_json, of_ticker, reason

UNTIL = date(2026, 8, 21)
BENCHMARKS = ("SPY", "QQQ", "IWM", "EWY", "DIA", "SCHD")


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


def sessions(conn: Connection, ticker: str) -> list[date]:
    rows = fetch(conn, "SELECT trade_date FROM collected_daily_etf_ohlc WHERE ticker = %(t)s ORDER BY 1", {"t": ticker})
    return [row["trade_date"] for row in rows]


def trends(conn: Connection, *etfs: str) -> None:
    """Publish these ETFs as trending, as stage 3 would."""
    flags = {**dict.fromkeys(("is_trending_5d", "is_trending_10d", "is_trending"), True), "is_degraded": False}
    row = {**dict.fromkeys(tables.TRENDING_ETFS.columns), **flags, "as_of_date": UNTIL, "source": "simulated"}
    publication = ("trending", UNTIL, 0, "published", None, None, len(etfs), 0, None, "simulated", None)
    with transaction(conn):
        rows = [tuple({**row, "etf_ticker": etf}.values()) for etf in etfs]
        replace_partition(conn, tables.TRENDING_ETFS, {"as_of_date": UNTIL}, rows)
        replace_partition(conn, tables.PUBLICATION, {"job": "trending"}, [publication])


def test_a_first_run_fills_the_history_and_a_second_asks_nothing(settings: Settings, conn: Connection) -> None:
    first = kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
    again = kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)

    assert first.requests == 6 + 2, "one a ticker, and cookie and crumb"
    assert (again.requests, again.already_stored) == (0, list(BENCHMARKS))
    assert sessions(conn, "SPY") == sessions_between(session_before(UNTIL, settings.collector.history_sessions), UNTIL)
    [label] = fetch(conn, "SELECT DISTINCT source FROM collected_daily_etf_ohlc")
    assert label["source"] == "simulated"


def test_stage_2_does_not_fetch_what_stage_1_stored(settings: Settings, conn: Connection) -> None:
    kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)

    assert kafka_producer_etf_daily.run(settings, "sector", UNTIL).already_stored == ["QQQ"]


def test_a_missing_bar_turns_the_stage_red_and_heals_later(
    settings: Settings, conn: Connection, market: httpx.Client, fault: Callable[..., None]
) -> None:
    fault(kind="missing_bar", ticker="IWM", session=str(UNTIL))

    with pytest.raises(BarMissing, match=r"no bar of 2026-08-21 for IWM"):
        kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
    assert UNTIL in sessions(conn, "DIA"), "the others are stored"

    market.delete("/control/faults")
    healed = kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
    assert UNTIL in sessions(conn, "IWM")
    assert len(healed.already_stored) == 5


def test_a_gap_in_the_window_heals_on_the_next_session(
    settings: Settings, conn: Connection, market: httpx.Client, fault: Callable[..., None]
) -> None:
    yesterday, gap = session_before(UNTIL, 1), session_before(UNTIL, 3)
    market.put("/control/clock", json={"at": str(yesterday)}).raise_for_status()
    fault(kind="nan_bar", ticker="SPY", session=str(gap))
    kafka_producer_etf_daily.run(settings, "benchmark", yesterday)
    assert gap not in sessions(conn, "SPY"), "NaN is never stored"

    market.delete("/control/faults")
    market.put("/control/clock", json={"at": str(UNTIL)})
    receipt = kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)

    assert gap in sessions(conn, "SPY")
    assert receipt.sent[Topic.ETF_DAILY] < 2 * len(BENCHMARKS) + 1 + settings.collector.history_sessions


def test_the_running_session_is_not_collected(settings: Settings, market: httpx.Client, conn: Connection) -> None:
    market.put("/control/clock", json={"at": "2026-08-21T17:00:00Z"}).raise_for_status()

    with pytest.raises(BarMissing):
        kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
    assert sessions(conn, "SPY")[-1] == session_before(UNTIL, 1)


def test_a_database_that_goes_while_a_request_is_out_is_named(
    settings: Settings, conn: Connection, fault: Callable[..., None]
) -> None:
    """The source answered well. What the request was for goes on in the next run."""
    fault(kind="delay", seconds=2, endpoint="chart", count=1)
    ended: list[int] = []

    def end_who_waits() -> None:
        """End the sessions that hold the gate and have not asked anything for a while: their request is out."""
        until = time.monotonic() + 20
        while not ended and time.monotonic() < until:
            time.sleep(0.1)
            rows = fetch(
                conn,
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks USING (pid)"
                " WHERE locktype = 'advisory' AND datname = current_database() AND state = 'idle'"
                " AND clock_timestamp() - state_change > INTERVAL '0.5 s'",
            )
            ended.extend(row["pid"] for row in rows)

    with ThreadPoolExecutor(1) as thread:
        ending = thread.submit(end_who_waits)
        with pytest.raises(DatabaseUnavailable, match=r"^PostgreSQL went away: (server closed|terminating)"):
            kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
        ending.result()

    assert len(ended) == 1
    assert kafka_producer_etf_daily.run(settings, "benchmark", UNTIL).sent
    assert UNTIL in sessions(conn, "SPY")


def test_a_rate_limit_costs_one_request_keeps_what_was_collected_and_goes_on(
    settings: Settings, conn: Connection, fault: Callable[..., None], market: httpx.Client
) -> None:
    fault(kind="rate_limit", endpoint="chart", ticker="EWY", count=1)

    with pytest.raises(RateLimited, match="429"):
        kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
    refused = fetch(conn, "SELECT symbol FROM logs_yahoo_request WHERE http_status = 429")
    assert [row["symbol"] for row in refused] == ["EWY"]
    assert UNTIL in sessions(conn, "IWM")

    assert kafka_producer_etf_daily.run(settings, "benchmark", UNTIL).already_stored == ["SPY", "QQQ", "IWM"]


def test_the_gate_stays_shut_for_everyone_after_a_429(settings: Settings, fault: Callable[..., None]) -> None:
    patient = replace(settings, yahoo=replace(settings.yahoo, cooldown_seconds=900.0))
    fault(kind="rate_limit", endpoint="chart", count=1)
    with pytest.raises(RateLimited):
        kafka_producer_etf_daily.run(patient, "benchmark", UNTIL)

    with pytest.raises(RateLimited, match="no request is sent before"):
        kafka_producer_etf_daily.run(patient, "sector", UNTIL)


@pytest.mark.parametrize(
    "passing", [{"kind": "server_error", "count": 2}, {"kind": "unauthorized", "count": 1, "endpoint": "chart"}]
)
def test_passing_faults_are_outlasted(settings: Settings, fault: Callable[..., None], passing: dict[str, Any]) -> None:
    fault(**passing)

    assert kafka_producer_etf_daily.run(settings, "benchmark", UNTIL).missing == {}


def test_a_server_that_stays_broken_is_reported(settings: Settings, fault: Callable[..., None]) -> None:
    fault(kind="server_error", endpoint="chart")

    with pytest.raises(SourceUnavailable, match=r"HTTP 5xx for every ticker asked .*: stopped after 10 requests"):
        kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)


def test_stage_4_needs_stage_3(settings: Settings) -> None:
    with pytest.raises(NotPublished, match="daily_trending_etf_analysis"):
        kafka_producer_trending_etf_holdings.run(settings, UNTIL)


def test_nothing_trends_nothing_is_asked(settings: Settings, conn: Connection) -> None:
    trends(conn)

    receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

    assert (receipt.requests, receipt.sent, receipt.note) == (0, {}, "no ETF trends, nothing to collect")


def test_stage_4_collects_the_top_five_of_each_once(
    settings: Settings, conn: Connection, fault: Callable[..., None]
) -> None:
    fault(kind="shared_holding", ticker="AAPL", etfs=["QQQ", "XLV"])
    trends(conn, "QQQ", "XLV")

    receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

    asked = fetch(conn, "SELECT symbol FROM logs_yahoo_request WHERE endpoint = 'chart'")
    assert len(asked) == 9, "five and five, AAPL once"
    assert receipt.requests == 2 + 2 + 1 + 9 + 9, (
        "cookie and crumb, holdings, quotes, bars, and the day's rest for sectors"
    )
    [count] = fetch(conn, "SELECT COUNT(*) AS n FROM collected_etf_holdings WHERE collected_date = %(d)s", {"d": UNTIL})
    assert count["n"] >= 20
    assert kafka_producer_trending_etf_holdings.run(settings, UNTIL).requests == 0


def holds(conn: Connection, decided_on: date, period: int, *tickers: str, status: str = "published") -> None:
    """Publish a portfolio of these stocks, as stage 5 (of the month with period 0: the monthly job) would."""
    share = 1 / max(len(tickers), 1)
    job = "allocation" if period else "rebalance"
    cash = 0.0 if tickers else 1.0
    publication = (job, decided_on, period, status, None, None, len(tickers), cash, None, "simulated", None)
    table = tables.PORTFOLIO_ALLOCATION if period else tables.MONTHLY_PORTFOLIO
    filled = dict.fromkeys(table.columns) | {
        **{name: False for name in table.columns if name.startswith("is_")},
        **{"as_of_date": decided_on, "rebalance_date": decided_on, "valid_until": decided_on, "period_days": period},
        **{"portfolio_weight": share, "final_weight": share, "period_return": 0.1, "score": 1.0, "market_cap": 1},
        **{
            "market_cap_source": "quoted",
            "source_etfs": ["QQQ"],
            "source_periods": [5],
            "allocation_reason": as_json([text("drawn")]),
        },
        **{"holdings_as_of": decided_on, "start_session": decided_on, "end_session": decided_on},
        "source": "simulated",
    }
    rows = [
        tuple((filled | {"ticker": ticker, "position_rank": rank, "final_rank": rank})[name] for name in table.columns)
        for rank, ticker in enumerate(tickers, 1)
    ]
    with transaction(conn):
        whose = {"job": job, "as_of_date": decided_on, "period_days": period}
        replace_partition(conn, tables.PUBLICATION, whose, [publication])
        key = {"as_of_date": decided_on, "period_days": period} if period else {"rebalance_date": decided_on}
        replace_partition(conn, table, key, rows)


def charts(conn: Connection) -> list[str]:
    """Return the requests, in order."""
    rows = fetch(conn, "SELECT symbol FROM logs_yahoo_request WHERE endpoint = 'chart' ORDER BY id")
    return [row["symbol"] for row in rows]


def bars_of(conn: Connection, ticker: str) -> list[date]:
    rows = fetch(
        conn, "SELECT trade_date FROM collected_daily_stock_history WHERE ticker = %(t)s ORDER BY 1", {"t": ticker}
    )
    return [row["trade_date"] for row in rows]


class TestHeld:
    """A followed portfolio's stock is collected until it is sold, even when its ETF no longer trends."""

    yesterday, before = session_before(UNTIL, 1), session_before(UNTIL, 2)

    def test_also_when_nothing_trends(self, settings: Settings, conn: Connection) -> None:
        trends(conn)
        holds(conn, self.before, 5, "KO", "005930.KS")
        holds(conn, self.yesterday, 5, "JPM")
        holds(conn, self.yesterday, 10, "KO")
        holds(conn, date(2026, 7, 26), 0, "XOM")  # to be held to the 20th session after: this one

        receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert sorted(charts(conn)) == ["005930.KS", "JPM", "KO", "KRW=X", "XOM"]
        assert receipt.note == "no ETF trends, what is held is collected"
        assert is_stored(settings, receipt)
        assert all(bars_of(conn, ticker)[-1] == UNTIL for ticker in ("005930.KS", "JPM", "KO", "XOM"))
        assert kafka_producer_trending_etf_holdings.run(settings, UNTIL).requests == 0

    def test_what_is_sold_or_not_bought_yet_is_not_asked_for(self, settings: Settings, conn: Connection) -> None:
        trends(conn)
        holds(conn, self.before, 5, "KO")
        holds(conn, self.yesterday, 5, status="empty")
        holds(conn, UNTIL, 5, "JPM")
        holds(conn, session_before(UNTIL, 3), 5, "XOM")
        holds(conn, date(2026, 6, 28), 0, "PG")

        kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert charts(conn) == ["KO"], "sold at this close; XOM was sold yesterday, PG in July, JPM comes on Monday"

    def test_a_portfolio_that_could_not_be_computed_changes_nothing(self, settings: Settings, conn: Connection) -> None:
        trends(conn)
        holds(conn, session_before(UNTIL, 9), 5, "KO")
        holds(conn, self.before, 5, status="not_computable")

        kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert charts(conn) == ["KO"]

    def test_after_the_chosen_ones_and_none_twice(self, settings: Settings, conn: Connection) -> None:
        trends(conn, "XLF")
        holds(conn, self.yesterday, 5, "AAPL", "JPM", "SPY")

        receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        asked = charts(conn)
        assert len(asked) == len(set(asked)) == 6, "five of XLF with JPM among them, and AAPL"
        assert asked[-1] == "AAPL", "SPY is an ETF of the universe"
        assert missing_of(receipt) == {}

    def test_one_that_is_gone_is_noted_and_the_stage_goes_on(
        self, settings: Settings, conn: Connection, fault: Callable[..., None]
    ) -> None:
        fault(kind="unknown_ticker", ticker="KO")
        trends(conn)
        holds(conn, self.yesterday, 5, "KO", "JPM")

        receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert list(receipt.missing) == ["KO"]
        [gap] = ledger.gaps(conn)
        assert (gap["ticker"], gap["trade_date"], gap["state"]) == ("KO", UNTIL, "missing")

    def test_a_late_one_is_in_the_ledger_and_comes_with_a_repoll(
        self, settings: Settings, conn: Connection, fault: Callable[..., None], market: httpx.Client
    ) -> None:
        fault(kind="missing_bar", ticker="KO", session=str(UNTIL))
        trends(conn)
        holds(conn, self.yesterday, 5, "KO")

        receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL, accept_late=True)

        assert receipt.late == ["KO"]
        assert [(gap["ticker"], gap["state"]) for gap in ledger.gaps(conn)] == [("KO", "late")]
        market.delete("/control/faults")
        repoll(settings, UNTIL, UNTIL)
        assert bars_of(conn, "KO")[-1] == UNTIL

    def test_a_range_takes_what_was_held_in_it(self, settings: Settings, conn: Connection) -> None:
        kafka_producer_etf_holdings.run(settings, "sector", UNTIL)
        holds(conn, session_before(UNTIL, 8), 5, "GH")
        holds(conn, session_before(UNTIL, 6), 5, "ONB")
        holds(conn, session_before(UNTIL, 1), 10, "005930.KS")

        found = kafka_producer_stock_daily.select_tickers(conn, session_before(UNTIL, 1), session_before(UNTIL, 4))

        assert "ONB" in found
        assert not {"GH", "005930.KS"} & set(found)


class TestOneTickersTrouble:
    """Only that ticker is missing. The others are collected."""

    @pytest.fixture
    def unusable(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Make one request of the client about a ticker end in an unusable answer."""

        def unusable(question: str, *tickers: str) -> None:
            ask = getattr(Yahoo, question)

            def answer(client: Yahoo, ticker: str, *others: Any) -> Any:
                if ticker in tickers:
                    raise UnusableAnswer(of_ticker(ticker, [text("no currency")]))
                return ask(client, ticker, *others)

            monkeypatch.setattr(Yahoo, question, answer)

        return unusable

    def test_an_etfs(self, settings: Settings, conn: Connection, unusable: Callable[..., None]) -> None:
        unusable("daily_bars", "IWM")

        receipt = kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)

        assert missing_of(receipt) == {"IWM": "no currency"}
        assert receipt.note == "goes on without IWM"
        assert [(gap["ticker"], gap["state"], words_in(gap["reason"])) for gap in ledger.gaps(conn)] == [
            ("IWM", "missing", "no currency")
        ]
        assert sessions(conn, "SCHD")[-1] == UNTIL, "which is asked for after it"

    def test_the_benchmarks_is_everybodys(self, settings: Settings, unusable: Callable[..., None]) -> None:
        unusable("daily_bars", "SPY")

        with pytest.raises(BarMissing, match=r"SPY: no currency\. Every ETF is compared with it"):
            kafka_producer_etf_daily.run(settings, "benchmark", UNTIL, accept_late=True)

    def test_a_stocks_and_a_rates(self, settings: Settings, conn: Connection, unusable: Callable[..., None]) -> None:
        unusable("daily_bars", "AAPL", "KRW=X")
        unusable("sector", "MSFT")

        with pytest.raises(BarMissing, match=r"^AAPL: no currency\. What the others have is sent\.$"):
            kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL", "MSFT", "005930.KS"])
        gaps = {(gap["ticker"], gap["kind"]) for gap in ledger.gaps(conn) if gap["state"] != "closed"}
        assert gaps == {("AAPL", "stock"), ("KRW=X", "rate")}
        assert bars_of(conn, "005930.KS")[-1] == bars_of(conn, "MSFT")[-1] == UNTIL

    def test_a_fund_without_holdings_goes_on_with_its_last_ones(
        self, settings: Settings, conn: Connection, unusable: Callable[..., None], market: httpx.Client
    ) -> None:
        earlier = session_before(UNTIL, 3)
        market.put("/control/clock", json={"at": str(earlier)}).raise_for_status()
        kafka_producer_etf_holdings.run(settings, "sector", earlier)
        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
        unusable("top_holdings", "XLF", "IWM")
        trends(conn, "XLF", "IWM", "XLV")

        receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert missing_of(receipt) == {
            "XLF holdings": f"XLF: no currency; those of {earlier} are used",
            "IWM holdings": "IWM: no currency; none are stored either",
        }
        assert receipt.note == "goes on without IWM holdings, XLF holdings"
        held = {row["stock_ticker"] for row in collected.snapshot(conn, "XLF", earlier)[:5]}
        assert held < set(charts(conn))
        stand_ins = missing_holdings.stand_ins(conn, [UNTIL])
        assert {key: str(why) for key, why in stand_ins.items()} == {
            (UNTIL, "XLF"): f"holdings of XLF are of {earlier} (XLF: no currency)"
        }

        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()

    def test_a_list_that_comes_after_all_ends_it(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch, market: httpx.Client
    ) -> None:
        market.put("/control/clock", json={"at": str(session_before(UNTIL, 1))}).raise_for_status()
        kafka_producer_etf_holdings.run(settings, "sector", session_before(UNTIL, 1))
        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
        missing_holdings.record(conn, "XLF", UNTIL, [text("no answer")], None)
        assert list(missing_holdings.stand_ins(conn, [UNTIL])) == [(UNTIL, "XLF")]

        kafka_producer_etf_holdings.run(settings, "sector", UNTIL)

        assert missing_holdings.stand_ins(conn, [UNTIL]) == {}

    def test_a_list_cut_to_a_few_lines_is_taken_and_told(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch, market: httpx.Client
    ) -> None:
        market.put("/control/clock", json={"at": str(session_before(UNTIL, 1))}).raise_for_status()
        kafka_producer_etf_holdings.run(settings, "sector", session_before(UNTIL, 1))
        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
        ask = Yahoo.top_holdings

        def answer(yahoo: Yahoo, etf: str) -> FundHoldings:
            said = ask(yahoo, etf)
            return replace(said, holdings=said.holdings[:2]) if etf == "XLF" else said

        monkeypatch.setattr(Yahoo, "top_holdings", answer)
        receipt = kafka_producer_etf_holdings.run(settings, "sector", UNTIL)

        why = f"XLF: its list of holdings of {UNTIL} has 2, where those before had up to 10"
        assert why in receipt.note.split("; ") and not receipt.missing
        assert is_stored(settings, receipt)
        assert len(collected.snapshot(conn, "XLF", UNTIL)) == 2
        said = missing_holdings.said_of_lists(conn, [UNTIL])
        assert {key: [str(each) for each in reasons] for key, reasons in said.items()} == {(UNTIL, "XLF"): [why]}

    def test_an_empty_list_and_one_that_breaks_the_contract(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lists = {
            "XLF": [],
            "XLV": [FundHolding("LLY" * 20, "Eli Lilly", 0.1)],
            "XLY": [FundHolding("AMZN", "Amazon", 0.2)],
        }
        ask = Yahoo.top_holdings

        def answer(client: Yahoo, etf: str) -> FundHoldings:
            said = ask(client, etf)
            return replace(said, holdings=lists.get(etf, said.holdings), notes=[text("BOND is no stock: left out")])

        monkeypatch.setattr(Yahoo, "top_holdings", answer)
        receipt = kafka_producer_etf_holdings.run(settings, "sector", UNTIL)

        assert set(receipt.missing) == {"XLF holdings", "XLV holdings"}
        assert "not a HoldingsSnapshot" in told(receipt.missing["XLV holdings"])
        assert "XLY: BOND is no stock: left out" in receipt.note
        [row] = fetch(conn, "SELECT stock_name FROM collected_etf_holdings WHERE etf_ticker = 'XLY'")
        assert row["stock_name"] == "Amazon"

    def test_an_unknown_exchange_is_not_asked_for(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def exchange_of(ticker: str) -> str:
            if ticker == "GAZP.ME":
                raise UnknownExchange(of_ticker("GAZP.ME", [text("no calendar is known for .ME")]))
            return dates.exchange_of(ticker)

        monkeypatch.setattr(plan, "exchange_of", exchange_of)
        trends(conn)
        holds(conn, session_before(UNTIL, 1), 5, "GAZP.ME", "KO")

        receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert missing_of(receipt) == {"GAZP.ME": "no calendar is known for .ME"}
        assert charts(conn) == ["KO"]
        assert [(gap["ticker"], gap["state"]) for gap in ledger.gaps(conn)] == [("GAZP.ME", "missing")]


class TestRates:
    def test_one_figure_a_day_and_nothing_else(self, settings: Settings, conn: Connection) -> None:
        kafka_producer_stock_daily.run(settings, UNTIL, ["005930.KS"])

        rows = fetch(conn, "SELECT * FROM collected_daily_stock_history WHERE ticker = 'KRW=X'")
        assert len(rows) > 200
        for row in rows:
            assert (row["open_price"], row["high_price"], row["low_price"], row["volume"]) == (None, None, None, 0)
            assert (row["adj_close"], row["currency"], row["quote_type"]) == (row["close_price"], "KRW", "CURRENCY")

    def test_the_same_figures_are_no_news(self, settings: Settings, conn: Connection) -> None:
        kafka_producer_stock_daily.run(settings, session_before(UNTIL, 1), ["005930.KS"])

        receipt = kafka_producer_stock_daily.run(settings, UNTIL, ["005930.KS"])

        rates = fetch(conn, "SELECT change FROM logs_restatement WHERE kind = 'rate'")
        assert rates == []
        assert receipt.sent[Topic.STOCK_DAILY] == 2, "the session's bar and its rate: those of before are as they were"

    def test_a_session_without_one_is_noted_and_waits_for_nobody(
        self, settings: Settings, conn: Connection, fault: Callable[..., None]
    ) -> None:
        fault(kind="missing_bar", ticker="KRW=X", session=str(UNTIL))

        receipt = kafka_producer_stock_daily.run(settings, UNTIL, ["005930.KS"])

        assert missing_of(receipt) == {"KRW=X": f"no bar of {UNTIL} at the source yet"}
        assert receipt.late == []
        gaps = [(gap["ticker"], gap["kind"], gap["state"]) for gap in ledger.gaps(conn, UNTIL, UNTIL)]
        assert gaps == [("KRW=X", "rate", "late")]

    def test_of_a_foreign_etf(self, settings: Settings, conn: Connection) -> None:
        """A Korean stock stands in for a fund: its sessions are Seoul's, and its rate comes with stages 1 and 2."""
        monday = date(2026, 8, 17)  # no session in Seoul

        receipt = collect_etfs(settings, ("SPY", "005930.KS"), monday)

        assert receipt.expected["collected_daily_etf_ohlc"] == [("SPY", monday), ("005930.KS", date(2026, 8, 14))]
        assert is_stored(settings, receipt)
        [row] = fetch(conn, "SELECT DISTINCT currency FROM collected_daily_etf_ohlc WHERE ticker = '005930.KS'")
        assert row["currency"] == "KRW"
        assert bars_of(conn, "KRW=X")
        assert collect_etfs(settings, ("SPY", "005930.KS"), monday).requests == 0


class TestBudget:
    """A day that has not enough requests for all."""

    def test_the_next_day_goes_on_where_the_budget_ended(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few = replace(settings, yahoo=replace(settings.yahoo, requests_per_day=3))

        first = kafka_producer_etf_daily.run(few, "benchmark", UNTIL)

        assert [etf for etf in BENCHMARKS if sessions(conn, etf)] == ["SPY", "QQQ", "IWM"]
        late = {gap["ticker"]: (gap["state"], words_in(gap["reason"])) for gap in ledger.gaps(conn)}
        spent = (
            "the day's 3 requests to Yahoo are spent, or kept for ETFs (YAHOO_REQUESTS_PER_DAY): it has its turn on "
            "the next day"
        )
        assert late == dict.fromkeys(("EWY", "DIA", "SCHD"), ("late", spent))
        assert first.note == f"3 tickers wait for the next day, the first of them EWY, DIA, SCHD: {spent}"

        monkeypatch.setattr(requests, "count_of_budget_day", lambda *_: 0)
        second = kafka_producer_etf_daily.run(few, "benchmark", UNTIL)

        assert all(sessions(conn, etf) for etf in BENCHMARKS)
        assert second.already_stored == ["SPY", "QQQ", "IWM"]
        assert ledger.gaps(conn) == []

    def test_those_longest_not_collected_come_first_and_the_benchmark_always(
        self, settings: Settings, conn: Connection, market: httpx.Client
    ) -> None:
        market.put("/control/clock", json={"at": str(session_before(UNTIL, 1))}).raise_for_status()
        kafka_producer_etf_daily.run(settings, "benchmark", session_before(UNTIL, 1))
        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
        one = replace(settings, yahoo=replace(settings.yahoo, requests_per_day=made(conn) + 2))

        collect_etfs(one, ("SPY", "QQQ", "XLF", "XLV"), UNTIL)

        asked_for = [etf for etf in ("SPY", "QQQ", "XLF", "XLV") if UNTIL in sessions(conn, etf)]
        assert asked_for == ["SPY", "XLF", "XLV"]

    def test_a_list_of_holdings_waits_as_well(self, settings: Settings, conn: Connection) -> None:
        kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
        spent = replace(settings, yahoo=replace(settings.yahoo, requests_per_day=made(conn)))

        receipt = kafka_producer_etf_holdings.run(spent, "benchmark", UNTIL)

        assert receipt.requests == 0
        assert set(receipt.missing) == {f"{etf} holdings" for etf in BENCHMARKS}

    def test_a_repoll_keeps_to_it(self, settings: Settings, conn: Connection) -> None:
        few = replace(settings, yahoo=replace(settings.yahoo, requests_per_day=3))
        kafka_producer_etf_daily.run(few, "benchmark", UNTIL)

        assert repoll(few, UNTIL, UNTIL).requests == 0
        repoll(settings, UNTIL, UNTIL)
        assert ledger.gaps(conn) == []


def short_of_room(settings: Settings) -> Settings:
    """Return settings that want more room than the disk has."""
    least = shutil.disk_usage("/").free // 2**20 + 10**6
    return replace(settings, collector=replace(settings.collector, disk_free_mb=least, disk_folder=Path("/")))


class TestShortDisk:
    """A disk that is about to be full: nothing is asked for, and no run ends as if it had done something."""

    REFUSED = r"^the disk of / has [\d,]+ MB free, and with less than [\d,]+ MB nothing is collected"

    @contextmanager
    def is_refused(self, conn: Connection) -> Iterator[None]:
        before = made(conn)
        with pytest.raises(BarMissing, match=self.REFUSED):
            yield
        assert made(conn) == before

    def waiting(self, conn: Connection) -> dict[str, tuple[str, str]]:
        """Return the state and the reason's code of each bar of the session that is not stored."""
        gaps = [gap for gap in ledger.gaps(conn, UNTIL, UNTIL) if gap["state"] != "closed"]
        return {gap["ticker"]: (gap["state"], gap["reason"][0]["code"]) for gap in gaps}

    @pytest.mark.parametrize("accept_late", [False, True], ids=["a try", "the last try"])
    @pytest.mark.parametrize("group", ["benchmark", "sector"])
    def test_a_stage_of_etfs_fails_and_the_next_try_goes_on(
        self, settings: Settings, conn: Connection, group: Group, accept_late: bool
    ) -> None:
        with self.is_refused(conn):
            kafka_producer_etf_daily.run(short_of_room(settings), group, UNTIL, accept_late=accept_late)
        etfs = universe().group(group)
        assert self.waiting(conn) == dict.fromkeys(etfs, ("late", "disk_short"))
        kafka_producer_etf_daily.run(settings, group, UNTIL)
        assert self.waiting(conn) == {}
        assert all(sessions(conn, etf) for etf in etfs)

    def test_stage_4_fails_for_its_stocks(self, settings: Settings, conn: Connection) -> None:
        trends(conn, "XLF")
        kafka_producer_etf_holdings.run(settings, "all", UNTIL)
        with self.is_refused(conn):
            kafka_producer_trending_etf_holdings.run(short_of_room(settings), UNTIL, accept_late=True)
        stocks = [row["stock_ticker"] for row in collected.snapshot(conn, "XLF", UNTIL)[:5]]
        assert self.waiting(conn) == dict.fromkeys(stocks, ("late", "disk_short"))

    def test_stage_4_fails_for_its_lists(self, settings: Settings, conn: Connection) -> None:
        trends(conn, "XLF")
        with self.is_refused(conn):
            kafka_producer_trending_etf_holdings.run(short_of_room(settings), UNTIL)

    def test_lists_stocks_and_a_repoll_fail_as_well(self, settings: Settings, conn: Connection) -> None:
        short = short_of_room(settings)
        with self.is_refused(conn):
            kafka_producer_etf_holdings.run(short, "benchmark", UNTIL)
        with self.is_refused(conn):
            kafka_producer_stock_daily.run(short, UNTIL, ["AAPL"])
        with self.is_refused(conn):
            repoll(short, UNTIL, UNTIL)
        repoll(settings, UNTIL, UNTIL)
        assert self.waiting(conn) == {}

    def test_no_exchange_rate_is_asked_for_either(self, settings: Settings, conn: Connection) -> None:
        collect_etfs(settings, ("SPY", "005930.KS"), session_before(UNTIL, 1))
        with self.is_refused(conn):
            collect_etfs(short_of_room(settings), ("SPY", "005930.KS"), UNTIL)
        assert self.waiting(conn) == dict.fromkeys(("SPY", "005930.KS", "KRW=X"), ("late", "disk_short"))
        with self.is_refused(conn):
            repoll(short_of_room(settings), UNTIL, UNTIL)
        repoll(settings, UNTIL, UNTIL)
        assert self.waiting(conn) == {}

    def test_what_is_stored_already_is_no_reason_to_fail(self, settings: Settings, conn: Connection) -> None:
        kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
        before = made(conn)
        again = kafka_producer_etf_daily.run(short_of_room(settings), "benchmark", UNTIL)
        assert (again.requests, again.already_stored, made(conn)) == (0, list(BENCHMARKS), before)


def made(conn: Connection) -> int:
    """Return how many requests were made."""
    return requests.count_of_budget_day(conn, Settings.from_env({}).yahoo.day_begins)


class TestSectors:
    def test_at_no_request_from_the_lists_of_this_run_and_confirmed_later(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stock_sectors, "BUDGET", 0)
        few = self.looking_up(settings, 0)
        trends(conn, "XLF", "EWY")

        kafka_producer_trending_etf_holdings.run(few, UNTIL)

        known = self.known(conn)
        assert {known[row["stock_ticker"]] for row in collected.snapshot(conn, "XLF", UNTIL)[:5]} == {
            ("Financial Services", "derived")
        }
        assert known["005930.KS"] == (None, None)

    def test_what_is_left_of_the_budget_goes_to_look_ups(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Cookie and crumb, two lists, the quotes, ten bars and a rate; what is left is for six of ten sectors.
        monkeypatch.setattr(stock_sectors, "BUDGET", 2 + 2 + 1 + 10 + 1 + 6)
        few = self.looking_up(settings, 0)
        trends(conn, "XLF", "EWY")

        receipt = kafka_producer_trending_etf_holdings.run(few, UNTIL)

        assert receipt.requests == 22
        known = self.known(conn)
        assert sum(source == "yahoo" for _, source in known.values()) == 6
        assert sum(source == "derived" for _, source in known.values()) == 4
        assert all(known[ticker][1] == "yahoo" for ticker in known if ticker.endswith(".KS")), "unknown ones come first"

    def test_an_attempt_asks_again_what_the_one_before_it_lost(
        self, settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stock_sectors, "BUDGET", 0)
        few = self.looking_up(settings, 2)
        trends(conn, "XLF", "EWY")
        kafka_producer_trending_etf_holdings.run(few, UNTIL, run_id="scheduled__1")
        told = self.known(conn)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_daily_stock_history")

        kafka_producer_trending_etf_holdings.run(few, UNTIL, run_id="scheduled__1")

        assert sum(source == "yahoo" for _, source in told.values()) == 2
        assert self.known(conn) == told

    @staticmethod
    def looking_up(settings: Settings, count: int) -> Settings:
        """Let a run look up so many sectors at least."""
        return replace(settings, collector=replace(settings.collector, sector_lookups_per_run=count))

    @staticmethod
    def known(conn: Connection) -> dict[str, tuple[str | None, str | None]]:
        rows = fetch(
            conn,
            "SELECT DISTINCT ON (ticker) ticker, sector, sector_source FROM collected_daily_stock_history "
            "WHERE quote_type = 'EQUITY' ORDER BY ticker, trade_date DESC",
        )
        return {row["ticker"]: (row["sector"], row["sector_source"]) for row in rows}


def test_a_market_cap_that_was_not_known_comes_with_the_next_fetch(
    settings: Settings, conn: Connection, fault: Callable[..., None], market: httpx.Client
) -> None:
    fault(kind="no_market_cap", ticker="KO")
    kafka_producer_stock_daily.run(settings, session_before(UNTIL, 1), ["KO"])
    market.delete("/control/faults")

    kafka_producer_stock_daily.run(settings, UNTIL, ["KO"])

    [row] = fetch(
        conn,
        "SELECT COUNT(*) AS n, COUNT(market_cap) AS capped FROM collected_daily_stock_history WHERE ticker = 'KO'",
    )
    assert row["n"] == row["capped"] > 200


def test_a_day_without_quotes_takes_no_name_away(
    settings: Settings, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka_producer_stock_daily.run(settings, session_before(UNTIL, 1), ["KO"])

    def refuse(*_: object) -> Any:
        raise UnusableAnswer(of_ticker("KO", [text("no quote")]))

    monkeypatch.setattr(Yahoo, "quotes", refuse)
    kafka_producer_stock_daily.run(settings, UNTIL, ["KO"])

    rows = fetch(conn, "SELECT DISTINCT company_name FROM collected_daily_stock_history WHERE ticker = 'KO'")
    assert [bool(row["company_name"]) for row in rows] == [True]
    assert bars_of(conn, "KO")[-1] == UNTIL


def test_holdings_are_the_stocks_that_the_fund_owns(settings: Settings, conn: Connection, market: httpx.Client) -> None:
    trends(conn, "QQQ")

    kafka_producer_trending_etf_holdings.run(settings, UNTIL)

    asked = fetch(conn, "SELECT endpoint, symbol FROM logs_yahoo_request WHERE endpoint = 'quoteSummary'")
    held = fetch(conn, "SELECT stock_ticker FROM collected_etf_holdings WHERE etf_ticker = 'QQQ'")
    assert "QQQ" in {row["symbol"] for row in asked}
    assert {"AAPL", "MSFT"} <= {row["stock_ticker"] for row in held}


def test_korean_stocks_bring_their_exchange_rate(settings: Settings, conn: Connection) -> None:
    trends(conn, "EWY")

    receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

    rows = fetch(conn, "SELECT DISTINCT ticker, currency, quote_type FROM collected_daily_stock_history")
    assert {row["currency"] for row in rows} == {"KRW"}
    assert [row["ticker"] for row in rows if row["quote_type"] == "CURRENCY"] == ["KRW=X"]
    assert receipt.missing == {}


def test_a_holding_yahoo_does_not_know_is_noted_and_the_others_stored(
    settings: Settings, conn: Connection, fault: Callable[..., None]
) -> None:
    fault(kind="unknown_ticker", ticker="MSFT")
    trends(conn, "QQQ")

    receipt = kafka_producer_trending_etf_holdings.run(settings, UNTIL)

    assert list(receipt.missing) == ["MSFT"]
    assert "does not know" in told(receipt.missing["MSFT"])
    [row] = fetch(conn, "SELECT COUNT(DISTINCT ticker) AS n FROM collected_daily_stock_history")
    assert row["n"] == 4


def test_a_backfilled_session_keeps_the_day_its_holdings_are_of(settings: Settings, conn: Connection) -> None:
    """Collected late, a snapshot is dated when it was seen, not when it would have been wanted."""
    earlier = session_before(UNTIL, 10)
    trends(conn, "QQQ")
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("UPDATE analytics_trending_etfs SET as_of_date = %s", (earlier,))
        cursor.execute("UPDATE analytics_publication SET as_of_date = %s", (earlier,))

    kafka_producer_trending_etf_holdings.run(settings, earlier)

    assert fetch(conn, "SELECT DISTINCT collected_date FROM collected_etf_holdings") == [{"collected_date": UNTIL}]


class TestHoldings:
    """Snapshots of many ETFs at once, and those that stand for a month."""

    def test_every_etf_with_its_metadata_for_one_request_each(self, settings: Settings, conn: Connection) -> None:
        receipt = kafka_producer_etf_holdings.run(settings, "all", UNTIL)

        assert receipt.requests == 15 + 2
        assert is_stored(settings, receipt)
        held = fetch(conn, "SELECT etf_ticker, COUNT(*) AS n FROM collected_etf_holdings GROUP BY 1 ORDER BY 1")
        assert [row["n"] for row in held] == [10] * 15
        described = fetch(
            conn,
            "SELECT ticker, etf_type, sector_name, description FROM collected_meta_etf"
            " WHERE ticker IN ('QQQ', 'XLB') ORDER BY ticker",
        )
        assert [tuple(row.values()) for row in described] == [
            ("QQQ", "benchmark+sector", "Technology", "Nasdaq 100"),
            ("XLB", "sector", "Basic Materials", "Basic Materials sector"),
        ]
        again = kafka_producer_etf_holdings.run(settings, "all", UNTIL)
        assert (again.requests, again.sent) == (0, {})

    def test_the_months_snapshot_is_taken_from_what_is_stored(self, settings: Settings, conn: Connection) -> None:
        kafka_producer_etf_holdings.run(settings, "benchmark", UNTIL)

        receipt = kafka_producer_etf_holdings.run(settings, "benchmark", UNTIL, "monthly", for_the_month=True)

        assert receipt.requests == 0
        assert is_stored(settings, receipt)
        daily = fetch(
            conn,
            "SELECT etf_ticker, stock_ticker, stock_name, holding_percent, fetched_at, source "
            "FROM collected_etf_holdings ORDER BY 1, 2",
        )
        monthly = fetch(conn, "SELECT * FROM collected_monthly_benchmark_holdings ORDER BY etf_ticker, holding_ticker")
        assert len(monthly) == 60
        assert {(row["as_of_date"], row["holdings_as_of"]) for row in monthly} == {(UNTIL, UNTIL)}
        assert [tuple(row.values())[:4] for row in monthly] == [tuple(row.values())[:4] for row in daily]

    def test_a_month_run_late_says_that_its_holdings_are_later(self, settings: Settings, conn: Connection) -> None:
        july = date(2026, 7, 24)

        first = kafka_producer_etf_holdings.run(settings, "benchmark", july, for_the_month=True)
        kafka_producer_etf_holdings.run(settings, "benchmark", july, for_the_month=True)

        assert first.requests == 6 + 2
        [days] = fetch(conn, "SELECT DISTINCT as_of_date, holdings_as_of FROM collected_monthly_benchmark_holdings")
        assert days == {"as_of_date": july, "holdings_as_of": UNTIL}
        assert fetch(conn, "SELECT DISTINCT collected_date FROM collected_etf_holdings") == [{"collected_date": UNTIL}]

    def test_a_month_gets_the_snapshot_of_its_own_time(
        self, settings: Settings, conn: Connection, market: httpx.Client
    ) -> None:
        july = date(2026, 7, 24)
        market.put("/control/clock", json={"at": str(july)}).raise_for_status()
        kafka_producer_etf_holdings.run(settings, "benchmark", july)
        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
        kafka_producer_etf_holdings.run(settings, "benchmark", UNTIL)

        for month in (july, UNTIL):
            kafka_producer_etf_holdings.run(settings, "benchmark", month, for_the_month=True)

        days = fetch(
            conn, "SELECT DISTINCT as_of_date, holdings_as_of FROM collected_monthly_benchmark_holdings ORDER BY 1"
        )
        assert [tuple(day.values()) for day in days] == [(july, july), (UNTIL, UNTIL)]

    @pytest.mark.parametrize(("last", "is_used"), [(date(2026, 7, 21), True), (date(2026, 7, 20), False)])
    def test_a_fund_whose_last_list_is_too_old_for_the_month_is_noted(
        self,
        settings: Settings,
        conn: Connection,
        market: httpx.Client,
        monkeypatch: pytest.MonkeyPatch,
        last: date,
        is_used: bool,
    ) -> None:
        """It fails no stage: the lists of the others are the month's."""
        market.put("/control/clock", json={"at": str(last)}).raise_for_status()
        kafka_producer_etf_holdings.run(settings, "benchmark", last)
        market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
        ask = Yahoo.top_holdings

        def answer(yahoo: Yahoo, etf: str) -> FundHoldings:
            if etf == "IWM":
                raise UnusableAnswer(reason("no_holdings_listed", etf=etf))
            return ask(yahoo, etf)

        monkeypatch.setattr(Yahoo, "top_holdings", answer)
        receipt = kafka_producer_etf_holdings.run(settings, "benchmark", UNTIL, for_the_month=True)

        assert is_stored(settings, receipt)
        rows = fetch(conn, "SELECT DISTINCT etf_ticker FROM collected_monthly_benchmark_holdings")
        assert ("IWM" in {row["etf_ticker"] for row in rows}) is is_used
        assert len(rows) == len(BENCHMARKS) - (not is_used)
        said = told(receipt.missing["IWM holdings"])
        assert f"those of {last} are used" in said
        assert (f"IWM {last}: it cannot be the snapshot of {UNTIL}" in said) is not is_used

    def test_a_month_is_of_the_benchmarks(self, settings: Settings) -> None:
        with pytest.raises(InvalidInput, match="the month's snapshot is of the benchmark ETFs, not of the group 'all'"):
            kafka_producer_etf_holdings.run(settings, "all", UNTIL, for_the_month=True)

    def test_green_only_when_the_months_rows_are_there(self, settings: Settings, conn: Connection) -> None:
        receipt = kafka_producer_etf_holdings.run(settings, "benchmark", UNTIL, for_the_month=True)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_monthly_benchmark_holdings WHERE etf_ticker = 'IWM'")

        with pytest.raises(NotStored, match="1 rows were sent but not stored: IWM 2026-08-21"):
            is_stored(settings, receipt)


class TestStocks:
    def test_named_ones(self, settings: Settings, conn: Connection) -> None:
        receipt = kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL", "005930.KS"])

        assert is_stored(settings, receipt)
        rows = fetch(conn, "SELECT DISTINCT ticker FROM collected_daily_stock_history ORDER BY 1")
        assert [row["ticker"] for row in rows] == ["005930.KS", "AAPL", "KRW=X"]
        assert kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL", "005930.KS"]).requests == 0

    def test_without_names_those_that_the_etfs_hold(self, settings: Settings, conn: Connection) -> None:
        with pytest.raises(NotStored, match="no holdings are stored of any ETF"):
            kafka_producer_stock_daily.run(settings, UNTIL)
        kafka_producer_etf_holdings.run(settings, "sector", UNTIL)

        kafka_producer_stock_daily.run(settings, UNTIL)

        held = fetch(
            conn, "SELECT DISTINCT stock_ticker FROM collected_etf_holdings WHERE holding_rank <= 5 ORDER BY 1"
        )
        stored = fetch(
            conn, "SELECT DISTINCT ticker FROM collected_daily_stock_history WHERE quote_type = 'EQUITY' ORDER BY 1"
        )
        assert [row["ticker"] for row in stored] == [row["stock_ticker"] for row in held]

    def test_a_range_is_one_request_a_ticker_and_gives_every_sector(self, settings: Settings, conn: Connection) -> None:
        since = session_before(UNTIL, 299)

        receipt = kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL", "JPM", "XOM", "KO", "HD"], since=since)

        assert receipt.requests == 2 + 1 + 5 + 5, "cookie and crumb, quotes, sectors, bars"
        rows = fetch(
            conn,
            "SELECT ticker, MIN(trade_date) AS first, COUNT(*) AS n, COUNT(sector) AS described "
            "FROM collected_daily_stock_history GROUP BY 1",
        )
        assert {(row["first"], row["n"], row["described"]) for row in rows} == {(session_before(since, 20), 320, 320)}
        assert kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL"], since=since).requests == 0
        assert kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL"], since=session_before(since, 1)).requests == 3

    def test_a_ticker_that_is_none_is_an_error_when_it_was_named(self, settings: Settings, conn: Connection) -> None:
        with pytest.raises(BarMissing, match=r"NOSUCH: Yahoo does not know 'NOSUCH'.*What the others have is sent"):
            kafka_producer_stock_daily.run(settings, UNTIL, ["AAPL", "NOSUCH"])
        assert fetch(conn, "SELECT DISTINCT ticker FROM collected_daily_stock_history") == [{"ticker": "AAPL"}]

    def test_a_rate_is_not_a_stock(self, settings: Settings) -> None:
        with pytest.raises(InvalidInput, match="'BRK/B': write Yahoo's symbol"):
            kafka_producer_stock_daily.run(settings, UNTIL, ["BRK/B"])
        with pytest.raises(InvalidInput, match="KRW=X: an exchange rate comes by itself"):
            kafka_producer_stock_daily.run(settings, UNTIL, ["KRW=X"])


def priced(conn: Connection, ticker: str) -> list[date]:
    """Return the sessions of which analyses see a price."""
    rows = fetch(conn, "SELECT trade_date FROM collected_dollar_close WHERE ticker = %(t)s ORDER BY 1", {"t": ticker})
    return [row["trade_date"] for row in rows]


@contextmanager
def without(*etfs: str) -> Iterator[None]:
    """Take ETFs out of the universe."""
    known = universe()
    less = replace(
        known,
        benchmarks={etf: name for etf, name in known.benchmarks.items() if etf not in etfs},
        sectors={etf: name for etf, name in known.sectors.items() if etf not in etfs},
    )
    with pytest.MonkeyPatch.context() as patch:
        for module in (stock_bars, kafka_producer_stock_daily, plan):
            patch.setattr(module, "universe", lambda: less)
        yield


class TestFundsThatAreHeld:
    """A fund that another one holds, before it is followed and after."""

    before = session_before(UNTIL, 30)

    @pytest.mark.parametrize("fund", ["IWM", "EWY"])
    def test_one_that_was_taken_out_of_the_universe_goes_on_as_a_fund(
        self, settings: Settings, conn: Connection, market: httpx.Client, fund: str
    ) -> None:
        market.put("/control/clock", json={"at": str(self.before)}).raise_for_status()
        collect_etfs(settings, [fund], self.before)
        history = priced(conn, fund)
        market.put("/control/clock", json={"at": str(UNTIL)})

        with without(fund):
            receipt = kafka_producer_stock_daily.run(settings, UNTIL, [fund, "AAPL"])

        assert is_stored(settings, receipt)
        assert priced(conn, fund) == sorted({*history, *sessions_between(self.before, UNTIL)})
        assert bars_of(conn, fund) == [], "one ticker, one history"
        assert bars_of(conn, "AAPL")[-1] == UNTIL
        with without(fund):
            assert kafka_producer_stock_daily.run(settings, UNTIL, [fund, "AAPL"]).requests == 0

    def test_one_that_has_no_bar_is_noted_as_a_fund(
        self, settings: Settings, conn: Connection, market: httpx.Client, fault: Callable[..., None]
    ) -> None:
        market.put("/control/clock", json={"at": str(self.before)}).raise_for_status()
        collect_etfs(settings, ["IWM"], self.before)
        market.put("/control/clock", json={"at": str(UNTIL)})
        fault(kind="missing_bar", ticker="IWM", session=str(UNTIL))

        with without("IWM"), pytest.raises(BarMissing, match=r"2026-08-21 for IWM"):
            kafka_producer_stock_daily.run(settings, UNTIL, ["IWM"])

        assert [(gap["kind"], gap["ticker"]) for gap in ledger.gaps(conn, UNTIL, UNTIL)] == [("etf", "IWM")]
        market.delete("/control/faults")
        repoll(settings, None, None)
        assert priced(conn, "IWM")[-1] == UNTIL

    def test_one_that_comes_into_the_universe_keeps_the_history_that_it_had(
        self, settings: Settings, conn: Connection
    ) -> None:
        with without("IWM"):
            kafka_producer_stock_daily.run(settings, UNTIL, ["IWM"], since=session_before(UNTIL, 299))
        history = bars_of(conn, "IWM")
        assert len(history) > settings.collector.history_sessions + 1

        collect_etfs(settings, ["IWM"], UNTIL)

        assert priced(conn, "IWM") == sessions(conn, "IWM") == history


class TestBackfill:
    """test/1_backfill_etf_benchmarks.py and 2_staggered_sector_backfill.py."""

    @pytest.fixture(autouse=True)
    def no_broker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(backfill, "end_offsets", lambda *_: {})

    def test_an_interrupted_one_says_what_is_missing_and_goes_on(
        self, settings: Settings, fault: Callable[..., None], capsys: pytest.CaptureFixture[str], conn: Connection
    ) -> None:
        fault(kind="rate_limit", endpoint="chart", ticker="EWY", count=1)

        with pytest.raises(RateLimited):
            backfill.run(settings, "benchmark", 300, UNTIL)
        assert capsys.readouterr().out.splitlines()[1:] == [
            "  SPY    320 of 320 bars, complete",
            "  QQQ    320 of 320 bars, complete",
            "  IWM    320 of 320 bars, complete",
            *(
                f"  {etf:<6} 0 of 320 bars, 2025-05-14 to 2026-08-20 not collected; 2026-08-21 late"
                for etf in ("EWY", "DIA", "SCHD")
            ),
        ]

        backfill.run(settings, "benchmark", 300, UNTIL)
        assert capsys.readouterr().out.count("320 of 320 bars, complete") == 6
        asked = fetch(conn, "SELECT symbol FROM logs_yahoo_request WHERE endpoint = 'chart' ORDER BY id")
        assert [row["symbol"] for row in asked] == ["SPY", "QQQ", "IWM", "EWY", "EWY", "DIA", "SCHD"]

    def test_what_the_source_lacks_is_named(
        self, settings: Settings, fault: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        fault(kind="missing_bar", ticker="DIA", session=str(session_before(UNTIL, 4)))

        with pytest.raises(NotStored, match="1 bars are still missing"):
            backfill.run(settings, "benchmark", 5, UNTIL)
        assert "  DIA    24 of 25 bars, 2026-08-17 missing at the source\n" in capsys.readouterr().out

    def test_tickers_can_be_spaced_further(self, settings: Settings) -> None:
        assert backfill.spaced(settings, None) == settings
        assert backfill.spaced(settings, 7.5).yahoo.pace_seconds == 7.5

    def test_a_range_has_to_be_over(self, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
        assert backfill.main("sector", "", ["--days", "0"]) == 2
        assert backfill.main("sector", "", ["--to", "2026-08-22"]) == 2
        said = capsys.readouterr().err
        assert "--days is at least 1" in said
        assert "2026-08-22 (Saturday) is not an XNYS session" in said
