"""The market map, and the ETFs against the benchmark."""

from dashboard.texts import Text

TITLE = Text("Map", "시장 지도")
WINDOW = Text("Return over", "수익률 기간")
MONTH_HINT = Text("Since the last close of the month before", "전월 마지막 종가 대비")

STOCKS = Text("{count} stocks by sector, {day}", "업종별 {count}개 종목, {day}")
UNKNOWN_SECTOR = Text("Sector not known yet", "업종 미확인")
CARD_CAP = Text("Mkt cap", "시가총액")
CARD_STOCKS = Text("{count} stocks, returns weighted by market cap", "{count}개 종목, 시가총액 가중 수익률")
LEGEND = Text("Colour: {low} {down}, 0% neutral, {high} {up}", "색상: {low} {down}, 0% 중립, {high} {up}")
SIZE = Text("Size", "크기")
SIZES = {"cap": Text("market cap", "시가총액"), "equal": Text("equal", "동일")}
SIZE_HINTS = {
    "cap": Text("Area = market cap in US dollars", "면적 = 미국 달러 기준 시가총액"),
    "equal": Text("Every stock has the same area", "모든 종목의 면적이 같습니다"),
}
COLOURS = Text("Up and down", "상승·하락 색")
COLOUR_HINTS = {
    "blue-orange": Text(
        "Up is blue, down is orange: readers of any colour vision can tell them apart",
        "상승 파랑, 하락 주황: 색각과 관계없이 구분할 수 있습니다",
    ),
    "green-red": Text("Up is green, down is red", "상승 초록, 하락 빨강"),
    "red-blue": Text("Up is red, down is blue, as in Korea", "상승 빨강, 하락 파랑 (국내 방식)"),
}
FIND = Text("Find on the map", "지도에서 찾기")
FIND_HINT = Text("Code or name, then Enter", "종목 코드나 이름, Enter")
FOUND = Text("{name}, {sector}: outlined.", "{name}, {sector}: 테두리로 표시했습니다.")
FOUND_WITHOUT_AREA = Text(
    "{name}, {sector}: it has no market cap, so it has no area on this map.",
    "{name}, {sector}: 시가총액이 없어 이 지도에 면적이 없습니다.",
)
NOT_FOUND = Text("No stock of this map is called “{typed}”.", "이 지도에는 '{typed}' 종목이 없습니다.")
NO_RETURN = Text("no return", "수익률 없음")
READING = Text(
    "{area}. Colour = return over {window}, in US dollars, of adjusted closes; it no longer "
    "changes beyond {high}. A sector's return is that of its stocks, weighted by their market caps at the start of the "
    "window: what one has earned who held all of it.",
    "{area}. 색은 {window} 수익률(수정 종가, 미국 달러 기준)이며 {high}를 넘으면 더 "
    "진해지지 않습니다. 업종 수익률은 종목 수익률을 기간 시작일의 시가총액으로 가중한 값, 즉 업종 전체를 보유했을 "
    "때의 수익률입니다.",
)
TO_USE = Text("Select a stock for its page, a sector to enlarge it", "종목을 누르면 종목 화면, 업종을 누르면 확대")
WHOLE_MAP = Text("‹ {sector} · show the whole map", "‹ {sector} · 전체 지도 보기")
SPAN_DAY = Text("one session", "1거래일")
SPAN_DAYS = Text("{days} sessions", "{days}거래일")
SPAN_MONTH = Text("the month so far", "당월")
AS_LIST = Text("All stocks as a list of links", "전체 종목 링크 목록")
LEFT_OUT = Text("Without a return or a market cap", "수익률이나 시가총액이 없는 종목")
NO_START_CAP = Text(
    "no market cap at the start of the window, so it does not count in its sector's return",
    "기간 시작일의 시가총액이 없어 업종 수익률에서 제외됩니다",
)
DOUBTS = Text("△ Figures that are missing or in doubt", "△ 없거나 확실하지 않은 수치")
ABSENT = Text("Expected, but without a bar of the session", "그날 시세가 있어야 하지만 없는 종목")
WITHOUT_ABSENT = Text(
    "△ {count} expected stocks have no bar of the session, and are in no figure: see the list below the map.",
    "△ 그날 시세가 있어야 할 종목 {count}개가 없어 모든 수치에서 빠졌습니다. 지도 아래 목록을 보십시오.",
)
WITHOUT = Text("Not counted over {window}: {tickers}", "{window} 수익률에서 제외: {tickers}")
DERIVED = Text(
    "Sector from a sector ETF; not Yahoo's own word", "업종은 업종 ETF에서 가져왔으며 Yahoo의 분류가 아닙니다"
)
DERIVED_COUNT = Text(
    "Sector from a sector ETF that holds them; not Yahoo's own word",
    "업종 ETF에서 업종을 가져온 종목 (Yahoo의 분류가 아님)",
)
CARRIED_RATE = Text("At the exchange rate of {day}", "{day} 환율 적용")
NO_CAP = Text("no market cap, so it has no area on the map", "시가총액이 없어 지도에 면적이 없습니다")
NO_CAP_TO_COUNT = Text(
    "no market cap, so it does not count in its sector's return", "시가총액이 없어 업종 수익률에서 제외됩니다"
)

SECTORS = Text("Sectors, {day}", "업종, {day}")
STOCK_COUNT = Text("Stocks", "종목 수")
BY_CAP = Text("{window}, by cap", "{window} (시총 가중)")
EQUALLY = Text("Month, each alike", "월간 (동일 가중)")
COUNTED_TO = Text("Counted to", "집계 기준일")
SECTORS_READING = Text(
    "By cap: the stocks' returns weighted by their market caps at the start of the window. Each alike: the plain mean "
    "of the stocks' returns over the newest published month, up to the day beside it. They differ where small and "
    "large stocks do.",
    "시총 가중은 종목 수익률을 기간 시작일의 시가총액으로 가중한 값입니다. 동일 가중은 가장 최근에 발표된 월의 종목 "
    "수익률을 옆에 적힌 기준일까지 단순 평균한 값입니다. 대형주와 소형주가 다르게 움직이면 두 값은 달라집니다.",
)
MONTH_DEGRADED = Text("Month, degraded: {reason}.", "월간 수익률 불완전: {reason}.")
MONTH_HINDSIGHT = Text(
    "Month, seen with hindsight: its stocks are those of ETF holdings of {day}, which nobody could have known then.",
    "월간 수익률은 사후 정보로 계산했습니다. {day} ETF 보유 종목을 썼으며 당시에는 알 수 없던 정보입니다.",
)

ETFS = Text("The ETFs against {benchmark}, {day}", "ETF와 {benchmark} 비교, {day}")
ETF = Text("ETF", "ETF")
FOLLOWS = Text("Follows", "추종 대상")
COURSE = Text("Course", "추이")
COURSE_OF = Text("{ticker} {own}, {benchmark} {its}", "{ticker} {own}, {benchmark} {its}")
CLOSE = Text("Close", "종가")
AHEAD = Text("vs {benchmark}", "{benchmark} 대비")
TRENDS = Text("Trends over", "추세 기간")
LINES = Text("Return since {day}", "{day} 이후 수익률")
LINES_READING = Text(
    "{benchmark} is the thick line; what ends above it is {up}, below it {down}.",
    "굵은 선이 {benchmark}입니다. 그보다 높게 끝난 ETF는 {up}, 낮게 끝난 ETF는 {down}입니다.",
)

OTHERS = Text("{count} smaller", "소형 {count}개")
OTHERS_CARD = Text("Smaller stocks of the sector together", "업종의 나머지 작은 종목 합계")
LINES_LEFT_OUT = Text(
    "The farthest ahead and the farthest behind. {count} in the middle are left out.",
    "가장 앞선 ETF와 가장 뒤진 ETF입니다. 중간의 {count}개는 그리지 않았습니다.",
)
MORE_ETFS = Text("Show the {count} in the middle, too", "중간의 {count}개도 보기")
FEWER_ETFS = Text("Show the first and the last alone", "처음과 끝만 보기")

EMPTY_TITLE = Text("No stock prices yet", "아직 종목 시세가 없습니다")
EMPTY_DETAIL = Text("No stock is stored.", "저장된 종목이 없습니다.")
EMPTY_HINT = Text(
    "Trigger daily_pipeline_controller in Airflow: stage 4 collects the stocks.",
    "Airflow에서 daily_pipeline_controller를 실행해 주십시오. 4단계에서 종목 시세를 수집합니다.",
)
NO_ETFS_TITLE = Text("The ETFs are not compared yet", "아직 ETF 비교가 없습니다")
NO_ETFS_DETAIL = Text("No ETF is stored.", "저장된 ETF가 없습니다.")
NO_ETFS_HINT = Text(
    "Stages 1 to 3 of the pipeline collect and compare them.", "파이프라인 1~3단계에서 수집하고 비교합니다."
)
