"""Who is listed on the invented market: real names and sectors, invented prices.

Stocks: ticker, name, sector (Yahoo's words), price and market cap (billions) at the start, yearly dividend yield.
Funds: ticker, name, price at the start, yearly dividend yield, what the listed part makes of it, who is in it.
"""

from dataclasses import dataclass

TECHNOLOGY = "Technology"
FINANCIAL = "Financial Services"
HEALTHCARE = "Healthcare"
CYCLICAL = "Consumer Cyclical"
COMMUNICATION = "Communication Services"
INDUSTRIALS = "Industrials"
DEFENSIVE = "Consumer Defensive"
UTILITIES = "Utilities"
REAL_ESTATE = "Real Estate"
MATERIALS = "Basic Materials"
ENERGY = "Energy"

SECTORS = (
    TECHNOLOGY,
    FINANCIAL,
    HEALTHCARE,
    CYCLICAL,
    COMMUNICATION,
    INDUSTRIALS,
    DEFENSIVE,
    UTILITIES,
    REAL_ESTATE,
    MATERIALS,
    ENERGY,
)


@dataclass(frozen=True)
class Company:
    """`market_cap` in billions of its currency (KRW for a Korean listing)."""

    ticker: str
    name: str
    sector: str
    price: float
    market_cap: float
    dividend_yield: float = 0.0


@dataclass(frozen=True)
class Fund:
    """`sector` is the one it follows, None for a broad fund; `coverage` the part of it that `members` make up."""

    ticker: str
    name: str
    sector: str | None
    price: float
    dividend_yield: float
    coverage: float
    members: tuple[str, ...]


def _tickers(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


US_COMPANIES = (
    Company("AAPL", "Apple Inc.", TECHNOLOGY, 98.20, 1650, 0.006),
    Company("MSFT", "Microsoft Corporation", TECHNOLOGY, 212.40, 1610, 0.009),
    Company("NVDA", "NVIDIA Corporation", TECHNOLOGY, 132.60, 820, 0.001),
    Company("AVGO", "Broadcom Inc.", TECHNOLOGY, 322.80, 410, 0.014),
    Company("ORCL", "Oracle Corporation", TECHNOLOGY, 71.35, 215, 0.013),
    Company("CRM", "Salesforce, Inc.", TECHNOLOGY, 168.10, 165, 0.004),
    Company("AMD", "Advanced Micro Devices, Inc.", TECHNOLOGY, 74.55, 120),
    Company("CSCO", "Cisco Systems, Inc.", TECHNOLOGY, 44.60, 190, 0.028),
    Company("IBM", "International Business Machines Corporation", TECHNOLOGY, 124.90, 118, 0.032),
    Company("TXN", "Texas Instruments Incorporated", TECHNOLOGY, 131.15, 122, 0.027),
    Company("QCOM", "QUALCOMM Incorporated", TECHNOLOGY, 91.70, 104, 0.021),
    Company("PLTR", "Palantir Technologies Inc.", TECHNOLOGY, 21.30, 46),
    Company("CRDO", "Credo Technology Group Holding Ltd", TECHNOLOGY, 17.85, 2.9),
    Company("FN", "Fabrinet", TECHNOLOGY, 82.60, 3.1),
    Company("BRK-B", "Berkshire Hathaway Inc.", FINANCIAL, 226.40, 540),
    Company("JPM", "JPMorgan Chase & Co.", FINANCIAL, 119.80, 360, 0.024),
    Company("V", "Visa Inc.", FINANCIAL, 189.50, 390, 0.008),
    Company("MA", "Mastercard Incorporated", FINANCIAL, 299.60, 300, 0.006),
    Company("BAC", "Bank of America Corporation", FINANCIAL, 32.10, 270, 0.023),
    Company("WFC", "Wells Fargo & Company", FINANCIAL, 41.75, 168, 0.024),
    Company("GS", "The Goldman Sachs Group, Inc.", FINANCIAL, 221.30, 78, 0.022),
    Company("MS", "Morgan Stanley", FINANCIAL, 51.20, 84, 0.030),
    Company("AXP", "American Express Company", FINANCIAL, 118.45, 96, 0.012),
    Company("SPGI", "S&P Global Inc.", FINANCIAL, 272.30, 88, 0.008),
    Company("C", "Citigroup Inc.", FINANCIAL, 66.80, 140, 0.031),
    Company("TRV", "The Travelers Companies, Inc.", FINANCIAL, 133.20, 34, 0.018),
    Company("ONB", "Old National Bancorp", FINANCIAL, 17.40, 3.0, 0.027),
    Company("LLY", "Eli Lilly and Company", HEALTHCARE, 136.20, 130, 0.009),
    Company("UNH", "UnitedHealth Group Incorporated", HEALTHCARE, 287.60, 270, 0.016),
    Company("JNJ", "Johnson & Johnson", HEALTHCARE, 143.90, 375, 0.028),
    Company("ABBV", "AbbVie Inc.", HEALTHCARE, 88.15, 130, 0.037),
    Company("MRK", "Merck & Co., Inc.", HEALTHCARE, 84.70, 213, 0.030),
    Company("TMO", "Thermo Fisher Scientific Inc.", HEALTHCARE, 327.10, 130, 0.003),
    Company("ABT", "Abbott Laboratories", HEALTHCARE, 87.25, 154, 0.018),
    Company("ISRG", "Intuitive Surgical, Inc.", HEALTHCARE, 198.60, 69),
    Company("AMGN", "Amgen Inc.", HEALTHCARE, 236.40, 138, 0.030),
    Company("DHR", "Danaher Corporation", HEALTHCARE, 136.80, 98, 0.004),
    Company("GILD", "Gilead Sciences, Inc.", HEALTHCARE, 64.90, 82, 0.038),
    Company("PFE", "Pfizer Inc.", HEALTHCARE, 36.85, 204, 0.045),
    Company("BMY", "Bristol-Myers Squibb Company", HEALTHCARE, 61.40, 125, 0.042),
    Company("GH", "Guardant Health, Inc.", HEALTHCARE, 28.75, 3.3),
    Company("MDGL", "Madrigal Pharmaceuticals, Inc.", HEALTHCARE, 92.10, 1.6),
    Company("AMZN", "Amazon.com, Inc.", CYCLICAL, 94.60, 940),
    Company("TSLA", "Tesla, Inc.", CYCLICAL, 142.30, 430),
    Company("HD", "The Home Depot, Inc.", CYCLICAL, 221.50, 240, 0.024),
    Company("MCD", "McDonald's Corporation", CYCLICAL, 198.20, 148, 0.023),
    Company("BKNG", "Booking Holdings Inc.", CYCLICAL, 2031.50, 84, 0.007),
    Company("LOW", "Lowe's Companies, Inc.", CYCLICAL, 121.90, 92, 0.019),
    Company("TJX", "The TJX Companies, Inc.", CYCLICAL, 61.75, 74, 0.013),
    Company("SBUX", "Starbucks Corporation", CYCLICAL, 87.40, 102, 0.025),
    Company("NKE", "NIKE, Inc.", CYCLICAL, 101.65, 159, 0.017),
    Company("DASH", "DoorDash, Inc.", CYCLICAL, 96.10, 38),
    Company("ORLY", "O'Reilly Automotive, Inc.", CYCLICAL, 438.20, 33),
    Company("GM", "General Motors Company", CYCLICAL, 36.20, 52, 0.011),
    Company("META", "Meta Platforms, Inc.", COMMUNICATION, 209.70, 598, 0.004),
    Company("GOOGL", "Alphabet Inc.", COMMUNICATION, 68.40, 930, 0.005),
    Company("GOOG", "Alphabet Inc.", COMMUNICATION, 68.45, 930, 0.005),
    Company("NFLX", "Netflix, Inc.", COMMUNICATION, 329.80, 144),
    Company("DIS", "The Walt Disney Company", COMMUNICATION, 145.70, 262, 0.009),
    Company("TMUS", "T-Mobile US, Inc.", COMMUNICATION, 78.60, 67, 0.015),
    Company("T", "AT&T Inc.", COMMUNICATION, 29.35, 214, 0.051),
    Company("VZ", "Verizon Communications Inc.", COMMUNICATION, 57.80, 239, 0.049),
    Company("CMCSA", "Comcast Corporation", COMMUNICATION, 43.60, 198, 0.029),
    Company("EA", "Electronic Arts Inc.", COMMUNICATION, 107.25, 31, 0.006),
    Company("TTWO", "Take-Two Interactive Software, Inc.", COMMUNICATION, 122.40, 14),
    Company("WBD", "Warner Bros. Discovery, Inc.", COMMUNICATION, 22.60, 28),
    Company("GE", "General Electric Company", INDUSTRIALS, 86.40, 94, 0.008),
    Company("CAT", "Caterpillar Inc.", INDUSTRIALS, 147.70, 80, 0.020),
    Company("RTX", "RTX Corporation", INDUSTRIALS, 89.20, 133, 0.023),
    Company("HON", "Honeywell International Inc.", INDUSTRIALS, 177.00, 124, 0.021),
    Company("UNP", "Union Pacific Corporation", INDUSTRIALS, 180.80, 123, 0.024),
    Company("BA", "The Boeing Company", INDUSTRIALS, 201.30, 118),
    Company("UBER", "Uber Technologies, Inc.", INDUSTRIALS, 38.70, 68),
    Company("DE", "Deere & Company", INDUSTRIALS, 173.20, 54, 0.016),
    Company("LMT", "Lockheed Martin Corporation", INDUSTRIALS, 379.40, 106, 0.027),
    Company("ETN", "Eaton Corporation plc", INDUSTRIALS, 94.70, 38, 0.015),
    Company("ADP", "Automatic Data Processing, Inc.", INDUSTRIALS, 169.50, 72, 0.021),
    Company("UPS", "United Parcel Service, Inc.", INDUSTRIALS, 117.10, 101, 0.041),
    Company("BE", "Bloom Energy Corporation", INDUSTRIALS, 13.20, 2.4),
    Company("STRL", "Sterling Infrastructure, Inc.", INDUSTRIALS, 24.10, 0.9),
    Company("KTOS", "Kratos Defense & Security Solutions, Inc.", INDUSTRIALS, 18.55, 2.0),
    Company("PG", "The Procter & Gamble Company", DEFENSIVE, 124.20, 308, 0.025),
    Company("COST", "Costco Wholesale Corporation", DEFENSIVE, 292.70, 129, 0.007),
    Company("WMT", "Walmart Inc.", DEFENSIVE, 39.60, 337, 0.012),
    Company("KO", "The Coca-Cola Company", DEFENSIVE, 55.40, 237, 0.029),
    Company("PEP", "PepsiCo, Inc.", DEFENSIVE, 136.50, 190, 0.029),
    Company("PM", "Philip Morris International Inc.", DEFENSIVE, 86.30, 134, 0.041),
    Company("MDLZ", "Mondelez International, Inc.", DEFENSIVE, 55.20, 79, 0.024),
    Company("MO", "Altria Group, Inc.", DEFENSIVE, 49.80, 93, 0.071),
    Company("CL", "Colgate-Palmolive Company", DEFENSIVE, 69.30, 59, 0.024),
    Company("TGT", "Target Corporation", DEFENSIVE, 126.40, 64, 0.027),
    Company("KMB", "Kimberly-Clark Corporation", DEFENSIVE, 138.10, 47, 0.034),
    Company("MNST", "Monster Beverage Corporation", DEFENSIVE, 32.20, 35),
    Company("NEE", "NextEra Energy, Inc.", UTILITIES, 60.70, 118, 0.023),
    Company("SO", "The Southern Company", UTILITIES, 63.40, 67, 0.037),
    Company("DUK", "Duke Energy Corporation", UTILITIES, 91.20, 67, 0.041),
    Company("CEG", "Constellation Energy Corporation", UTILITIES, 51.90, 17, 0.006),
    Company("AEP", "American Electric Power Company, Inc.", UTILITIES, 94.50, 47, 0.037),
    Company("VST", "Vistra Corp.", UTILITIES, 22.70, 11, 0.008),
    Company("SRE", "Sempra", UTILITIES, 75.40, 42, 0.030),
    Company("D", "Dominion Energy, Inc.", UTILITIES, 82.80, 68, 0.048),
    Company("EXC", "Exelon Corporation", UTILITIES, 32.50, 44, 0.035),
    Company("XEL", "Xcel Energy Inc.", UTILITIES, 63.50, 33, 0.030),
    Company("PEG", "Public Service Enterprise Group Incorporated", UTILITIES, 58.90, 30, 0.032),
    Company("ETR", "Entergy Corporation", UTILITIES, 59.80, 24, 0.034),
    Company("PLD", "Prologis, Inc.", REAL_ESTATE, 89.10, 66, 0.028),
    Company("AMT", "American Tower Corporation", REAL_ESTATE, 229.80, 102, 0.027),
    Company("WELL", "Welltower Inc.", REAL_ESTATE, 81.60, 33, 0.026),
    Company("EQIX", "Equinix, Inc.", REAL_ESTATE, 583.20, 50, 0.020),
    Company("SPG", "Simon Property Group, Inc.", REAL_ESTATE, 148.60, 46, 0.049),
    Company("O", "Realty Income Corporation", REAL_ESTATE, 71.20, 24, 0.049),
    Company("PSA", "Public Storage", REAL_ESTATE, 212.40, 37, 0.039),
    Company("DLR", "Digital Realty Trust, Inc.", REAL_ESTATE, 119.80, 25, 0.034),
    Company("CBRE", "CBRE Group, Inc.", REAL_ESTATE, 61.30, 21),
    Company("CCI", "Crown Castle Inc.", REAL_ESTATE, 142.10, 59, 0.042),
    Company("VTR", "Ventas, Inc.", REAL_ESTATE, 57.50, 21, 0.038),
    Company("EXR", "Extra Space Storage Inc.", REAL_ESTATE, 105.40, 14, 0.037),
    Company("LIN", "Linde plc", MATERIALS, 212.90, 113, 0.015),
    Company("SHW", "The Sherwin-Williams Company", MATERIALS, 194.50, 53, 0.009),
    Company("NEM", "Newmont Corporation", MATERIALS, 43.60, 36, 0.024),
    Company("FCX", "Freeport-McMoRan Inc.", MATERIALS, 13.10, 19, 0.014),
    Company("ECL", "Ecolab Inc.", MATERIALS, 193.40, 56, 0.011),
    Company("APD", "Air Products and Chemicals, Inc.", MATERIALS, 234.70, 52, 0.025),
    Company("CTVA", "Corteva, Inc.", MATERIALS, 29.60, 22, 0.011),
    Company("NUE", "Nucor Corporation", MATERIALS, 56.30, 17, 0.015),
    Company("VMC", "Vulcan Materials Company", MATERIALS, 143.80, 19, 0.008),
    Company("MLM", "Martin Marietta Materials, Inc.", MATERIALS, 279.90, 17, 0.007),
    Company("DOW", "Dow Inc.", MATERIALS, 54.10, 40, 0.052),
    Company("PPG", "PPG Industries, Inc.", MATERIALS, 133.50, 32, 0.018),
    Company("HL", "Hecla Mining Company", MATERIALS, 5.40, 2.8, 0.002),
    Company("SPR", "Spirit AeroSystems Holdings, Inc.", INDUSTRIALS, 31.40, 2.6),
    Company("XOM", "Exxon Mobil Corporation", ENERGY, 69.80, 295, 0.034),
    Company("CVX", "Chevron Corporation", ENERGY, 120.50, 226, 0.041),
    Company("COP", "ConocoPhillips", ENERGY, 65.10, 71, 0.029),
    Company("EOG", "EOG Resources, Inc.", ENERGY, 83.80, 49, 0.030),
)

KOREAN_COMPANIES = (
    Company("005930.KS", "Samsung Electronics Co., Ltd.", TECHNOLOGY, 55_800, 333_100, 0.021),
    Company("000660.KS", "SK hynix Inc.", TECHNOLOGY, 94_100, 68_500, 0.008),
    Company("005380.KS", "Hyundai Motor Company", CYCLICAL, 120_500, 25_700, 0.034),
    Company("000270.KS", "Kia Corporation", CYCLICAL, 44_300, 17_900, 0.041),
    Company("105560.KS", "KB Financial Group Inc.", FINANCIAL, 47_650, 19_800, 0.044),
    Company("055550.KS", "Shinhan Financial Group Co., Ltd.", FINANCIAL, 43_350, 20_600, 0.046),
    Company("035420.KS", "NAVER Corporation", COMMUNICATION, 186_500, 30_700, 0.003),
    Company("035720.KS", "Kakao Corp.", COMMUNICATION, 30_750, 13_300, 0.001),
    Company("068270.KS", "Celltrion, Inc.", HEALTHCARE, 181_000, 23_200, 0.002),
    Company("051910.KS", "LG Chem, Ltd.", MATERIALS, 317_500, 22_400, 0.018),
    Company("005490.KS", "POSCO Holdings Inc.", MATERIALS, 236_500, 20_600, 0.030),
    Company("012450.KS", "Hanwha Aerospace Co., Ltd.", INDUSTRIALS, 35_050, 1_780, 0.008),
    Company("034020.KS", "Doosan Enerbility Co., Ltd.", INDUSTRIALS, 5_730, 3_100),
)

# In the hands of no fund. The price in London is in pence, the market cap in pounds.
FOREIGN_COMPANIES = (
    Company("7203.T", "Toyota Motor Corporation", CYCLICAL, 2_650, 41_800, 0.031),
    Company("AZN.L", "AstraZeneca PLC", HEALTHCARE, 11_240, 174, 0.022),
    Company("SAP.DE", "SAP SE", TECHNOLOGY, 178.40, 210, 0.012),
)

FUNDS = (
    Fund(
        "SPY",
        "SPDR S&P 500 ETF Trust",
        None,
        324.90,
        0.013,
        0.36,
        _tickers("AAPL MSFT NVDA AMZN META GOOGL GOOG BRK-B AVGO TSLA JPM LLY V"),
    ),
    Fund(
        "QQQ",
        "Invesco QQQ Trust, Series 1",
        TECHNOLOGY,
        216.20,
        0.006,
        0.52,
        _tickers("AAPL MSFT NVDA AMZN META AVGO GOOGL GOOG TSLA COST NFLX AMD CSCO PLTR"),
    ),
    Fund(
        "IWM",
        "iShares Russell 2000 ETF",
        None,
        166.10,
        0.012,
        0.06,
        _tickers("CRDO FN BE GH STRL KTOS MDGL HL ONB VST CEG SPR"),
    ),
    Fund(
        "EWY",
        "iShares MSCI South Korea ETF",
        None,
        62.40,
        0.019,
        0.55,
        tuple(company.ticker for company in KOREAN_COMPANIES),
    ),
    Fund(
        "DIA",
        "SPDR Dow Jones Industrial Average ETF Trust",
        None,
        288.90,
        0.017,
        0.58,
        _tickers("GS MSFT CAT HD UNH V AXP AMGN MCD TRV AAPL JPM IBM"),
    ),
    Fund(
        "SCHD",
        "Schwab U.S. Dividend Equity ETF",
        None,
        57.80,
        0.034,
        0.41,
        _tickers("CVX ABBV KO HD PEP CSCO TXN AMGN VZ MO COP LMT BMY"),
    ),
    Fund(
        "XLF",
        "Financial Select Sector SPDR Fund",
        FINANCIAL,
        30.90,
        0.017,
        0.57,
        _tickers("BRK-B JPM V MA BAC WFC GS MS AXP SPGI C TRV"),
    ),
    Fund(
        "XLV",
        "Health Care Select Sector SPDR Fund",
        HEALTHCARE,
        102.30,
        0.015,
        0.55,
        _tickers("LLY UNH JNJ ABBV MRK TMO ABT ISRG AMGN DHR GILD PFE BMY"),
    ),
    Fund(
        "XLY",
        "Consumer Discretionary Select Sector SPDR Fund",
        CYCLICAL,
        126.20,
        0.008,
        0.69,
        _tickers("AMZN TSLA HD MCD BKNG LOW TJX SBUX NKE DASH ORLY GM"),
    ),
    Fund(
        "XLC",
        "Communication Services Select Sector SPDR Fund",
        COMMUNICATION,
        54.10,
        0.009,
        0.73,
        _tickers("META GOOGL GOOG NFLX DIS TMUS T VZ CMCSA EA TTWO WBD"),
    ),
    Fund(
        "XLI",
        "Industrial Select Sector SPDR Fund",
        INDUSTRIALS,
        82.10,
        0.014,
        0.39,
        _tickers("GE CAT RTX HON UNP BA UBER DE LMT ETN ADP UPS"),
    ),
    Fund(
        "XLP",
        "Consumer Staples Select Sector SPDR Fund",
        DEFENSIVE,
        62.70,
        0.025,
        0.66,
        _tickers("PG COST WMT KO PEP PM MDLZ MO CL TGT KMB MNST"),
    ),
    Fund(
        "XLU",
        "Utilities Select Sector SPDR Fund",
        UTILITIES,
        64.60,
        0.029,
        0.58,
        _tickers("NEE SO DUK CEG AEP VST SRE D EXC XEL PEG ETR"),
    ),
    Fund(
        "XLRE",
        "Real Estate Select Sector SPDR Fund",
        REAL_ESTATE,
        38.60,
        0.033,
        0.61,
        _tickers("PLD AMT WELL EQIX SPG O PSA DLR CBRE CCI VTR EXR"),
    ),
    Fund(
        "XLB",
        "Materials Select Sector SPDR Fund",
        MATERIALS,
        61.30,
        0.019,
        0.62,
        _tickers("LIN SHW NEM FCX ECL APD CTVA NUE VMC MLM DOW PPG"),
    ),
)

COMPANIES = (*US_COMPANIES, *KOREAN_COMPANIES, *FOREIGN_COMPANIES)
COMPANY_OF = {company.ticker: company for company in COMPANIES}
FUND_OF = {fund.ticker: fund for fund in FUNDS}

# On the server, but in no list of ETFs to follow: a fund of gold lists no holdings.
GOLD = Fund("GLD", "SPDR Gold Shares", None, 168.30, 0.0, 0.0, ())

# Units of the currency per US dollar at the start.
RATES = {"KRW=X": 1_310.0, "GBP=X": 0.79, "EUR=X": 0.92, "JPY=X": 149.0, "ZAR=X": 18.3, "ILS=X": 3.7}

MOVES_LIKE = {"GOOG": "GOOGL"}

NASDAQ_LISTED = frozenset(
    _tickers(
        "AAPL MSFT NVDA AVGO AMD CSCO TXN QCOM PLTR CRDO ISRG AMGN GILD GH MDGL AMZN TSLA BKNG SBUX DASH ORLY META "
        "GOOGL GOOG NFLX TMUS CMCSA EA TTWO WBD HON ADP COST PEP MDLZ MNST CEG AEP EXC XEL EQIX LIN ONB STRL KTOS QQQ"
    )
)
