"""The tear sheet of a portfolio."""

from dashboard.texts import Text

RANGE = Text("Range shown", "표시 범위")
RANGES = {
    "1m": Text("1M", "1개월"),
    "3m": Text("3M", "3개월"),
    "6m": Text("6M", "6개월"),
    "ytd": Text("YTD", "올해"),
    "1y": Text("1Y", "1년"),
    "all": Text("All", "전체"),
}
RANGE_HINTS = {
    "1m": Text("The last month", "최근 1개월"),
    "3m": Text("The last three months", "최근 3개월"),
    "6m": Text("The last six months", "최근 6개월"),
    "ytd": Text("Since the first session of the year", "올해 첫 거래일부터"),
    "1y": Text("The last year", "최근 1년"),
    "all": Text("The whole record", "전체 기록"),
}
PRINT = Text("Print or save as PDF", "인쇄 / PDF 저장")

FIGURES = Text("Figures, {first} to {last}", "지표, {first} ~ {last}")
FIGURE = Text("Figure", "지표")
PORTFOLIO_NET = Text("Portfolio, net", "포트폴리오 (비용 차감 후)")
TOTAL = Text("Return", "수익률")
BEST_DAY = Text("Best day", "최고 일간 수익률")
WORST_DAY = Text("Worst day", "최저 일간 수익률")
BEST_MONTH = Text("Best month", "최고 월간 수익률")
WORST_MONTH = Text("Worst month", "최저 월간 수익률")
POSITIVE_DAYS = Text("Days with a gain", "오른 날의 비율")
TOO_FEW = Text(
    "{count} sessions in this range: too few to speak of a year, which takes {needed}.",
    "이 기간은 {count}거래일뿐이어서 연환산 지표를 내기에 부족합니다. {needed}거래일부터 표시합니다.",
)

CORRECTED = Text(
    "Values of earlier sessions were corrected after they were published. The figures, months and drawdowns count a "
    "correction on its own session. The chart shows what was published first, and a correction from the session on at "
    "which it became known.",
    "이전 거래일의 가치가 발표 후에 정정되었습니다. 지표, 월별 수익률, 낙폭은 정정을 해당 거래일에 반영합니다. "
    "차트는 처음 발표한 값을 보여 주며, 정정은 알려진 거래일부터 반영합니다.",
)

MONTHS_TITLE = Text("Month by month, net of cost", "월별 수익률 (비용 차감 후)")
YEAR = Text("Year", "연도")
WHOLE_YEAR = Text("Whole", "연간")
MONTHS = (
    Text("Jan", "1월"),
    Text("Feb", "2월"),
    Text("Mar", "3월"),
    Text("Apr", "4월"),
    Text("May", "5월"),
    Text("Jun", "6월"),
    Text("Jul", "7월"),
    Text("Aug", "8월"),
    Text("Sep", "9월"),
    Text("Oct", "10월"),
    Text("Nov", "11월"),
    Text("Dec", "12월"),
)
MONTHS_NOTE = Text(
    "The first and the last month are counted as far as they were followed.",
    "첫 달과 마지막 달은 추적한 거래일까지만 계산합니다.",
)

ROLLING = Text("Over the last {window} sessions, session by session", "최근 {window}거래일 기준 지표의 흐름")
ROLLING_SHARPE = Text("Sharpe", "샤프 지수")
ROLLING_BETA = Text("Beta to {benchmark}", "베타 ({benchmark} 대비)")
NO_ROLLING = Text("It takes more than {window} sessions.", "{window}거래일보다 긴 기록이 필요합니다.")

DRAWDOWNS = Text("The deepest drawdowns", "가장 깊은 낙폭")
FROM = Text("From", "고점")
LOWEST = Text("Lowest", "저점")
RECOVERED = Text("Recovered", "회복")
DEPTH = Text("Depth", "낙폭")
LASTED = Text("Lasted", "지속 거래일")
NOT_YET = Text("not yet", "회복 전")
NO_DRAWDOWNS = Text("The value has never fallen.", "가치가 떨어진 적이 없습니다.")
