"""What every view says: the frame, the banners, and what stands in place of data."""

from dashboard.texts import Text

TITLE = Text("ActStock", "ActStock")
TAGLINE = Text("Best stocks of the ETFs that beat the market", "시장을 이긴 ETF의 최고 종목")
SKIP = Text("Skip to the content", "본문으로 건너뛰기")
VIEWS = Text("Views", "화면")
LANGUAGE = Text("Language", "언어")
OTHER_LANGUAGE = Text("한국어", "English")
LIGHT = Text("Light", "밝게")
DARK = Text("Dark", "어둡게")
THEME = Text("Colours", "색상")
BLUE, ORANGE = Text("blue", "파랑"), Text("orange", "주황")
GREEN, RED = Text("green", "초록"), Text("red", "빨강")
# Of a rise and of a fall.
HUES = {"blue-orange": (BLUE, ORANGE), "green-red": (GREEN, RED), "red-blue": (RED, BLUE)}
DOWNLOAD = Text("CSV", "CSV")
DOWNLOAD_HINT = Text("Download this table with all digits", "표를 전체 자릿수로 내려받습니다")
PERIOD = Text("Period", "기간")
PERIOD_HINT = Text("Return over {days} sessions", "{days}거래일 수익률 기준")
ONE_DAY_HINT = Text("Return since the session before", "전 거래일 대비 수익률")
DAYS = Text("{days}d", "{days}일")
MONTH = Text("month", "월간")
MONTHLY_HINT = Text(
    "The three portfolios merged on the last Sunday of a month", "매월 마지막 일요일에 세 포트폴리오를 합친 것입니다"
)
MONTH_SO_FAR = Text("month", "당월")
SESSION = Text("Session", "거래일")
PRICES = Text("Prices", "시세")
TICKER = Text("Ticker", "종목 코드")
COMPANY = Text("Company", "회사")
SECTOR = Text("Sector", "업종")
WEIGHT = Text("Weight", "비중")
RANK = Text("#", "순위")
CASH = Text("Cash", "현금")
BENCHMARK = Text("{benchmark}", "{benchmark}")
MARKET_CAP = Text("Mkt cap", "시가총액")

SOURCES = {
    "yahoo": Text("Yahoo Finance", "Yahoo Finance"),
    "simulated": Text("Simulated", "가상"),
    "recorded": Text("Recorded", "기록"),
}
SOURCE_BANNERS = {
    "simulated": Text(
        "Simulated prices. They come from an invented market and say nothing about real stocks.",
        "가상 시세입니다. 꾸며낸 시장의 값이며 실제 종목과 아무 관련이 없습니다.",
    ),
    "recorded": Text(
        "Recorded prices. They come from a stored market history, not from Yahoo today.",
        "기록 시세입니다. 저장된 과거 시장의 값이며 현재 Yahoo의 시세가 아닙니다.",
    ),
}
HOLDINGS_LATER = Text(
    "Seen with hindsight: the ETF holdings are those of {holdings}, after the session of {session}. "
    "Nobody could have known them on that day.",
    "사후 정보로 계산한 결과입니다. ETF 보유 종목은 {session} 거래일보다 뒤인 {holdings} 자료이며, "
    "당일에는 알 수 없던 정보입니다.",
)
DEGRADED = Text(
    "Degraded: computed while something was not there or in doubt. {reason}.",
    "불완전한 산출: 일부 자료가 없거나 확실하지 않은 상태로 계산되었습니다. {reason}.",
)

DEGRADED_AT_ALL = Text(
    "Degraded: computed while something was not there or in doubt.",
    "불완전한 산출: 일부 자료가 없거나 확실하지 않은 상태로 계산되었습니다.",
)

DEGRADED_TAG = Text("degraded", "불완전")
HINDSIGHT_TAG = Text("hindsight", "사후 정보")
NOT_COMPUTABLE_TAG = Text("not computable", "산출 불가")
NOT_COMPUTABLE_TITLE = Text("Not computable for this session", "이 거래일은 산출할 수 없습니다")
NOT_COMPUTABLE_HINT = Text(
    "This is not the same as cash: too little history is stored before the session. The record begins after such "
    "sessions. ./start.sh history --sessions 250 collects what lies before.",
    "현금 보유와는 다릅니다. 이 거래일 이전의 시세가 부족합니다. 성과 기록은 이런 거래일 다음부터 시작합니다. "
    "./start.sh history --sessions 250으로 이전 시세를 수집할 수 있습니다.",
)

NOT_PUBLISHED_TITLE = Text("Not published yet", "아직 발표되지 않았습니다")
NOT_PUBLISHED_HINT = Text(
    "Trigger daily_pipeline_controller in Airflow, wait until it is green, and try again.",
    "Airflow에서 daily_pipeline_controller를 실행하고, 성공으로 끝나면 다시 시도해 주십시오.",
)
NOT_THAT_DAY_HINT = Text(
    "Once that session is over, ./start.sh run pipeline --as-of DATE computes it.",
    "그 거래일이 끝난 뒤에는 ./start.sh run pipeline --as-of DATE로 산출할 수 있습니다.",
)
UNKNOWN_TICKER_TITLE = Text("Unknown ticker", "알 수 없는 종목 코드입니다")
UNKNOWN_TICKER_HINT = Text(
    "Only what the pipeline has collected can be shown: the universe's ETFs and their top holdings.",
    "수집된 종목, 즉 대상 ETF와 그 상위 보유 종목만 볼 수 있습니다.",
)
AWAY_TITLE = Text("The data cannot be reached", "데이터에 연결할 수 없습니다")
AWAY_HINT = Text(
    "See which service is away with ./start.sh status and bring it back with ./start.sh restart SERVICE.",
    "./start.sh status로 멈춘 서비스를 확인하고 ./start.sh restart SERVICE로 다시 시작해 주십시오.",
)
REFUSED_TITLE = Text("The API refused the dashboard's key", "API가 대시보드의 키를 거부했습니다")
REFUSED_HINT = Text(
    "API and dashboard must be started with the same API_KEY: restart both.",
    "API와 대시보드는 같은 API_KEY로 시작해야 합니다. 둘 다 다시 시작해 주십시오.",
)
BAD_ADDRESS_TITLE = Text("This address cannot be shown", "이 주소는 열 수 없습니다")
BAD_ADDRESS_HINT = Text(
    "Part of the address cannot be used. Write it as the message says, or start again.",
    "주소의 일부를 쓸 수 없습니다. 위에 적힌 대로 고쳐 쓰거나 처음부터 다시 선택해 주십시오.",
)
NO_SESSION_TITLE = Text("No session on that day", "그날은 거래일이 아닙니다")
NO_SESSION_HINT = Text(
    "The New York Stock Exchange was closed on that day. Choose one of its sessions.",
    "뉴욕증권거래소가 쉬는 날입니다. 거래일을 선택해 주십시오.",
)
NO_REBALANCE_HINT = Text(
    "Months are published by monthly_portfolio_rebalance in Airflow, for the last Sunday of a month: "
    "./start.sh run rebalance does it now.",
    "월간 포트폴리오는 Airflow의 monthly_portfolio_rebalance가 매월 마지막 일요일에 발표합니다. "
    "./start.sh run rebalance로 지금 실행할 수 있습니다.",
)
DAY_NOT_OFFERED = Text(
    "{day} cannot be shown: nothing is published for that day. Choose a day that the calendar offers.",
    "{day}에 발표된 결과가 없어 표시할 수 없습니다. 달력에서 선택할 수 있는 날짜를 골라 주십시오.",
)
NOT_OVER_TITLE = Text("Not over yet", "아직 끝나지 않은 거래일입니다")
NOT_OVER_HINT = Text(
    "A session can be shown once its exchange has closed and the pipeline has computed it.",
    "거래소가 마감하고 파이프라인이 산출한 뒤에 볼 수 있습니다.",
)
OUTSIDE_TITLE = Text("Outside the calendar", "달력 밖의 날짜입니다")
OUTSIDE_HINT = Text(
    "Choose a session between the two days that the message names.",
    "위에 적힌 두 날짜 사이의 거래일을 선택해 주십시오.",
)
OTHER_TABLES_TITLE = Text("The tables are not those of this version", "테이블이 이 버전과 맞지 않습니다")
OTHER_TABLES_HINT = Text(
    "Bring them up to date: ./start.sh exec python -m database.migrate.",
    "./start.sh exec python -m database.migrate로 테이블을 최신 상태로 만들어 주십시오.",
)
FAILED_TITLE = Text("The API could not answer this", "API가 이 요청에 답하지 못했습니다")
FAILED_HINT = Text("Its log says more: ./start.sh logs api.", "자세한 내용은 ./start.sh logs api로 확인해 주십시오.")
BROKEN_TITLE = Text("This view could not be drawn", "화면을 그리지 못했습니다")
BROKEN_DETAIL = Text("The dashboard's log says why.", "원인은 대시보드 로그에 있습니다.")
BROKEN_HINT = Text("See it with ./start.sh logs dashboard.", "./start.sh logs dashboard로 확인해 주십시오.")
TRY_AGAIN = Text("Try again", "다시 시도")
SHOW_NEWEST = Text("Show the newest", "최신 화면 보기")
WEEKDAYS = ("월", "화", "수", "목", "금", "토", "일")
