"""A ticker's page, and the way to it."""

from dashboard.texts import Text

TITLE = Text("Ticker", "종목")
SEARCH = Text("Ticker to show", "볼 종목 코드")
SEARCH_HINT = Text("Ticker or name…", "종목 코드, 이름…")
SUGGESTED = Text("Suggestions", "추천 종목")
SUGGESTIONS = Text("{count} suggestions: use the arrow keys", "추천 {count}개: 화살표 키로 고르십시오")
DID_YOU_MEAN = Text("Did you mean:", "혹시 이 종목입니까:")
NO_SUBJECT = Text(
    "The address names no ticker: /ticker/NVDA is that of NVDA.",
    "주소에 종목 코드가 없습니다. NVDA의 주소는 /ticker/NVDA입니다.",
)
UNKNOWN = Text("Nothing of {ticker} is stored.", "저장된 {ticker} 자료가 없습니다.")
TO_FIND = Text(
    "Type one of the universe's ETFs or of their holdings into the field at the top, or choose a stock on the map. "
    "Korean stocks end in .KS: 005930.KS.",
    "위쪽 입력란에 대상 ETF나 그 보유 종목의 코드를 입력하거나 시장 지도에서 고르십시오. "
    "한국 종목은 005930.KS처럼 .KS로 끝납니다.",
)
TO_MAP = Text("Open the map", "시장 지도 열기")

RANGE = Text("Range", "기간")
RANGES = {
    "1m": Text("1M", "1개월"),
    "3m": Text("3M", "3개월"),
    "6m": Text("6M", "6개월"),
    "1y": Text("1Y", "1년"),
}
RANGE_HINT = Text("The last {days} sessions", "최근 {days}거래일")

KIND = Text("Kind", "종류")
KINDS = {
    "ETF": Text("ETF", "ETF"),
    "EQUITY": Text("Stock", "주식"),
    "CURRENCY": Text("Exchange rate", "환율"),
}
NEWEST_CLOSE = Text("Close of {day}", "{day} 종가")
CAP_SOURCES = {
    "implied_x_close": Text("shares of all classes × close", "모든 종류의 주식 수 × 종가"),
    "derived_x_close": Text("shares by Yahoo's market cap × close", "Yahoo 시가총액에서 구한 주식 수 × 종가"),
    "shares_x_close": Text("shares × close", "주식 수 × 종가"),
    "quoted": Text("as quoted", "공시 값"),
}
NO_CAP = Text("not known", "알 수 없음")
DERIVED_SECTOR = Text("from a sector ETF; not Yahoo's own word", "업종 ETF 기준, Yahoo의 분류가 아님")
TRENDS = Text("Trends over", "추세 기간")

PRICES_TITLE = Text("{count} sessions to {day}, in {currency}", "{day}까지 {count}거래일, 단위 {currency}")
OPEN = Text("Open", "시가")
HIGH = Text("High", "고가")
LOW = Text("Low", "저가")
CLOSE = Text("Close", "종가")
ADJUSTED = Text("Adjusted", "수정 종가")
VOLUME = Text("Volume", "거래량")
PRICES_READING = Text(
    "Candles: prices adjusted for splits; {up} closes above its open, {down} below. Line: close adjusted for splits "
    "and dividends, which all returns are taken from. D: dividend, S: split. Bars: volume.",
    "캔들은 액면분할을 반영한 가격이며 {up}은 시가보다 오른 날, {down}은 내린 날입니다. 선은 액면분할과 배당을 반영한 "
    "수정 종가로, 모든 수익률은 이 값으로 계산합니다. D는 배당, S는 액면분할, 아래 막대는 거래량입니다.",
)
STRIPS_READING = Text(
    "Squares: the sessions in whose portfolio it was.",
    "네모는 포트폴리오에 편입된 거래일입니다.",
)
IN_PORTFOLIO = Text("In the portfolio {portfolio}: {weight}", "{portfolio} 포트폴리오 편입: {weight}")
DIVIDEND = Text("Dividend {amount}", "배당 {amount}")
SPLIT = Text("Split {ratio}", "액면분할 {ratio}")
NO_PRICES_TITLE = Text("No prices of {ticker} are stored", "{ticker} 시세가 저장되어 있지 않습니다")
NO_PRICES_DETAIL = Text(
    "An ETF lists it, but prices are collected of each ETF's largest holdings alone.",
    "ETF 보유 종목이지만 시세는 ETF별 최대 보유 종목만 수집합니다.",
)

RETURNS = Text("Returns beside {benchmark}", "{benchmark} 대비 수익률")
WINDOW = Text("Over", "기간")
RETURN = Text("Return", "수익률")
AHEAD = Text("Ahead", "초과")
RETURNS_READING = Text(
    "In US dollars, of adjusted closes, up to the newest bar.",
    "수정 종가 기준 미국 달러 수익률이며 가장 최근 시세까지입니다.",
)

HELD_BY = Text("ETFs that hold it", "보유 ETF")
NOT_HELD = Text(
    "No ETF of the universe lists it among its largest holdings now.",
    "현재 이 종목을 상위 보유 종목으로 둔 대상 ETF가 없습니다.",
)
ETF = Text("ETF", "ETF")
SHARE = Text("Share", "비중")
PLACE = Text("Place", "순위")
SNAPSHOT = Text("Snapshot", "보유 종목 기준일")
HOLDINGS = Text("What it holds", "보유 종목")
NO_HOLDINGS = Text("No holdings of it are stored yet.", "아직 저장된 보유 종목이 없습니다.")
HOLDINGS_READING = Text(
    "Snapshot of {day}. The source lists the largest holdings only.",
    "{day} 기준이며, 출처는 상위 보유 종목만 제공합니다.",
)
RECORD = Text("In our portfolios: {count} times", "우리 포트폴리오 편입 기록: {count}회")
NEVER = Text("It has not been in a portfolio of ours.", "우리 포트폴리오에 편입된 적이 없습니다.")
PORTFOLIO = Text("Portfolio", "포트폴리오")
KNOWN_LATER = Text(
    "Computed with ETF holdings of {day}, which nobody could have known then",
    "{day} ETF 보유 종목을 썼으며 당시에는 알 수 없던 정보입니다",
)
CHOSEN_BY = Text("Through", "편입 경로")
NEWEST_SHOWN = Text("The newest {count} of {total}.", "전체 {total}건 중 최근 {count}건입니다.")
