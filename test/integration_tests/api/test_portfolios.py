"""What the API answers about portfolios: of a session, of a month, and the trades between two months."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import stored_close


def test_portfolio_is_the_newest_publication(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio").json()
    assert (portfolio["as_of_date"], portfolio["period_days"], portfolio["status"]) == ("2026-08-21", 20, "published")
    assert (portfolio["source"], portfolio["published_at"]) == ("simulated", "2026-08-24T13:03:00Z")
    assert [each["position_rank"] for each in portfolio["positions"]] == list(range(1, 9))
    assert sum(each["portfolio_weight"] for each in portfolio["positions"]) + portfolio["cash_weight"] == pytest.approx(
        1
    )
    assert portfolio["holdings_known_later"] is False
    first = portfolio["positions"][0]
    assert (first["ticker"], first["source_etfs"], first["period_return"]) == ("NEM", ["XLB"], 0.117)
    assert first["score"] == first["period_return"] / first["market_cap"]


def test_portfolio_of_a_session(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?period_days=20&as_of_date=2026-08-20").json()
    assert portfolio["as_of_date"] == "2026-08-20"
    assert [each["ticker"] for each in portfolio["positions"]] == ["GS", "NVDA"]
    assert portfolio["positions"][0]["source_etfs"] == ["XLF", "DIA"]


def test_later_holdings_are_said(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?period_days=10").json()
    assert (portfolio["holdings_as_of"], portfolio["holdings_known_later"]) == ("2026-08-28", True)


def test_a_degraded_publication_says_what_was_missing(api: TestClient) -> None:
    degraded, whole = (api.get(f"/stocks/portfolio?as_of_date=2026-08-{day}").json() for day in (20, 21))
    assert degraded["degraded_reason"] == "XLB has no bar of 2026-08-13 (missing at the source)"
    assert degraded["degraded_reasons"] == [
        {
            "code": "lacks_bar",
            "params": {"ticker": "XLB", "session": "2026-08-13", "state": {"code": "state_missing", "params": {}}},
            "sentence": degraded["degraded_reason"],
        }
    ]
    assert (whole["degraded_reason"], whole["degraded_reasons"]) == (None, [])
    assert {each["degraded_reason"] for each in api.get("/health").json()["publications"]} == {None}


def test_empty_publication_is_an_answer(api: TestClient) -> None:
    answer = api.get("/stocks/portfolio?period_days=5")
    assert answer.status_code == 200
    assert answer.json()["status"] == "empty"
    assert answer.json()["positions"] == []
    assert answer.json()["reason"] == "no ETF trends over 5 sessions"
    assert answer.json()["cash_weight"] == 1


@pytest.mark.parametrize(
    ("query", "status", "error", "said"),
    [
        ("as_of_date=2026-08-19", 404, "NotPublished", "2026-08-19"),
        ("as_of_date=2026-08-22", 422, "NotASession", "the nearest are 2026-08-21 and 2026-08-24"),
        ("as_of_date=2026-07-03", 422, "NotASession", "not an XNYS session"),
        ("as_of_date=1901-01-01", 422, "NotASession", "outside"),
        ("period_days=7", 422, "InvalidParameter", "5, 10, 20"),
    ],
)
def test_no_such_portfolio(api: TestClient, query: str, status: int, error: str, said: str) -> None:
    answer = api.get(f"/stocks/portfolio?{query}")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert said in answer.json()["detail"]


def test_allocations_say_who_was_looked_at_and_why_not_chosen(api: TestClient) -> None:
    answer = api.get("/dashboard/active-allocations").json()
    assert (answer["as_of_date"], answer["bars"]) == ("2026-08-21", {"stored": 26, "late": 1})
    portfolios = {each["period_days"]: each for each in answer["portfolios"]}
    assert list(portfolios) == [5, 10, 20]
    for days, portfolio in portfolios.items():
        alone = api.get(f"/stocks/portfolio?period_days={days}").json()
        assert {name: portfolio[name] for name in alone} == alone
    candidates = {(each["etf_ticker"], each["ticker"]): each for each in portfolios[20]["candidates"]}
    assert candidates["QQQ", "MU"]["is_selected"] and candidates["QQQ", "MU"]["exclusion_reason"] is None
    assert candidates["QQQ", "NVDA"]["exclusion_reason"] == "MU returned more (+13.20 %)"
    assert candidates["EWY", "005930.KS"]["period_return"] is None
    assert api.get("/dashboard/active-allocations?as_of_date=2026-08-19").status_code == 404


def test_allocations_are_given_in_the_part_that_is_asked_for(api: TestClient) -> None:
    whole = api.get("/dashboard/active-allocations").json()["portfolios"][2]
    assert whole["candidate_count"] == len(whole["candidates"])

    def part(query: str) -> dict[str, Any]:
        [portfolio] = api.get(f"/dashboard/active-allocations?period_days=20&{query}").json()["portfolios"]
        assert portfolio["positions"] == whole["positions"]
        assert portfolio["candidate_count"] == whole["candidate_count"]
        return dict(portfolio)

    assert part("candidates=none")["candidates"] == []
    first, etfs = whole["positions"][0], {each["ticker"]: each["source_etfs"] for each in whole["positions"]}
    for query, ticker in (("candidates=position", first["ticker"]), ("candidates=position&ticker=mu", "MU")):
        offered = [each for each in whole["candidates"] if each["etf_ticker"] in etfs[ticker]]
        assert part(query)["candidates"] == offered
        assert 0 < len(offered) < len(whole["candidates"])
    assert api.get("/dashboard/active-allocations?period_days=7").status_code == 422


def test_monthly_portfolio_and_what_it_changes(api: TestClient) -> None:
    monthly = api.get("/stocks/monthly-portfolio").json()
    assert (monthly["rebalance_date"], monthly["valid_until"], monthly["as_of_date"]) == (
        "2026-07-26",
        "2026-08-21",
        "2026-07-24",
    )
    assert (monthly["status"], monthly["source"], monthly["previous_rebalance_date"]) == (
        "published",
        "simulated",
        "2026-06-28",
    )
    assert [
        (each["final_rank"], each["ticker"], each["source_periods"], each["previous_rank"], each["previous_weight"])
        for each in monthly["positions"]
    ] == [
        (1, "MU", [5, 10, 20], None, None),
        (2, "000660.KS", [20], None, None),
        (20, "NEM", [5, 10], 1, 0.4),
    ]
    assert [(each["ticker"], each["final_weight"]) for each in monthly["removed"]] == [("WELL", 0.6)]
    assert api.get("/stocks/monthly-portfolio?rebalance_date=2026-07-26").json() == monthly
    assert api.get("/stocks/monthly-portfolio?rebalance_date=2026-05-31").status_code == 404


def test_monthly_positions_carry_the_price_of_their_session_in_dollars(
    api: TestClient, sample_database: DatabaseSettings
) -> None:
    monthly = api.get("/stocks/monthly-portfolio").json()
    prices = {each["ticker"]: each for each in [*monthly["positions"], *monthly["removed"]]}
    close = {(ticker, day): stored_close(sample_database, ticker, day) for ticker, day in [("MU", "2026-07-24")]}
    assert prices["MU"]["price_usd"] == close["MU", "2026-07-24"] and prices["MU"]["price_date"] == "2026-07-24"
    assert prices["WELL"]["price_date"] == "2026-07-24", "what leaves is sold at the price of the new month"
    won, rate = (stored_close(sample_database, ticker, "2026-07-24") for ticker in ("000660.KS", "KRW=X"))
    assert prices["000660.KS"]["price_usd"] == pytest.approx(won / rate)


def test_first_month_changes_nothing(api: TestClient) -> None:
    first = api.get("/stocks/monthly-portfolio?rebalance_date=2026-06-28").json()
    assert (first["previous_rebalance_date"], first["removed"]) == (None, [])
    assert [each["price_usd"] for each in first["positions"]] == [None, None], "no bar is that old"


def test_monthly_trades_lead_from_one_month_to_the_next(api: TestClient) -> None:
    monthly = api.get("/stocks/monthly-portfolio").json()
    answer = api.get("/stocks/monthly-trades?capital=250000").json()
    assert (answer["capital"], answer["cost_rate"], answer["as_of_date"]) == (250_000, 0.001, "2026-07-24")
    trades = {each["ticker"]: each for each in answer["trades"]}
    assert list(trades) == ["MU", "000660.KS", "NEM", "WELL"], "this month's by rank, then what leaves"
    assert [trades[each["ticker"]]["target_weight"] for each in monthly["positions"]] == [0.5, 0.3, 0.2]
    assert (trades["NEM"]["held_weight"], trades["WELL"]["held_weight"]) == (0.4, 0.6), (
        "no bar is old enough to drift by"
    )
    assert [ticker for ticker, trade in trades.items() if trade["is_undrifted"]] == ["NEM", "WELL"]
    assert [each["params"]["ticker"] for each in answer["degraded_reasons"]] == ["NEM", "WELL"]
    assert (answer["status"], answer["reason"], answer["previous_is_expired"]) == ("published", None, False)
    assert answer["previous_valid_until"] == "2026-07-27", "the session at whose close this month is bought"
    assert [each["side"] for each in trades.values()] == ["buy", "buy", "sell", "sell"]
    for trade in trades.values():
        assert trade["held_shares"] == int(250_000 * trade["held_weight"] / trade["price_usd"])
        assert trade["shares"] == trade["target_shares"] - trade["held_shares"]
        assert trade["share_of_volume"] is None or trade["share_of_volume"] > 0
        assert trade["value"] == pytest.approx(abs(trade["shares"]) * trade["price_usd"])
        unspent = 250_000 * trade["target_weight"] - trade["target_shares"] * trade["price_usd"]
        assert 0 <= unspent < trade["price_usd"] + 0.002 * 250_000, "less than a share, and what the costs may be"
    assert answer["cost"] == pytest.approx(0.001 * (answer["bought"] + answer["sold"]))
    invested = sum(each["target_shares"] * each["price_usd"] for each in trades.values())
    assert answer["cash_left"] == pytest.approx(250_000 - invested - answer["cost"]) and answer["cash_left"] >= 0


def test_monthly_trades_of_a_first_month_without_prices(api: TestClient) -> None:
    answer = api.get("/stocks/monthly-trades?rebalance_date=2026-06-28").json()
    assert (answer["previous_rebalance_date"], answer["cash_left"]) == (None, 100_000)
    assert (answer["previous_valid_until"], answer["previous_is_expired"]) == (None, False)
    assert (answer["unpriced_value"], answer["degraded_reason"]) == (0, None)
    assert {(each["side"], each["missing_reason"]) for each in answer["trades"]} == {
        (None, "no price is stored of it by then")
    }
    assert api.get("/stocks/monthly-trades?rebalance_date=2026-05-31").status_code == 404
    assert api.get("/stocks/monthly-trades?capital=0").status_code == 422
