"""The Yahoo client against a server that answers in Yahoo's ways: what is a ticker's trouble, and what the source's."""

import logging
import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import yahoo_server as replies
from collector.yahoo import Yahoo, symbol_lists
from collector.yahoo_answers.model import Quote
from config.config import YahooSettings
from utils.errors import RateLimited, SourceUnavailable, UnknownExchange, UnknownTicker, UnusableAnswer
from utils.reasons import reason
from yahoo_server import CountingGate, YahooServer

DAY = date(2026, 9, 10)
OPENING = datetime(2026, 9, 10, 13, 30, tzinfo=UTC)
END = datetime(2026, 9, 10, 20, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[YahooServer]:
    with replies.serving() as said:
        for ticker in ("SPY", "AAA", "BBB"):
            said.charts[ticker] = replies.chart(ticker, [OPENING], [10.0], end=END)
        said.modules["SPY"] = {"topHoldings": {"holdings": []}, "assetProfile": {}}
        said.quotes["SPY"] = {"symbol": "SPY", "quoteType": "ETF", "currency": "USD"}
        yield said


@pytest.fixture
def gate() -> CountingGate:
    return CountingGate()


@pytest.fixture
def connect(server: YahooServer, gate: Any, tmp_path: Path) -> Callable[..., Yahoo]:
    def client(**settings: Any) -> Yahoo:
        given = YahooSettings(server.url, 0, 900, 5, tmp_path / "yahoo")
        return Yahoo(replace(given, **settings), gate, sleep=lambda _: None)

    return client


@pytest.fixture
def yahoo(connect: Callable[..., Yahoo]) -> Yahoo:
    return connect()


def bars(yahoo: Yahoo, ticker: str = "AAA") -> list[date]:
    return [bar.session for bar in yahoo.daily_bars(ticker, DAY - timedelta(days=7), DAY).bars]


def fails(call: Callable[[], Any], kind: type[Exception], match: str | None = None) -> None:
    """Check that the call raises exactly that kind of error, with that message."""
    with pytest.raises(kind, match=match) as raised:
        call()
    assert raised.type is kind or (kind is SourceUnavailable and not issubclass(raised.type, UnusableAnswer))


class TestDailyBars:
    def test_one_request_a_ticker_after_cookie_and_crumb(
        self, yahoo: Yahoo, server: YahooServer, gate: CountingGate
    ) -> None:
        assert bars(yahoo, "AAA") == bars(yahoo, "BBB") == [DAY]

        assert [turn[:2] for turn in gate.turns] == [
            ("cookie", ""),
            ("getcrumb", ""),
            ("chart", "AAA"),
            ("chart", "BBB"),
        ]
        assert [turn[2].http_status for turn in gate.turns] == [404, 200, 200, 200]
        asked = server.asked[-1]
        assert asked.host == "query2.finance.yahoo.com"
        assert asked.params == {
            "period1": str(int(datetime(2026, 9, 3, 4, tzinfo=UTC).timestamp())),
            "period2": str(int(datetime(2026, 9, 11, 4, tzinfo=UTC).timestamp())),
            "interval": "1d",
            "includePrePost": "false",
            "events": "div,splits,capitalGains",
            "crumb": "aB3.dEfGhIj",
        }

    def test_the_cookie_is_asked_for_once_for_all_processes(
        self, connect: Callable[..., Yahoo], server: YahooServer
    ) -> None:
        bars(connect())
        bars(connect())

        assert [asked.path for asked in server.asked].count("/") == 1

    def test_an_answer_is_as_old_as_its_way_was_long(self, yahoo: Yahoo, server: YahooServer) -> None:
        """An answer from a cache on the way may hold the running price although its Date is after the close."""
        server.now, server.age = END + timedelta(seconds=70), "15"

        fetched = yahoo.daily_bars("AAA", DAY, DAY)

        assert fetched.answer.fetched_at == END + timedelta(seconds=55)
        assert fetched.bars == []

    def test_an_unknown_ticker_costs_one_request(self, yahoo: Yahoo, gate: CountingGate) -> None:
        fails(lambda: bars(yahoo, "NOPE"), UnknownTicker, "Yahoo does not know 'NOPE'")

        assert [turn[0] for turn in gate.turns].count("chart") == 1

    def test_an_unknown_ticker_may_be_told_with_any_status(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/AAA", replies.refused(200, "chart", "No data found, symbol may be delisted"))

        fails(lambda: bars(yahoo), UnknownTicker)

    def test_a_ticker_without_a_calendar_costs_none(self, yahoo: Yahoo, gate: CountingGate) -> None:
        fails(lambda: bars(yahoo, "AAA.NOWHERE"), UnknownExchange)

        assert gate.count == 0

    def test_a_slip_is_asked_again(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell(
            "/chart/AAA", replies.Reply(503, "busy", times=1), replies.Reply(200, "<p>Will be right back", times=1)
        )

        assert bars(yahoo) == [DAY]

    @pytest.mark.parametrize("status", [500, 503])
    def test_two_slips_at_whatever_is_asked_first_are_outlasted(
        self, yahoo: Yahoo, server: YahooServer, status: int
    ) -> None:
        server.tell("/", replies.Reply(status, "busy", times=2))

        assert bars(yahoo) == [DAY]


class TestOneTickersTrouble:
    """Three tries, then that ticker's error. The next ticker is answered."""

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            (
                replies.refused(403, "finance", "not for you", "Forbidden"),
                "Yahoo answered 403 for AAA: not for you",
            ),
            (replies.refused(400, "chart", "Invalid input", "Bad Request"), "Yahoo answered 400 for AAA"),
            (replies.refused(422, "chart", "1d data not available"), "422 for AAA: 1d data not available"),
            (replies.refused(404, "chart", "Timestamp data missing."), "404 for AAA: Timestamp data missing."),
            (replies.page(404), "Yahoo answered 404 for AAA"),
            (replies.page(403), "Yahoo answered 403 for AAA"),
            (replies.page(502), "Yahoo answered 502 for AAA"),
            (replies.Reply(999, "Unable to process request"), "Yahoo answered 999 for AAA"),
            (replies.page(200), "with a page instead of data"),
            (
                replies.page(200, '<a href="https://guce.yahoo.com/privacy-dashboard">Privacy</a>'),
                "with a page instead of data",
            ),
            (replies.Reply(200, ""), "with a page instead of data"),
            (replies.Reply(200, '{"chart": {"result": [{"meta"'), "with a page instead of data"),
            (replies.Reply(200, {"chart": {"result": [], "error": None}}), "AAA: Yahoo's answer is empty"),
            (replies.Reply(200, {"chart": {"result": None, "error": None}}), "AAA: Yahoo's answer is empty"),
            (replies.refused(200, "finance", "a fault on our side"), "AAA: Yahoo answered 'a fault on our side'"),
            (replies.Reply(200, replies.chart("ZZZ", [OPENING], [1.0], end=END)), "it answered for ZZZ"),
            (replies.Reply(200, replies.chart("AAA", [OPENING], [1.0, 2.0], end=END)), "not as long as its days"),
            (
                replies.Reply(200, replies.chart("AAA", [OPENING], [1.0], end=END, currency=None)),
                "does not say its currency",
            ),
            (replies.Reply(200, replies.chart("AAA", [OPENING], ["high"], end=END)), "cannot be used: ValueError"),
            (replies.redirect(302, "https://query1.finance.yahoo.com/v8/finance/chart/AAA"), "more than 5 times"),
            (replies.redirect(301, "http://127.0.0.1:1/"), "redirects to 127.0.0.1, which is not one of its hosts"),
        ],
    )
    def test_it_is_that_ticker_s_alone(
        self, yahoo: Yahoo, server: YahooServer, reply: replies.Reply, said: str
    ) -> None:
        server.tell("/chart/AAA", reply)

        fails(lambda: bars(yahoo), UnusableAnswer, f"{said}.*\\(3 tries\\)")
        assert bars(yahoo, "BBB") == [DAY]

    @pytest.mark.parametrize("status", [400, 403, 404, 422, 500, 999])
    def test_a_refusal_costs_three_requests_not_nine(self, yahoo: Yahoo, server: YahooServer, status: int) -> None:
        server.tell("/chart/AAA", replies.page(status))

        fails(lambda: bars(yahoo), UnusableAnswer)
        assert [asked.path for asked in server.asked[2:]] == ["/v8/finance/chart/AAA"] * 3

    def test_no_answer_is_its_own_when_spy_is_answered(
        self, connect: Callable[..., Yahoo], server: YahooServer
    ) -> None:
        server.tell("/chart/AAA", replies.Reply(200, "", delay=1.0))
        yahoo = connect(timeout_seconds=0.3)

        fails(lambda: bars(yahoo), UnusableAnswer, "query2.finance.yahoo.com did not answer for AAA")
        assert server.requests("/chart/") == ["/v8/finance/chart/AAA"] * 2 + ["/v8/finance/chart/SPY"]


class TestTheSourceAsAWhole:
    """It is raised at once, because the next request would get the same answer."""

    @pytest.mark.parametrize(
        ("part", "reply"),
        [
            ("/chart/", replies.Reply(429, "Too Many Requests", {"Content-Type": "text/plain"})),
            ("/chart/", replies.page(200, "Edge: Too Many Requests")),
            ("getcrumb", replies.Reply(200, "Too Many Requests\r\n", {"Content-Type": "text/plain"})),
            ("getcrumb", replies.Reply(429, "")),
        ],
    )
    def test_too_many_requests(
        self, yahoo: Yahoo, server: YahooServer, gate: CountingGate, part: str, reply: replies.Reply
    ) -> None:
        server.tell(part, reply)

        fails(lambda: bars(yahoo), RateLimited)
        assert len(server.requests(part)) == 1
        assert gate.turns[-1][2].http_status == 429, "so that the gate stays shut"

    @pytest.mark.parametrize(
        "reply",
        [
            replies.redirect(302, "https://guce.yahoo.com/consent?brandType=nonEu"),
            replies.redirect(307, "https://consent.yahoo.com/v2/collectConsent?sessionId=1"),
            replies.redirect(303, "https://guce.oath.com/collectConsent"),
        ],
    )
    @pytest.mark.parametrize("part", ["/chart/", "getcrumb"])
    def test_a_consent_page(self, yahoo: Yahoo, server: YahooServer, part: str, reply: replies.Reply) -> None:
        server.tell(part, reply)

        fails(lambda: bars(yahoo), SourceUnavailable, "it wants consent")
        assert len(server.requests(part)) == 1

    @pytest.mark.parametrize(
        "text",
        ["<form action='https://consent.yahoo.com/v2'>Accept all</form>", "<body>Before you continue to Yahoo</body>"],
    )
    def test_a_consent_page_in_the_place_of_the_answer(self, yahoo: Yahoo, server: YahooServer, text: str) -> None:
        server.tell("/chart/", replies.page(200, text))

        fails(lambda: bars(yahoo), SourceUnavailable, "it wants consent.*SPY is not answered either")
        assert len(server.requests("/chart/")) == 3

    def test_a_consent_page_of_one_ticker_is_its_own_trouble(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/AAA", replies.page(200, "<body>Before you continue to Yahoo</body>"))

        fails(lambda: bars(yahoo), UnusableAnswer, r"it wants consent, as it does in some countries \(2 tries\)$")
        assert bars(yahoo, "BBB") == [DAY]

    def test_a_crumb_that_is_refused_twice(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/", replies.refused(401, "finance", "Invalid Crumb", "Unauthorized"))

        fails(lambda: bars(yahoo), SourceUnavailable, "Yahoo answered 401 for AAA, twice")
        assert len(server.requests("/chart/")) == 2

    @pytest.mark.parametrize("words", ["Unauthorized", ""])
    def test_a_ticker_that_is_refused_twice_without_a_word_of_the_crumb_is_its_own_trouble(
        self, yahoo: Yahoo, server: YahooServer, words: str
    ) -> None:
        server.tell("/chart/AAA", replies.refused(401, "finance", words, "Unauthorized"))

        fails(lambda: bars(yahoo), UnusableAnswer, "Yahoo answered 401 for AAA, twice")
        assert bars(yahoo, "BBB") == [DAY]

    def test_every_ticker_refused_like_that_stops_soon(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/", replies.refused(401, "finance", "Unauthorized", "Unauthorized"))

        for number in range(4):
            fails(partial(bars, yahoo, f"T{number}"), UnusableAnswer, "Yahoo answered 401")
        fails(lambda: bars(yahoo), SourceUnavailable, "HTTP 401 for every ticker asked of late, last AAA and SPY")

    def test_a_crumb_that_is_refused_once_is_renewed(self, yahoo: Yahoo, server: YahooServer) -> None:
        once = replies.refused(401, "finance", "Invalid Crumb", "Unauthorized")
        once.times = 1
        server.tell("/chart/", once)

        assert bars(yahoo) == [DAY]
        assert len(server.requests("getcrumb")) == 2

    def test_a_client_that_is_shut_out(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell(
            "/chart/", replies.refused(401, "finance", "User is unable to access this feature - https://bit.ly/1")
        )

        fails(lambda: bars(yahoo), SourceUnavailable, "User is unable to access this feature")
        assert len(server.requests("/chart/")) == 1

    def test_nobody_listens(self, connect: Callable[..., Yahoo], gate: CountingGate) -> None:
        yahoo = connect(base_url=f"http://127.0.0.1:{replies.unused_port()}")

        fails(lambda: bars(yahoo), SourceUnavailable, r"did not answer for /.*\(3 tries\)")
        assert gate.count == 3

    def test_a_host_that_goes_away_on_the_way(self, connect: Callable[..., Yahoo], server: YahooServer) -> None:
        yahoo = connect(timeout_seconds=0.3)
        assert bars(yahoo) == [DAY]
        server.tell("/chart/", replies.Reply(200, "", delay=1.0))

        fails(lambda: bars(yahoo, "BBB"), SourceUnavailable, "SPY is not answered either")
        assert len(server.requests("/chart/")) == 4

    @pytest.mark.parametrize(
        "crumb", [("<html lang='en'>sorry</html>", 200), ("", 200), ('{"finance": {"result": null}}', 401), ("no", 503)]
    )
    def test_no_crumb(self, yahoo: Yahoo, server: YahooServer, crumb: tuple[str, int]) -> None:
        server.crumb = replies.Reply(crumb[1], crumb[0], {"Content-Type": "text/plain"})

        fails(lambda: bars(yahoo), SourceUnavailable, r"\(3 tries\)")
        assert server.requests("/chart/") == []

    def test_a_consent_page_in_the_place_of_the_crumb(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.crumb = replies.page(200, "<form action='/v2/collectConsent?sessionId=1'>")

        fails(lambda: bars(yahoo), SourceUnavailable, "it wants consent")
        assert [asked.path for asked in server.asked] == ["/", "/v1/test/getcrumb"]

    def test_a_label_that_is_none_of_ours(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/", replies.Reply(200, server.charts["AAA"], {**replies.JSON, "X-Market-Source": "rumour"}))

        fails(lambda: bars(yahoo), SourceUnavailable, "the server calls its prices 'rumour'")


class TestRedirects:
    def test_are_requests_like_any_other(self, yahoo: Yahoo, server: YahooServer, gate: CountingGate) -> None:
        once = replies.redirect(302, "https://query1.finance.yahoo.com/v8/finance/chart/AAA?interval=1d")
        once.times = 1
        server.tell("/chart/AAA", once)

        assert bars(yahoo) == [DAY]
        assert [turn[:2] for turn in gate.turns[2:]] == [("chart", "AAA")] * 2
        assert [(asked.host, asked.params) for asked in server.asked[3:]] == [
            ("query1.finance.yahoo.com", {"interval": "1d"})
        ]

    def test_to_an_address_of_the_same_host(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/AAA", replies.redirect(308, "/v8/finance/chart/BBB"))

        fails(lambda: bars(yahoo), UnusableAnswer, "asked Yahoo for AAA, it answered for BBB")
        assert server.asked[-1].host == "query2.finance.yahoo.com"


class TestBreaker:
    """Tickers in a row that fail, and SPY as well: an outage costs about ten requests."""

    def outage(self, yahoo: Yahoo, tickers: int = 300) -> SourceUnavailable:
        for number in range(tickers):
            try:
                bars(yahoo, f"T{number}")
            except (UnusableAnswer, UnknownTicker):
                continue
            except SourceUnavailable as error:
                return error
        raise AssertionError("the run went through")

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (replies.page(503), "HTTP 5xx"),
            (replies.page(200), "a page instead of data"),
            (replies.Reply(999, ""), "HTTP 999"),
            (replies.Reply(200, {"chart": {"result": None, "error": None}}), "no result"),
        ],
    )
    def test_an_outage(
        self, yahoo: Yahoo, server: YahooServer, gate: CountingGate, reply: replies.Reply, kind: str
    ) -> None:
        server.tell("/chart/", reply)

        error = self.outage(yahoo)

        assert str(error) == (
            f"Yahoo answers {kind} for every ticker asked of late, last T4 and SPY: stopped after 10 requests"
        )
        assert gate.count == 10

    def test_an_outage_of_two_faces(self, yahoo: Yahoo, server: YahooServer, gate: CountingGate) -> None:
        server.tell("/chart/", *(replies.Reply(status, "<html>", times=1) for _ in range(50) for status in (502, 200)))

        assert "Yahoo answers HTTP 5xx, a page instead of data for every ticker" in str(self.outage(yahoo))
        assert gate.count <= 13

    def test_an_outage_that_calls_everything_unknown(
        self, yahoo: Yahoo, server: YahooServer, gate: CountingGate
    ) -> None:
        server.tell("/chart/", replies.unknown("chart"))

        assert "HTTP 404 for every ticker" in str(self.outage(yahoo))
        assert gate.count == 8

    def test_tickers_that_fail_alike_while_spy_is_answered_are_only_those(
        self, yahoo: Yahoo, server: YahooServer
    ) -> None:
        for number in range(12):
            server.tell(f"/chart/T{number}", replies.page(500))
            fails(partial(bars, yahoo, f"T{number}"), UnusableAnswer)

        assert len(server.requests("/chart/SPY")) == 2
        assert len(server.requests("/chart/T")) == 3 + 11, "after the first one try is enough"
        assert bars(yahoo) == [DAY]

    def test_tickers_that_are_unknown_while_spy_is_known_are_only_those(
        self, yahoo: Yahoo, server: YahooServer
    ) -> None:
        for number in range(12):
            fails(partial(bars, yahoo, f"GONE{number}"), UnknownTicker)

        assert len(server.requests("/chart/SPY")) == 2

    def test_an_answer_in_between_ends_the_row(self, yahoo: Yahoo, server: YahooServer) -> None:
        for number in range(12):
            server.tell(f"/chart/T{number}", replies.page(500))
            fails(partial(bars, yahoo, f"T{number}"), UnusableAnswer)
            assert bars(yahoo) == [DAY]

        assert server.requests("/chart/SPY") == []
        assert len(server.requests("/chart/T")) == 36, "each is worth three tries"

    def test_another_failure_is_worth_its_tries(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/chart/T1", replies.page(500))
        server.tell("/chart/T2", replies.page(403))
        for ticker in ("T1", "T2"):
            fails(partial(bars, yahoo, ticker), UnusableAnswer)

        assert len(server.requests("/chart/T2")) == 3

    def test_the_setting(self, connect: Callable[..., Yahoo], server: YahooServer, gate: CountingGate) -> None:
        server.tell("/chart/", replies.page(503))

        assert "last T1 and SPY" in str(self.outage(connect(breaker_failures=1)))
        assert gate.count == 7


class TestTopHoldings:
    LISTED = ({"symbol": "AAPL", "holdingName": "Apple", "holdingPercent": 0.07},)

    def test_a_list_with_an_odd_line(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.modules["QQQ"] = {
            "topHoldings": {"holdings": [*self.LISTED, {"symbol": "SHRT", "holdingPercent": -0.1}]}
        }

        found = yahoo.top_holdings("QQQ")

        assert [holding.ticker for holding in found.holdings] == ["AAPL"]
        assert list(map(str, found.notes)) == ["left out SHRT: its share of the fund is -0.1"]
        assert found.answer.fetched_at == server.now

    @pytest.mark.parametrize("modules", [{}, {"topHoldings": None}, {"price": {}}])
    def test_a_fund_without_one_has_an_empty_list(
        self, yahoo: Yahoo, server: YahooServer, modules: dict[str, Any]
    ) -> None:
        server.modules["GLD"] = modules

        found = yahoo.top_holdings("GLD")

        assert (found.holdings, found.notes) == ([], [reason("no_list")])
        assert found.answer.fetched_at == server.now
        assert len(server.requests("/quoteSummary/")) == 1, "asking again is of no use"

    def test_a_fund_that_yahoo_does_not_know(self, yahoo: Yahoo) -> None:
        fails(lambda: yahoo.top_holdings("NOPE"), UnknownTicker)

    @pytest.mark.parametrize(
        "answer",
        [
            {"quoteSummary": {"result": [], "error": None}},
            {"quoteSummary": {"result": None, "error": None}},
            {"quoteSummary": {"result": [{"topHoldings": "none"}], "error": None}},
            {"quoteSummary": {"result": [{"topHoldings": {"holdings": "none"}}], "error": None}},
            {"finance": {"result": None, "error": {"description": "a fault on our side"}}},
        ],
    )
    def test_garbage_is_refused(self, yahoo: Yahoo, server: YahooServer, answer: dict[str, Any]) -> None:
        server.tell("/quoteSummary/QQQ", replies.Reply(200, answer))

        fails(lambda: yahoo.top_holdings("QQQ"), UnusableAnswer)


class TestSector:
    def test_what_yahoo_says(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.modules["AAA"] = {"assetProfile": {"sector": "Energy"}}

        assert yahoo.sector("AAA") == "Energy"

    @pytest.mark.parametrize(("said", "kept"), [("S" * 61, "S" * 60), ("Energy\x00\n", "Energy"), ("\x00", None)])
    def test_a_sector_is_what_can_be_stored_of_it(
        self, yahoo: Yahoo, server: YahooServer, said: str, kept: str | None
    ) -> None:
        server.modules["AAA"] = {"assetProfile": {"sector": said}}

        assert yahoo.sector("AAA") == kept

    @pytest.mark.parametrize(
        "profile", [{"sector": ""}, {"sector": None}, {"sector": 7}, {}, None, {"sector": {"raw": "Energy"}}]
    )
    def test_what_yahoo_does_not_say(self, yahoo: Yahoo, server: YahooServer, profile: Any) -> None:
        server.modules["AAA"] = {"assetProfile": profile}

        assert yahoo.sector("AAA") is None

    @pytest.mark.parametrize("modules", [{}, None])
    def test_no_profile(
        self, yahoo: Yahoo, server: YahooServer, caplog: pytest.LogCaptureFixture, modules: dict[str, Any] | None
    ) -> None:
        caplog.set_level(logging.INFO)
        if modules is not None:
            server.modules["AAA"] = modules

        assert yahoo.sector("AAA") is None
        assert "no sector of AAA: " in caplog.text
        assert len(server.requests("/quoteSummary/")) == 1

    def test_a_refusal_is_no_more_than_that(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/quoteSummary/", replies.page(500))

        assert [yahoo.sector(f"T{number}") for number in range(20)] == [None] * 20
        assert len(server.requests("/quoteSummary/")) == 8, "after an outage of profiles none is asked for"
        assert bars(yahoo) == [DAY]

    def test_what_concerns_the_source_is_told(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/quoteSummary/", replies.Reply(429, ""))

        fails(lambda: yahoo.sector("AAA"), RateLimited)


class TestQuotes:
    def test_what_is_known_and_listed(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.quotes |= {
            "AAA": {"symbol": "AAA", "quoteType": "EQUITY", "currency": "GBp", "regularMarketPrice": 905.0},
            "GONE": {"symbol": "GONE", "quoteType": "NONE"},
        }

        assert yahoo.quotes(["AAA", "GONE", "NOPE"]) == {"AAA": Quote("AAA", None, "GBP", None, None, None, 9.05)}
        assert server.requests("/quote") == ["/v7/finance/quote"]

    def test_another_symbol_than_asked_for_is_left_out(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/quote", replies.Reply(200, {"quoteResponse": {"result": [{"symbol": "META"}], "error": None}}))

        assert yahoo.quotes(["FB"]) == {}

    @pytest.mark.parametrize(
        "reply",
        [
            replies.page(500),
            replies.refused(200, "finance", "a fault on our side"),
            replies.Reply(200, {"quoteResponse": {"result": None, "error": None}}),
            replies.refused(404, "quoteResponse", "No data found"),
        ],
    )
    def test_a_list_that_is_refused_takes_the_others_not_down(
        self,
        yahoo: Yahoo,
        server: YahooServer,
        caplog: pytest.LogCaptureFixture,
        reply: replies.Reply,
    ) -> None:
        tickers = [f"T{number}" for number in range(60)]
        server.quotes = {ticker: {"symbol": ticker} for ticker in tickers}
        server.tell("/quote", replace(reply, times=1 if reply.status == 404 else 3))

        assert list(yahoo.quotes(tickers)) == tickers[50:]
        assert "no quotes for 50 tickers from T0 to T49" in caplog.text

    def test_what_concerns_the_source_is_told(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.tell("/quote", replies.redirect(302, "https://guce.yahoo.com/consent"))

        fails(lambda: yahoo.quotes(["AAA"]), SourceUnavailable)

    def test_no_request_without_a_ticker(self, yahoo: Yahoo, gate: CountingGate) -> None:
        assert yahoo.quotes([]) == {}
        assert gate.count == 0

    def test_a_list_is_not_too_long_for_an_address(self, yahoo: Yahoo, server: YahooServer) -> None:
        tickers = [f"A{number:02}&{'B' * 20}.NS" for number in range(101)]

        lists = list(symbol_lists(tickers))
        yahoo.quotes(tickers)

        assert [ticker for listed in lists for ticker in listed] == tickers
        assert max(map(len, lists)) <= 50
        assert len(server.requests("/quote")) == len(lists) == 3


class TestCaches:
    """Only caches: what is wrong with one is named in a log line, and costs at most one request."""

    FILE = "cookies.json"

    @pytest.fixture
    def folder(self, connect: Callable[..., Yahoo], tmp_path: Path) -> Path:
        """Where an earlier process kept its cookie."""
        bars(connect())
        [found] = (tmp_path / "yahoo").iterdir()
        assert (found / self.FILE).stat().st_mode & 0o777 == 0o600
        return found

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\x00\xff not json",
            b"[]",
            b"{}x",
            b'{"curlCffi": 7}',
            b'{"curlCffi": [{"name": "A3"}]}',
            b'{"curlCffi": []}',
        ],
    )
    def test_a_damaged_file_is_removed_and_made_anew(
        self,
        folder: Path,
        connect: Callable[..., Yahoo],
        server: YahooServer,
        caplog: pytest.LogCaptureFixture,
        content: bytes,
    ) -> None:
        good = (folder / self.FILE).read_bytes()
        (folder / self.FILE).write_bytes(content)
        server.asked.clear()

        assert bars(connect()) == [DAY]
        assert f"removed the cache {folder / self.FILE}" in caplog.text
        assert (folder / self.FILE).read_bytes()[:20] == good[:20]
        assert [asked.path for asked in server.asked] == ["/", "/v1/test/getcrumb", "/v8/finance/chart/AAA"]

    def test_what_root_keeps_there_is_the_folders_owners(self, connect: Callable[..., Yahoo], tmp_path: Path) -> None:
        """A command of root's keeps its cookie where a service of another user reads it."""
        owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        (tmp_path / "yahoo").mkdir()
        os.chown(tmp_path / "yahoo", owner, -1)
        bars(connect())
        [folder] = (tmp_path / "yahoo").iterdir()
        assert {path.stat().st_uid for path in (folder, folder / self.FILE)} == {owner}

    def test_a_cookie_that_is_not_the_one_is_asked_for_anew(
        self, folder: Path, connect: Callable[..., Yahoo], server: YahooServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        kept = folder / self.FILE
        kept.write_text(kept.read_text().replace('"A3"', '"dflow"'))
        server.asked.clear()

        assert bars(connect()) == [DAY]
        assert "it has no cookie A3" in caplog.text
        assert len([asked for asked in server.asked if asked.path == "/"]) == 1

    def test_a_cookie_that_yahoo_does_not_take_any_more(
        self, folder: Path, connect: Callable[..., Yahoo], server: YahooServer
    ) -> None:
        once = replies.Reply(401, '{"finance": {"result": null, "error": {"code": "Unauthorized"}}}', times=1)
        server.tell("getcrumb", once)
        server.asked.clear()

        assert bars(connect()) == [DAY]
        assert [asked.path for asked in server.asked][:3] == ["/v1/test/getcrumb", "/", "/v1/test/getcrumb"]

    def test_databases_of_another_kind_are_removed(
        self, folder: Path, connect: Callable[..., Yahoo], caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("tkr-tz.db", "cookies.db", "cookies.db-wal"):
            (folder / name).write_bytes(b"damaged")

        assert bars(connect()) == [DAY]
        assert [path.name for path in folder.iterdir()] == [self.FILE]
        assert f"removed the cache {folder / 'tkr-tz.db'}" in caplog.text

    def test_a_file_in_the_folder_s_place_is_removed(
        self, connect: Callable[..., Yahoo], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        connect()
        [folder] = (tmp_path / "yahoo").iterdir()
        folder.rmdir()
        folder.write_text("not a folder")

        assert bars(connect()) == [DAY]
        assert f"removed the cache {folder}" in caplog.text
        assert (folder / self.FILE).exists()

    def test_where_nothing_can_be_written_it_is_kept_in_memory(
        self, connect: Callable[..., Yahoo], tmp_path: Path, server: YahooServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "a-file").write_text("a user's")
        yahoo = connect(cache_dir=tmp_path / "a-file")

        assert bars(yahoo) == bars(yahoo, "BBB") == [DAY]
        assert "kept in memory only" in caplog.text and str(tmp_path / "a-file") in caplog.text
        assert len([asked for asked in server.asked if asked.path == "/"]) == 1
        assert (tmp_path / "a-file").read_text() == "a user's"


class TestCookies:
    OTHERS = ("dflow=1; Max-Age=31557600; Domain=.yahoo.com; Path=/", "GUCS=x; Max-Age=1800; Domain=.yahoo.com; Path=/")

    def test_none_that_yahoo_answers_with_is_asked_for_once_more(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.cookies = list(self.OTHERS)

        fails(lambda: bars(yahoo), SourceUnavailable, "Yahoo gives no cookie A3")
        assert [asked.path for asked in server.asked] == ["/", "/"]

    def test_a_later_process_is_not_spoilt(self, connect: Callable[..., Yahoo], server: YahooServer) -> None:
        server.cookies = list(self.OTHERS)
        fails(lambda: bars(connect()), SourceUnavailable)
        server.cookies = [*self.OTHERS, replies.GOOD_COOKIE]

        assert bars(connect()) == [DAY]

    @pytest.mark.parametrize("lifetime", ["", "Max-Age=31557600; "])
    def test_beside_those_of_another_domain_it_is_still_kept(
        self, connect: Callable[..., Yahoo], server: YahooServer, lifetime: str
    ) -> None:
        """Of one without a lifetime as well."""
        server.cookies = ["own=1; Path=/; Max-Age=900", f"A3=d=AQAB; {lifetime}Domain=.yahoo.com; Path=/"]
        yahoo = connect()

        assert bars(yahoo) == bars(yahoo, "BBB") == bars(connect()) == [DAY]
        assert [asked.path for asked in server.asked].count("/") == 1

    def test_one_that_comes_with_a_redirect_to_consent_is_enough(self, yahoo: Yahoo, server: YahooServer) -> None:
        server.root = replies.redirect(302, "https://guce.yahoo.com/consent")

        assert bars(yahoo) == [DAY]
        assert {asked.host for asked in server.asked} == {
            "fc.yahoo.com",
            "query1.finance.yahoo.com",
            "query2.finance.yahoo.com",
        }
