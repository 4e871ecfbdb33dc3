"""The recorded market: what its files may hold, how their gaps are answered, and which files are refused."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from market.model import UnknownSymbol
from market.recorded import BadMarketFile, RecordedMarket

FILES = {
    "prices.csv": """\
ticker,date,open,high,low,close,adj_close,volume
FUND,2026-08-17,50,51,49,50,49.5,1000
FUND,2026-08-18,51,52,50,51,50.49,1100
FUND,2026-08-19,25.5,27,25,26,26,2300
FUND,2026-08-20,26,27,25,26.5,26.5,2400
SPLT,2026-08-17,10,11,9,10,10,400
SPLT,2026-08-18,10,11,9,10.3333,10.3333,400
SPLT,2026-08-19,10.1,11,9,10.2,10.2,700
SPLT,2026-08-20,10.2,11,9,10.4,10.4,800
SPUN,2026-08-18,,,,10,10,400
SPUN,2026-08-20,,,,11,11,400
000001.KS,2026-08-18,1000,1100,900,1000,,50
000001.KS,2026-08-19,1000,1100,900,1010,,
000001.KS,2026-08-20,1000,1100,900,990,,70
""",
    "holdings.csv": """\
etf,as_of,rank,holding_ticker,holding_name,percent
FUND,2026-08-18,2,SPUN,,0.2
FUND,2026-08-18,1,SPLT,"Split, Inc.",0.3
FUND,2026-08-22,1,SPUN,Spun Inc.,0.4
""",
    "stocks.csv": """\
ticker,name,sector,shares_outstanding,market_cap,as_of
SPLT,"Split, Inc.",Information Technology,1000,20800,2026-08-20
SPUN,Spun Inc.,Energy,,5500,2026-08-20
000001.KS,Korea One,Health Care,10,9900,2026-08-20
NOPRICE,No Price,Materials,5,,2026-08-20
""",
    "actions.csv": """\
ticker,date,dividend,split_ratio
FUND,2026-08-19,0.5,
SPLT,2026-08-19,,4.0
SPUN,2026-08-19,,1.0608
000001.KS,2026-08-19,10,
NOPRICE,2026-08-19,1,
""",
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the files, with one of them replaced or (None) left out, and give the folder."""

    def written(**replaced: str | None) -> Path:
        for name, content in {**FILES, **{f"{stem}.csv": text for stem, text in replaced.items()}}.items():
            if content is not None:
                (tmp_path / name).write_text(content)
        return tmp_path

    return written


def at(day: int, hour: int = 21) -> datetime:
    return datetime(2026, 8, day, hour, tzinfo=UTC)


def test_at_the_end_the_prices_are_the_recorded_ones(write: Write) -> None:
    market = RecordedMarket(write())
    bars = market.bars("SPLT", at(20))
    assert [(bar.open, bar.close, bar.volume) for bar in bars] == [
        (10, 10, 400),
        (10, 10.3333, 400),
        (10.1, 10.2, 700),
        (10.2, 10.4, 800),
    ]
    assert [bar.split_ratio for bar in bars] == [1, 1, 4, 1]
    assert market.sessions == (date(2026, 8, 17), date(2026, 8, 18), date(2026, 8, 19), date(2026, 8, 20))
    assert market.label == "recorded"


def test_before_a_split_they_are_what_was_traded(write: Write) -> None:
    bars = RecordedMarket(write()).bars("SPLT", at(18))
    assert [(bar.close, bar.volume) for bar in bars] == [(40, 100), (41.3332, 100)]


def test_recorded_adjusted_closes_are_taken_over_as_of_the_moment(write: Write) -> None:
    market = RecordedMarket(write())
    assert [bar.adj_close for bar in market.bars("FUND", at(18))] == [50, 51]
    assert [bar.adj_close for bar in market.bars("FUND", at(20))] == [49.5, 50.49, 26, 26.5]
    assert [bar.dividend for bar in market.bars("FUND", at(20))] == [0, 0, 0.5, 0]


def test_the_rounding_of_adjusted_closes_is_the_same_at_every_moment(write: Write) -> None:
    prices = """\
ticker,date,open,high,low,close,adj_close,volume
FUND,2026-08-14,400,401,399,400.01,397.9999,1
FUND,2026-08-17,400,401,399,400.02,398.01,1
FUND,2026-08-18,402,402,402,402,399.9799,1
FUND,2026-08-19,399,399,399,399,399,1
"""
    actions = "ticker,date,dividend,split_ratio\nFUND,2026-08-19,2.02,\n"
    market = RecordedMarket(write(prices=prices, actions=actions))
    first, second, third = ([bar.adj_close or 0.0 for bar in market.bars("FUND", at(day))] for day in (17, 18, 19))
    assert second[:2] == first
    assert third == [397.9999, 398.01, 399.9799, 399]
    assert second[2] / second[0] == pytest.approx(399.9799 / 397.9999, rel=1e-11)
    assert second[2] == pytest.approx(402, rel=1e-6)


def test_missing_adjusted_closes_follow_from_the_dividends(write: Write) -> None:
    bars = RecordedMarket(write()).bars("000001.KS", at(20))
    assert [bar.adj_close for bar in bars] == [990, 1010, 990]
    assert [bar.volume for bar in bars] == [50, None, 70]


def test_only_closes_are_known_of_some(write: Write) -> None:
    bars = RecordedMarket(write()).bars("SPUN", at(20))
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in bars] == [
        (None, None, None, 10),
        (None, None, None, 11),
    ]


def test_a_running_session_shows_its_opening_price_if_that_is_known(write: Write) -> None:
    market = RecordedMarket(write())
    opened = market.bars("SPLT", at(20, hour=15))[-1]
    assert (opened.session, opened.open, opened.close, opened.is_partial) == (date(2026, 8, 20), 10.2, 10.2, True)
    assert market.bars("SPUN", at(20, hour=15))[-1].session == date(2026, 8, 18)


def test_shares_and_caps_of_then(write: Write) -> None:
    market = RecordedMarket(write())
    after, before = market.quote("SPLT", at(20)), market.quote("SPLT", at(18))
    assert after and (after.shares_outstanding, after.market_cap) == (1000, 20800)
    assert before and (before.shares_outstanding, before.market_cap) == (250, round(20800 * 10.3333 / 10.4))
    korean = market.quote("000001.KS", at(20))
    assert korean and (korean.security.currency, korean.market_cap) == ("KRW", 9900)


def test_a_spin_off_changes_the_price_and_not_the_shares(write: Write) -> None:
    files = {"stocks": FILES["stocks.csv"].replace("Energy,,5500", "Energy,500,5500")}
    before = RecordedMarket(write(**files)).quote("SPUN", at(18))
    assert before and before.price == pytest.approx(10.608)
    assert before.shares_outstanding == 500
    assert before.market_cap == 5304


def test_a_cap_at_a_price_that_is_not_there_says_nothing_of_the_count(write: Write) -> None:
    stocks = FILES["stocks.csv"].replace("Energy,,5500,2026-08-20", "Energy,500,7000,2026-08-21")
    late = RecordedMarket(write(stocks=stocks)).quote("SPUN", at(20))
    assert late and (late.shares_outstanding, late.market_cap) == (500, 5500)
    on_its_day = RecordedMarket(write(stocks=stocks.replace("08-21", "08-20"))).quote("SPUN", at(20))
    assert on_its_day and (on_its_day.shares_outstanding, on_its_day.market_cap) == (500, 7000)
    friday = FILES["prices.csv"] + "SPUN,2026-08-21,,,,14,14,400\n"
    on_sunday = RecordedMarket(write(prices=friday, stocks=stocks.replace("08-21", "08-23"))).quote("SPUN", at(20))
    assert on_sunday and (on_sunday.shares_outstanding, on_sunday.market_cap) == (500, 5500)
    capped = stocks.replace("7000,2026-08-21", "14000,2026-08-23")
    company = RecordedMarket(write(prices=friday, stocks=capped)).quote("SPUN", at(20))
    assert company and (company.shares_outstanding, company.market_cap) == (500, 11000)


def test_what_stocks_csv_describes_and_what_it_does_not(write: Write) -> None:
    market = RecordedMarket(write())
    assert market.etfs == ("FUND",)
    assert market.sector("SPLT") == "Technology"
    assert market.sector("000001.KS") == "Healthcare"
    assert market.sector("FUND") is None
    with pytest.raises(UnknownSymbol):
        market.bars("NOPRICE", at(20))


def test_holdings_are_the_newest_snapshot_by_rank(write: Write) -> None:
    market = RecordedMarket(write())
    assert market.holdings("FUND", at(17)) == []
    assert [(one.ticker, one.name, one.percent) for one in market.holdings("FUND", at(21))] == [
        ("SPLT", "Split, Inc.", 0.3),
        ("SPUN", "", 0.2),
    ]
    assert market.holdings_as_of("FUND", at(22)) == date(2026, 8, 22)


def test_prices_may_be_compressed(write: Write) -> None:
    folder = write(prices=None)
    (folder / "prices.csv.gz").write_bytes(gzip.compress(FILES["prices.csv"].encode()))
    assert len(RecordedMarket(folder).bars("FUND", at(20))) == 4


REFUSED = [
    ("prices", "FUND,2026-08-17,50,51,49,50,49.5,1000", "FUND,17.8.2026,50,51,49,50,49.5,1000", r"row 2: date '17\.8"),
    ("prices", "FUND,2026-08-18", "FUND,2026-08-22", r"row 3: 2026-08-22 is not a session of XNYS"),
    ("prices", "000001.KS,2026-08-18", "000001.KS,2026-08-17", r"row 12: 2026-08-17 is not a session of XKRX"),
    ("prices", "FUND,2026-08-18", "FUND,2026-08-17", r"row 3: a second bar of FUND on 2026-08-17"),
    ("prices", ",51,52,50,51,", ",51,52,50,,", r"row 3: close is empty"),
    ("prices", ",51,52,50,51,", ",51,52,50,abc,", r"row 3: close 'abc' is not a number"),
    ("prices", ",51,52,50,51,", ",51,52,50,nan,", r"row 3: close is nan"),
    ("prices", ",51,52,50,51,", ",51,52,50,-51,", r"row 3: close is -51"),
    ("prices", ",51,52,50,51,", ",51,52,50,53,", r"row 3: open 51.0 and close 53.0 are not between"),
    ("prices", ",51,52,50,51,50.49,1100", ",51,52,50,51,50.49,-1", r"row 3: volume is -1"),
    ("prices", ",51,52,50,51,50.49,1100", ",51,52,50", r"row 3: 5 fields, the header has 8"),
    ("prices", "ticker,date,open", "ticker,day,open", r"row 1: columns date are missing"),
    ("holdings", "1,SPLT", "first,SPLT", r"row 3: rank 'first' is not a number"),
    ("holdings", "1,SPLT", "1.5,SPLT", r"row 3: rank '1.5' is not a whole number"),
    ("holdings", ",0.3", ",30", r"row 3: percent must be a fraction"),
    ("holdings", ",0.3", ",", r"row 3: percent must be a fraction"),
    ("holdings", "1,SPLT", "1,SPUN", r"row 3: a second SPUN"),
    ("holdings", "FUND,2026-08-22", ",2026-08-22", r"row 4: etf is empty"),
    ("stocks", "Information Technology", "Gadgets", r"row 2: 'Gadgets' is not a sector"),
    ("stocks", "SPUN,Spun", "SPLT,Spun", r"row 3: SPLT is there twice"),
    ("stocks", ",1000,20800", ",0,20800", r"row 2: shares_outstanding is 0"),
    ("actions", "FUND,2026-08-19,0.5,", "FUND,2026-08-19,,", r"row 2: neither a dividend nor a split"),
    ("actions", "FUND,2026-08-19,0.5,", "FUND,2026-08-19,60,", r"row 2: the dividend of 60.0 is not less"),
    ("actions", ",4.0", ",-4", r"row 3: split_ratio is -4"),
]


@pytest.mark.parametrize(("stem", "right", "wrong", "reason"), REFUSED)
def test_wrong_rows_are_refused_with_file_row_and_reason(
    write: Write, stem: str, right: str, wrong: str, reason: str
) -> None:
    content = FILES[f"{stem}.csv"]
    assert content.count(right) == 1
    with pytest.raises(BadMarketFile, match=rf"{stem}\.csv, {reason}"):
        RecordedMarket(write(**{stem: content.replace(right, wrong)}))


@pytest.mark.parametrize("stem", ["prices", "holdings", "stocks", "actions"])
def test_missing_files_are_refused(write: Write, stem: str) -> None:
    with pytest.raises(BadMarketFile, match=rf"has neither {stem}\.csv nor {stem}\.csv\.gz"):
        RecordedMarket(write(**{stem: None}))


def test_files_that_cannot_be_read_are_refused(write: Write) -> None:
    folder = write(prices=None)
    (folder / "prices.csv.gz").write_bytes(b"not compressed")
    with pytest.raises(BadMarketFile, match=r"prices\.csv\.gz: cannot be read"):
        RecordedMarket(folder)


def test_a_file_without_rows_is_refused(write: Write) -> None:
    with pytest.raises(BadMarketFile, match="has no rows"):
        RecordedMarket(write(prices=FILES["prices.csv"].splitlines()[0]))


def test_an_exchange_it_does_not_have_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market.recorded.exchange_of", lambda ticker: "XLON")
    with pytest.raises(BadMarketFile, match=r"FUND trades on XLON: a recorded market has XNYS and XKRX alone"):
        RecordedMarket(write())
