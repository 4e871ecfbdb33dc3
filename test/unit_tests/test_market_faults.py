"""Faults: which requests they strike, what they do to the data, and which are refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from market.fault import DataFault
from market.faults import Fault, Faults, FaultyMarket, read_faults
from market.invented import InventedMarket
from market.model import Bar, UnknownSymbol
from market.refusals import Delay, RateLimit, Refusal
from utils.errors import InvalidInput

UNTIL = date(2026, 8, 21)
AFTER_CLOSE = datetime(2026, 8, 21, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(7, UNTIL)


@pytest.fixture
def faults(market: InventedMarket) -> Faults:
    return Faults(market)


@pytest.fixture
def visible(market: InventedMarket, faults: Faults) -> FaultyMarket:
    return FaultyMarket(market, faults)


def fault(**values: Any) -> Refusal | DataFault:
    parsed: Refusal | DataFault = TypeAdapter(Fault).validate_python(values)
    return parsed


def struck(faults: Faults, requests: int, endpoint: Any = "chart", ticker: str = "SPY") -> list[bool]:
    return [bool(faults.due(endpoint, [ticker])) for _ in range(requests)]


def test_without_a_count_every_request_until_cleared(faults: Faults) -> None:
    faults.add(RateLimit(kind="rate_limit"))
    assert struck(faults, 3) == [True, True, True]
    faults.clear()
    assert struck(faults, 1) == [False]


def test_the_next_n_requests(faults: Faults) -> None:
    faults.add(RateLimit(kind="rate_limit", count=2))
    assert struck(faults, 4) == [True, True, False, False]
    assert faults.described() == [{"kind": "rate_limit", "count": 2, "from_request": 1, "seen": 4, "struck": 2}]


def test_from_request_n_on(faults: Faults) -> None:
    faults.add(RateLimit(kind="rate_limit", from_request=3))
    assert struck(faults, 5) == [False, False, True, True, True]


def test_some_requests_from_the_nth_on(faults: Faults) -> None:
    faults.add(RateLimit(kind="rate_limit", from_request=2, count=1))
    assert struck(faults, 4) == [False, True, False, False]


def test_only_an_endpoint_or_a_ticker(faults: Faults) -> None:
    faults.add(RateLimit(kind="rate_limit", endpoint="quote", ticker="AAPL"))
    assert not faults.due("chart", ["AAPL"])
    assert not faults.due("quote", ["MSFT"])
    assert faults.due("quote", ["MSFT", "AAPL"])


def test_a_missing_bar(market: InventedMarket, faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="missing_bar", ticker="SPY", session="2026-08-20"))
    gone = {bar.session for bar in market.bars("SPY", AFTER_CLOSE)} - {
        bar.session for bar in visible.bars("SPY", AFTER_CLOSE)
    }
    assert gone == {date(2026, 8, 20)}
    assert visible.bars("QQQ", AFTER_CLOSE) == market.bars("QQQ", AFTER_CLOSE)


def test_a_nan_bar(faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="nan_bar", ticker="SPY", session="2026-08-20"))
    nan = visible.bars("SPY", AFTER_CLOSE)[-2]
    assert (nan.session, nan.open, nan.close, nan.adj_close, nan.volume) == (date(2026, 8, 20), None, None, None, None)


def test_a_scaled_bar(market: InventedMarket, faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="scaled_bar", ticker="SPY", session="2026-08-20", factor=1.5))
    true, wrong = market.bars("SPY", AFTER_CLOSE), visible.bars("SPY", AFTER_CLOSE)
    assert [bar.session for bar, other in zip(true, wrong, strict=True) if bar != other] == [date(2026, 8, 20)]
    assert (wrong[-2].low, wrong[-2].adj_close) == (true[-2].low * 1.5, true[-2].adj_close * 1.5)
    assert wrong[-2].volume == true[-2].volume


def test_a_partial_last_bar(market: InventedMarket, faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="partial_bar", ticker="SPY"))
    whole, partial = market.bars("SPY", AFTER_CLOSE)[-1], visible.bars("SPY", AFTER_CLOSE)[-1]
    assert partial.is_partial
    assert partial.close != whole.close
    assert whole.low <= partial.low <= partial.close <= partial.high <= whole.high  # type: ignore[operator]


def test_an_unknown_ticker(faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="unknown_ticker", ticker="SPY"))
    for ask in (visible.bars, visible.quote, visible.holdings):
        with pytest.raises(UnknownSymbol):
            ask("SPY", AFTER_CLOSE)


def test_a_holding_without_a_market_cap(faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="no_market_cap", ticker="AAPL"))
    apple, microsoft = visible.quote("AAPL", AFTER_CLOSE), visible.quote("MSFT", AFTER_CLOSE)
    assert apple and apple.market_cap is None and apple.shares_outstanding is None
    assert microsoft and microsoft.market_cap


def test_a_holding_of_several_etfs(faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="shared_holding", ticker="NVDA", etfs=["XLU", "QQQ"]))
    for etf in ("XLU", "QQQ"):
        holdings = visible.holdings(etf, AFTER_CLOSE)
        assert (holdings[0].ticker, holdings[0].percent) == ("NVDA", 0.25)
        assert len(holdings) == 10
        assert [one.ticker for one in holdings].count("NVDA") == 1
    assert visible.holdings("XLB", AFTER_CLOSE)[0].ticker != "NVDA"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"kind": "missing_bar", "ticker": "NOPE", "session": "2026-08-20"}, "no NOPE"),
        ({"kind": "missing_bar", "ticker": "SPY", "session": "2026-08-22"}, "no bar of 2026-08-22"),
        ({"kind": "unadjusted_split", "ticker": "SPY", "session": "2026-08-22", "ratio": 2}, "no bar of 2026-08-22"),
        ({"kind": "null_rows", "ticker": "SPY", "sessions": ["2026-08-22"]}, "no bar of 2026-08-22"),
        ({"kind": "swapped_symbols", "a": "SPY", "b": "NOPE"}, "swapped_symbols: the market has no NOPE"),
        ({"kind": "shared_holding", "ticker": "NVDA", "etfs": ["AAPL"]}, "not an ETF here: AAPL"),
    ],
)
def test_a_fault_of_nothing_is_refused(faults: Faults, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        faults.add(fault(**values))


def test_a_file_of_faults(tmp_path: Path) -> None:
    as_json, as_toml = tmp_path / "faults.json", tmp_path / "faults.toml"
    as_json.write_text('[{"kind": "rate_limit", "count": 2}, {"kind": "delay", "seconds": 3}]')
    as_toml.write_text('[[faults]]\nkind = "rate_limit"\ncount = 2\n\n[[faults]]\nkind = "delay"\nseconds = 3\n')
    expected = [RateLimit(kind="rate_limit", count=2), Delay(kind="delay", seconds=3)]
    assert read_faults(as_json) == read_faults(as_toml) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[", "cannot be read"),
        ('[{"kind": "rate_limit"}, {"kind": "flood"}]', "fault 2: .*flood"),
        ('[{"kind": "delay"}]', "fault 1, delay, seconds: Field required"),
        ('[{"kind": "rate_limit", "cuont": 1}]', "fault 1, rate_limit, cuont: Extra inputs"),
        ('[{"kind": "missing_bar", "ticker": "SPY", "session": "soon"}]', "fault 1, missing_bar, session"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match=rf"faults\.json: .*{reason}"):
        read_faults(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_faults(tmp_path / "faults.json")


class TestPrices:
    """What each fault of prices makes of a market's bars."""

    Bars = tuple[list[Bar], list[Bar]]

    @pytest.fixture
    def spoilt(self, market: InventedMarket, faults: Faults, visible: FaultyMarket) -> Callable[..., Bars]:
        """True and visible bars of a ticker with a fault."""

        def ask(of: str, **values: Any) -> "TestPrices.Bars":
            faults.add(fault(**values))
            return market.bars(of, AFTER_CLOSE), visible.bars(of, AFTER_CLOSE)

        return ask

    def test_null_rows(self, spoilt: Any) -> None:
        days = [date(2026, 8, 19), date(2026, 8, 20)]
        true, told = spoilt("SPY", kind="null_rows", ticker="SPY", sessions=[str(day) for day in days])
        assert [bar.session for bar in told if bar.close is None] == days
        assert [bar for bar in told if bar.close] == [bar for bar in true if bar.session not in days]

    @pytest.mark.parametrize("side", ["high", "low"])
    def test_a_close_outside_its_range(self, spoilt: Any, side: str) -> None:
        true, told = spoilt("SPY", kind="close_outside_range", ticker="SPY", session="2026-08-20", side=side)
        assert (told[-2].close > told[-2].high) == (side == "high")
        assert (told[-2].close < told[-2].low) == (side == "low")
        assert told[-2].close == true[-2].close
        assert told[:-2] + told[-1:] == true[:-2] + true[-1:]

    @pytest.mark.parametrize("ratio", [0.05, 3.0, 1.064])
    def test_a_split_that_older_bars_do_not_know(self, spoilt: Any, ratio: float) -> None:
        true, told = spoilt("V", kind="unadjusted_split", ticker="V", session="2026-08-19", ratio=ratio)
        assert [bar.split_ratio for bar in told[-4:]] == [1, ratio, 1, 1]
        assert told[-4].close == true[-4].close * ratio
        assert told[0].adj_close == true[0].adj_close * ratio
        assert told[-2:] == true[-2:]
        assert told[-3].close == true[-3].close

    def test_a_split_is_not_known_before_it_happens(self, market: InventedMarket, faults: Faults) -> None:
        faults.add(fault(kind="unadjusted_split", ticker="V", session="2026-08-21", ratio=0.05))
        before = datetime(2026, 8, 20, 20, 15, tzinfo=UTC)
        assert FaultyMarket(market, faults).bars("V", before) == market.bars("V", before)

    @pytest.mark.parametrize(
        ("effect", "listed", "counted"),
        [
            ("scaled", 100, 100),
            ("doubled", 1, 2),
            ("forgotten", 1, 0),
            ("gone", 0, 1),
            ("lost", 0, 0),
            ("other_currency", 100, 1),
        ],
    )
    def test_a_dividend_that_does_not_go_with_the_adjusted_closes(
        self, spoilt: Any, market: InventedMarket, effect: str, listed: int, counted: int
    ) -> None:
        row, paid = next((at, bar) for at, bar in enumerate(market.bars("SPY", AFTER_CLOSE)[600:], 600) if bar.dividend)
        true, told = spoilt("SPY", kind="odd_dividend", ticker="SPY", session=str(paid.session), effect=effect)
        assert told[row].dividend == paid.dividend * listed
        before = true[row - 1].close
        expected = max(1 - counted * paid.dividend / before, 0.01) / (1 - paid.dividend / before)
        assert told[row - 1].adj_close / true[row - 1].adj_close == pytest.approx(expected, rel=1e-6)
        assert told[row - 1].close == before
        assert told[row + 1 :] == true[row + 1 :]

    def test_a_dividend_out_of_nothing(self, spoilt: Any) -> None:
        values = {"ticker": "TSLA", "session": "2026-08-20", "effect": "forgotten", "amount": 2.5}
        true, told = spoilt("TSLA", kind="odd_dividend", **values)
        assert (told[-2].dividend, true[-2].dividend) == (2.5, 0)
        assert [bar.adj_close for bar in told] == [bar.adj_close for bar in true]

    def test_a_capital_gain(self, spoilt: Any) -> None:
        true, told = spoilt("SCHD", kind="capital_gain", ticker="SCHD", session="2026-08-20", amount=1.0)
        assert told[-2].capital_gain == 1.0
        assert told[-3].adj_close / true[-3].adj_close == pytest.approx(1 - 1 / true[-3].close, rel=1e-6)

    @pytest.mark.parametrize("factor", [0.3, 1.75])
    def test_a_true_move_stays(self, spoilt: Any, factor: float) -> None:
        true, told = spoilt("SPY", kind="true_move", ticker="SPY", session="2026-06-17", factor=factor, volume=8)
        at = next(row for row, bar in enumerate(true) if bar.session == date(2026, 6, 17))
        assert told[:at] == true[:at]
        for name in ("open", "high", "low", "close", "adj_close"):
            assert [getattr(bar, name) for bar in told[at:]] == [getattr(bar, name) * factor for bar in true[at:]]
        assert [bar.volume for bar in told[at:]] == [true[at].volume * 8, *(bar.volume for bar in true[at + 1 :])]
        paid = [bar.dividend for bar in true[at:]]
        assert any(paid)
        assert [bar.dividend for bar in told[at:]] == [paid[0], *(dividend * factor for dividend in paid[1:])]

    def test_a_true_move_is_not_known_before_it_happens(self, market: InventedMarket, faults: Faults) -> None:
        faults.add(fault(kind="true_move", ticker="V", session="2026-08-21", factor=1.6))
        before = datetime(2026, 8, 20, 20, 15, tzinfo=UTC)
        assert FaultyMarket(market, faults).bars("V", before) == market.bars("V", before)

    def test_shifted_days(self, spoilt: Any) -> None:
        true, told = spoilt("XLU", kind="shifted_days", ticker="XLU")
        assert [bar.close for bar in told] == [bar.close for bar in true[:-1]]
        assert [bar.session for bar in told] == [bar.session for bar in true[1:]]

    def test_swapped_symbols(self, spoilt: Any, market: InventedMarket, visible: FaultyMarket) -> None:
        _, told = spoilt("KO", kind="swapped_symbols", a="KO", b="PEP")
        assert told == market.bars("PEP", AFTER_CLOSE)
        assert visible.bars("PEP", AFTER_CLOSE) == market.bars("KO", AFTER_CLOSE)
        assert visible.security("KO").ticker == "KO"

    @pytest.mark.parametrize(("suffix", "ticker", "other"), [(".KS", "005930.KS", "SPY"), ("", "SPY", "005930.KS")])
    def test_a_closed_day_that_nobody_knew(
        self, spoilt: Any, market: InventedMarket, visible: FaultyMarket, suffix: str, ticker: str, other: str
    ) -> None:
        day = date(2026, 8, 20)
        true, told = spoilt(ticker, kind="unknown_closed_day", suffix=suffix, session=str(day))
        assert told == [bar for bar in true if bar.session != day]
        for untouched in (other, "KRW=X"):
            assert visible.bars(untouched, AFTER_CLOSE) == market.bars(untouched, AFTER_CLOSE)

    def test_a_session_lost_for_nearly_all(self, spoilt: Any, market: InventedMarket, visible: FaultyMarket) -> None:
        day = date(2026, 8, 20)
        true, told = spoilt("QQQ", kind="lost_bars", session=str(day), kept=["SPY", "AAPL"])
        assert told == [bar for bar in true if bar.session != day]
        for kept in ("SPY", "AAPL", "KRW=X"):
            assert visible.bars(kept, AFTER_CLOSE) == market.bars(kept, AFTER_CLOSE)


def test_holdings_of_one_fund_twice_in_its_list(market: InventedMarket, faults: Faults, visible: FaultyMarket) -> None:
    faults.add(fault(kind="shared_holding", ticker="NVDA", etfs=["XLU"]))
    assert visible.holding_lines("XLU", AFTER_CLOSE)[0].ticker == "NVDA"
    assert visible.holding_lines("QQQ", AFTER_CLOSE) == market.holding_lines("QQQ", AFTER_CLOSE)
