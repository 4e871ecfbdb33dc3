"""The invented market of any size: who is listed, what funds hold, and the universe that goes with it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config.universe import ALL_HOLDINGS, load, universe
from market.invented import InventedMarket
from market.roster import LISTED, Roster, roster_of
from market.universe_files import write_universe
from utils.errors import InvalidInput

UNTIL = date(2026, 8, 21)
AFTER_CLOSE = datetime(2026, 8, 21, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def large() -> Roster:
    return roster_of(etfs=500, stocks=3000)


@pytest.fixture(scope="module")
def market(large: Roster) -> InventedMarket:
    return InventedMarket(7, UNTIL, sessions=60, roster=large, largest=25)


def test_it_has_as_many_as_wanted(large: Roster) -> None:
    assert (len(large.fund_of), len(large.company_of)) == (500, 3000)
    assert large.funds[:15] == LISTED.funds
    assert large.sectors == LISTED.sectors


def test_without_numbers_it_is_the_listed_one() -> None:
    assert roster_of() == LISTED


def test_a_made_up_company_is_the_same_on_every_market(large: Roster) -> None:
    larger = roster_of(stocks=3100)

    assert larger.companies[:3000] == large.companies


def test_every_stock_at_home_is_among_the_ten_largest_of_some_fund(large: Roster) -> None:
    caps = {company.ticker: company.market_cap for company in large.companies}
    listed = {member for fund in large.funds for member in sorted(fund.members, key=lambda ticker: -caps[ticker])[:10]}

    made_up = {company.ticker for company in large.companies[len(LISTED.companies) :]}
    assert len(made_up - listed) < 0.02 * len(made_up), "nobody ever asks for what no fund lists"


def test_the_listed_tickers_have_the_same_prices_on_a_market_of_any_size(market: InventedMarket) -> None:
    small = InventedMarket(7, UNTIL, sessions=60)

    for ticker in ("SPY", "NVDA", "005930.KS", "KRW=X"):
        assert market.bars(ticker, AFTER_CLOSE) == small.bars(ticker, AFTER_CLOSE)


def test_a_made_up_fund_lists_its_largest_holdings(market: InventedMarket) -> None:
    held = market.holdings("F0100", AFTER_CLOSE)

    assert len(held) == 25
    assert [each.percent for each in held] == sorted((each.percent for each in held), reverse=True)
    assert {market.security(each.ticker).kind for each in held} == {"EQUITY"}
    assert len(market.bars("F0100", AFTER_CLOSE)) == 60


@pytest.mark.parametrize(("etfs", "stocks"), [(14, None), (None, 150), (10_000, None)])
def test_a_number_that_cannot_be_is_refused(etfs: int | None, stocks: int | None) -> None:
    with pytest.raises(InvalidInput, match="an invented market has"):
        roster_of(etfs, stocks)


def test_all_holdings_are_written_as_a_person_writes_them(tmp_path: Path, large: Roster) -> None:
    written = write_universe(tmp_path, large, ALL_HOLDINGS)

    assert 'top_holdings = "all"\n' in written.read_text()
    assert load(written).top_holdings == ALL_HOLDINGS


def test_the_universe_of_a_market_can_be_loaded(tmp_path: Path, large: Roster) -> None:
    written = load(write_universe(tmp_path, large, top_holdings=25))

    assert written.etfs[0] == "SPY"
    assert set(written.etfs) == set(large.fund_of)
    assert written.top_holdings == 25
    assert written.etf_type("QQQ") == "benchmark+sector"
    assert {etf: written.sectors.get(etf) for etf in universe().etfs} == {
        etf: universe().sectors.get(etf) for etf in universe().etfs
    }
    assert all(written.sector_of_stocks(etf) for etf in written.sectors)
