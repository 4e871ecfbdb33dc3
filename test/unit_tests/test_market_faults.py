"""Faults: which requests they strike, what they do to the data, and which are refused."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from collector.market.fault import DataFault
from collector.market.faults import Fault, Faults, FaultyMarket, read_faults
from collector.market.invented import InventedMarket
from collector.market.model import UnknownSymbol
from collector.market.refusals import Delay, RateLimit, Refusal
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
