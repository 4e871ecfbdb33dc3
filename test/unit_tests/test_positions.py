"""What readers paste of their positions: the exports of brokers and trackers, and lines that people type."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import positions
from dashboard.texts import LANGUAGES
from dashboard.texts import trades as texts

INTERACTIVE_BROKERS = """\
Statement,Header,Field Name,Field Value
Statement,Data,Title,Activity Statement
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Quantity,Mult,Cost Price,Cost Basis,Close Price
Open Positions,Data,Summary,Stocks,USD,BRK B,3,1,400,1200,420
Open Positions,Data,Lot,Stocks,USD,BRK B,3,1,400,1200,420
Open Positions,Data,Summary,Stocks,KRW,005930,10,1,70000,700000,71000
Open Positions,Data,Summary,Equity and Index Options,USD,NVDA 18DEC26 200 C,1,100,2,200,3
Open Positions,Total,,Stocks,USD,,,,,1200,
Cash Report,Header,Currency Summary,Currency,Total,Securities,Futures
Cash Report,Data,Ending Cash,Base Currency Summary,1500.25,1500.25,0
Cash Report,Data,Ending Cash,USD,1234.5,1234.5,0
"""
FLEX = "ClientAccountID,CurrencyPrimary,AssetClass,Symbol,Position\nU1,USD,STK,NVDA,12.5\n"
SCHWAB = """\
"Positions for account Individual ...123 as of 12:33 PM ET, 2026/08/21","","",""

"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Security Type"
"NVDA","NVIDIA CORP","1,200.5","$99.99","$120,038.00","Equity"
"SPY","SPDR","3","$600","$1,800","ETFs & Closed End Funds"
"Cash & Cash Investments","--","--","--","$1,234.56","Cash and Money Market"
"Positions Total","","--","--","$123,072.56","--"
"""
FIDELITY = """\
Account Number,Account Name,Symbol,Description,Quantity,Last Price,Last Price Change,Current Value,Type
X1,Individual,SPAXX**,HELD IN MONEY MARKET,,,,$500.10,Cash
X1,Individual,NVDA,NVIDIA CORP,12.345,$99.9,-$0.1,$1233.27,Margin
X1,Individual,NVDA,NVIDIA CORP,1,$99.9,-$0.1,$99.90,Cash
X1,Individual,Pending Activity,,,,,$5,

"The data and information in this spreadsheet is provided to you solely for your use."
"""
GHOSTFOLIO = """\
Date,Code,DataSource,Currency,Price,Quantity,Action,Fee,Note
2026-01-15,NVDA,YAHOO,USD,185.50,10,buy,1.00,first
2026-02-15,NVDA,YAHOO,USD,0.62,10,dividend,0.00,
2026-03-15,NVDA,YAHOO,USD,190,4,sell,1.00,
2026-03-16,MU,YAHOO,USD,90,2,sell,1.00,
"""
PORTFOLIO_PERFORMANCE = """\
Date;Type;Value;Transaction Currency;Shares;Ticker Symbol;Security Name
2026-01-02;Buy;1.234,50;EUR;1.010,5;SAP.DE;SAP SE
2026-01-03;Delivery (Outbound);100,00;EUR;10,5;SAP.DE;SAP SE
"""
KOREAN = "종목코드\t종목명\t보유수량\t평가금액\n005930\t삼성전자\t1,010주\t71,000,000\nNVDA\t엔비디아\t2\t300,000\n"


@pytest.mark.parametrize(
    ("text", "written", "cash", "problems"),
    [
        ("", "", None, []),
        ("NVDA 10\nbrk.b, 2.5\n\n3 MU\ncash: $10,000", "NVDA:10,BRK-B:2.5,MU:3", "10000", []),
        ("M&M.NS 10\nj&kbank.ns,2", "M&M.NS:10,J&KBANK.NS:2", None, []),
        ("NVDA:1\nNVDA:2 USD", "NVDA:1,NVDA:2:USD", None, []),
        (INTERACTIVE_BROKERS, "BRK-B:3:USD,005930:10:KRW", "1234.5", [(7, texts.NO_STOCK)]),
        (FLEX, "NVDA:12.5:USD", None, []),
        (SCHWAB, "NVDA:1200.5,SPY:3", "1234.56", []),
        (FIDELITY, "NVDA:13.345", "500.10", []),
        (GHOSTFOLIO, "NVDA:6:USD", None, [(0, texts.SOLD_MORE)]),
        (PORTFOLIO_PERFORMANCE, "SAP.DE:1000:EUR", None, []),
        (KOREAN, "005930:1010,NVDA:2", None, []),
    ],
)
def test_exports_are_known_by_their_columns(
    text: str, written: str, cash: str | None, problems: list[tuple[int, object]]
) -> None:
    found = positions.read(text)
    assert found.written == written
    assert found.cash == (Decimal(cash) if cash else None)
    assert [(each.line, each.text) for each in found.problems] == problems


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Symbol,Type,Quantity\nNVDA,Stock,10\nSPY,ETF,5", "NVDA:10,SPY:5"),
        ("Symbol,Type,Quantity\nNVDA,Equity,10\nO,REIT,3\nVFIAX,Mutual Fund,2", "NVDA:10,O:3,VFIAX:2"),
        ("Symbol,Type,Quantity\nNVDA,Common Stock,10\nSPY,ETFs & Closed End Funds,3", "NVDA:10,SPY:3"),
        ("Symbol;Typ;Anteile\nSAP.DE;Aktie;10\nEXS1.DE;Fonds;4", "SAP.DE:10,EXS1.DE:4"),
        ("종목코드,거래구분,보유수량\n005930,현금,10\n000660,신용,3\n035420,주식,1", "005930:10,000660:3,035420:1"),
        ("종목코드,거래구분,수량\n005930,현금매수,10\n005930,매도,4", "005930:6"),
        (
            "Date,Action,Symbol,Quantity\n1,You bought,MU,9\n2,Sold,MU,4\n3,Reinvest,MU,0.25\n4,Reinvestment,MU,0.25",
            "MU:5.5",
        ),
        ("Date,Action,Symbol,Quantity\n1,Buy,MU,1\n2,Reinvest Shares,MU,1.5\n3,YOU SOLD MICRON (MU),MU,-2", "MU:0.5"),
        ("Transaction Type,Symbol,Shares\nBuy,MU,9\nSell,MU,-4\nDividend,MU,0.0000", "MU:5"),
        ("Side,Ticker,Qty\nBUY,MU,9\nSELL,MU,4", "MU:5"),
        ("Type;Ticker Symbol;Shares\nKauf;SAP.DE;9\nVerkauf;SAP.DE;4\nDividende;SAP.DE;5\nEinlage;;", "SAP.DE:5"),
        ("Action,Symbol,Quantity\nBuy,MU,9\nQual Div Reinvest,MU,\nForeign Tax Paid,MU,\nWire Sent,,", "MU:9"),
        ("Symbol,Quantity\nMU,5\nAs of 21 August 2026,", "MU:5"),
    ],
)
def test_what_a_line_does_to_the_shares_is_known_by_its_words(text: str, written: str) -> None:
    found = positions.read(text)
    assert (found.written, found.problems) == (written, [])


@pytest.mark.parametrize(
    "action",
    [
        *("Stock Split", "Split", "Stock Dividend", "Spin-off", "Merger", "Journal", "Exchange", "Cancel Buy"),
        *("Buy - Cancelled", "Reinvest Dividend", "item", "Short", "Wertpapier", "매수취소", "액면분할", "대주"),
    ],
)
def test_what_is_not_known_to_do_anything_is_told(action: str) -> None:
    found = positions.read(f"Action,Symbol,Quantity\nBuy,MU,10\n{action},MU,90\nSell,MU,4")
    assert found.written == "MU:6"
    assert [(each.line, each.text, each.values) for each in found.problems] == [
        (3, texts.UNKNOWN_ACTION, {"ticker": "MU", "kind": action})
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Symbol,Type,Quantity\nNVDA,Option,5", texts.NO_STOCK),
        ("Symbol,Type,Quantity\nNVDA,Corporate Bond,5", texts.NO_STOCK),
        ("Symbol,Type,Quantity\nNVDA,Margin,-5", texts.SHORT_POSITION),
        ("Symbol,Type,Quantity\nNVDA,Stock,-5", texts.SHORT_POSITION),
        ("Symbol,Type,Quantity\nNVDA,Stock,", texts.LINE_WITHOUT_SHARES),
        ("Symbol,Type,Quantity\nNVDA,Buy,", texts.LINE_WITHOUT_SHARES),
        ("Symbol,Quantity\nNVDA,", texts.LINE_WITHOUT_SHARES),
        ("Symbol,Quantity,Currency\nBRK B,,", texts.LINE_WITHOUT_SHARES),
        ("종목코드\t보유수량\n삼성전자\t", texts.NO_TICKER),
        ("NVDA", texts.LINE_WITHOUT_SHARES),
        ("NVDA ten", texts.NO_NUMBER),
        ("NVDA 1e3", texts.NO_NUMBER),
        ("NVDA nan", texts.NO_NUMBER),
        ("NVDA -5", texts.SHORT_POSITION),
        ("삼성전자 5", texts.NO_TICKER),
        ("Symbol,Quantity\n<b>,5", texts.NO_TICKER),
        ("Symbol,Quantity,Asset Type\nBTC,5,Crypto", texts.NO_STOCK),
        ("cash -5", texts.NO_CASH),
        ("Symbol,Quantity,Currency\nCash,5,EUR", texts.CASH_IN_OTHER_CURRENCY),
        ("Symbol,Quantity,Currency\nCash,5,", texts.CASH_WITHOUT_CURRENCY),
    ],
)
def test_a_line_that_cannot_be_read_has_one_sentence(text: str, problem: object) -> None:
    found = positions.read("MU 1\n" + text if "\n" not in text else text)
    assert [each.text for each in found.problems] == [problem]
    for language in LANGUAGES:
        assert found.problems[0].text.in_(language, **found.problems[0].values)
    assert found.problems[0].line == 2


STATEMENT = """\
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Quantity
Open Positions,Data,Summary,Stocks,USD,NVDA,10
Cash Report,Header,Currency Summary,Currency,Total
"""
ENDING = "Cash Report,Data,Ending Cash,"


@pytest.mark.parametrize(
    ("text", "cash", "problems"),
    [
        ("종목코드,종목명,보유수량,평가금액\n005930,삼성전자,10,715000\n예수금,,,1000000", None, ["1000000"]),
        ("종목코드,보유수량,평가금액,통화\nNVDA,1,180,USD\n현금,,1000000,KRW\n현금,,50,USD", "50", ["KRW"]),
        ("Symbol,Quantity,Market Value\nNVDA,1,180\nCash,,500", None, ["500"]),
        ("Symbol,Quantity,Market Value\nNVDA,1,180\nCash,,$500", "500", []),
        ("Symbol,Quantity,Market Value\nNVDA,1,180\n$,,500\nFDRXX**,,20", "520", []),
        ("Symbol,Quantity,Market Value,Currency\nNVDA,1,180,USD\nCash,,500,\nCash,,20,US$", "20", ["500"]),
        ("Symbol;Bestand;Marktwert;Währung\nSAP.DE;1;200,00;EUR\nCash;;1.234,50;EUR\nCash;;0,00;CHF", "0", ["EUR"]),
        ("NVDA 1\ncash 1,000\n현금 500 USD\ncash 300 EUR", "1500", ["EUR"]),
        (STATEMENT + f"{ENDING}Base Currency Summary,7250\n{ENDING}KRW,10000000\n", None, ["KRW"]),
        (STATEMENT + f"{ENDING}Base Currency Summary,7250\n{ENDING}EUR,10,10\n{ENDING}USD,70,70\n", "70", ["EUR"]),
        (STATEMENT + f"{ENDING}Base Currency Summary,70\n{ENDING}EUR,0\n{ENDING}USD,70\n", "70", []),
        (STATEMENT + f"{ENDING}Base Currency Summary,7250\n", None, ["7250"]),
        (STATEMENT + f"{ENDING}USD,-5000\n", None, ["-5000"]),
        (STATEMENT + f"{ENDING}USD,-5000\n{ENDING}KRW,-1\nOpen Positions,Data\n{ENDING}USD\n", None, ["-5000", "-1"]),
    ],
)
def test_only_cash_that_is_known_to_be_dollars_counts(text: str, cash: str | None, problems: list[str]) -> None:
    found = positions.read(text)
    assert found.cash == (Decimal(cash) if cash else None)
    told = [each.text.en.format(**each.values) for each in found.problems]
    assert len(told) == len(problems) and all(named in words for named, words in zip(problems, told, strict=True)), told
    assert sum(count for count in found.shares.values()) > 0, "the positions count all the same"


def test_more_positions_than_can_be_counted_are_said() -> None:
    found = positions.read("\n".join(f"T{n} 1" for n in range(501)))
    assert len(found.shares) == 500
    assert [each.text for each in found.problems] == [texts.TOO_MANY]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    found = positions.read(text)
    assert all(count > 0 for count in found.shares.values())


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z]{2,5}", fullmatch=True).filter(lambda ticker: ticker != "CASH"),
        st.decimals("0.001", "99999", places=3, allow_nan=False, allow_infinity=False),
        max_size=10,
    ),
    st.sampled_from([" ", ", ", ",", "\t", ": "]),
)
def test_what_is_written_is_read(owned: dict[str, Decimal], between: str) -> None:
    found = positions.read("\n".join(f"{ticker}{between}{count}" for ticker, count in owned.items()))
    assert {ticker: count for (ticker, _), count in found.shares.items()} == owned
    assert found.problems == []
