"""What has become of the published portfolios."""

from dashboard.texts import Text

TITLE = Text("Performance", "성과")
NET = Text("Net", "비용 차감 후")
GROSS = Text("Gross", "비용 차감 전")
TOTAL_NET = Text("Return, net of cost", "수익률 (비용 차감 후)")
TOTAL_GROSS = Text("Return, gross", "수익률 (비용 차감 전)")
TOTAL_BENCHMARK = Text("{benchmark} over the same sessions", "같은 기간 {benchmark} 수익률")
MAX_DRAWDOWN = Text("Max drawdown, net", "최대 낙폭 (비용 차감 후)")
AVERAGE_TURNOVER = Text("Turnover, a session on average", "거래일 평균 회전율")
COST = Text("Cost paid, at {rate} of traded value", "비용 합계 (거래 금액의 {rate})")
SESSIONS = Text("Sessions followed", "추적한 거래일 수")
LAST_SESSION = Text("Followed to", "기준 거래일")

CAGR = Text("Growth a year", "연평균 수익률 (CAGR)")
VOLATILITY = Text("Volatility", "변동성")
SHARPE = Text("Sharpe", "샤프 지수")
SORTINO = Text("Sortino", "소르티노 지수")
CALMAR = Text("Calmar", "칼마 지수")
BETA = Text("Beta to {benchmark}", "베타 ({benchmark} 대비)")

CHART = Text("Against {benchmark}, session by session", "거래일별 {benchmark} 대비 성과")
VALUE = Text("Value of 1 invested", "1을 투자했을 때의 가치")
DRAWDOWN = Text("Drawdown from the highest value", "최고점 대비 낙폭")
TURNOVER = Text("Turnover at the close", "종가 기준 회전율")

COMPARISON = Text("The four portfolios", "네 포트폴리오 비교")
PORTFOLIO = Text("Portfolio", "포트폴리오")
SHORT_DRAWDOWN = Text("Max drawdown", "최대 낙폭")
SHORT_TURNOVER = Text("Turnover", "회전율")
SHORT_COST = Text("Cost", "비용")
SHORT_SESSIONS = Text("Sessions", "거래일 수")
SINCE = Text("Since", "시작일")
OF_DAYS = Text("{days} sessions", "{days}거래일")
OF_MONTH = Text("Monthly", "월간")

HINDSIGHT = Text(
    "No real record: in {count} of {sessions} sessions nobody could have held the portfolio. It rests on ETF holdings "
    "that were collected later, or was published only after the close at which it is bought.",
    "실제 성과 기록이 아닙니다. {sessions}거래일 중 {count}거래일의 포트폴리오는 당시 아무도 보유할 수 없었습니다. "
    "나중에 수집된 ETF 보유 종목으로 계산되었거나, 매수하는 종가가 지난 뒤에야 발표되었습니다.",
)
DEGRADED = Text(
    "In {count} of {sessions} sessions the portfolio had been published without some prices.",
    "{sessions}거래일 중 {count}거래일의 포트폴리오는 일부 시세 없이 발표된 것입니다.",
)
CARRIED = Text(
    "In {count} of {sessions} sessions something had no close and stands at its last one.",
    "{sessions}거래일 중 {count}거래일에는 종가가 없는 종목이 있어 직전 종가로 평가했습니다.",
)
CARRIED_NOW = Text(
    "At the close of {session}, {weight} of the portfolio stands at an earlier close: {reason}.",
    "{session} 종가 기준 포트폴리오의 {weight}는 이전 종가로 평가되었습니다: {reason}.",
)
EARLIER = Text("As of {session}.", "{session} 기준입니다.")

METHOD = Text(
    "What was published, followed forward: decided on one session, bought at the close of the next one, held with "
    "drifting weights until the next publication is bought; an empty publication is cash, as is a month's portfolio "
    "that has run out; what is not computable never enters it. Turnover is half of all that is bought and sold, over "
    "the value. Each trade costs {rate} of what it trades. {benchmark} is bought once, without cost. Adjusted closes "
    "in US dollars; taxes and spreads are left out.",
    "발표된 포트폴리오를 그대로 따라간 결과입니다. 기준 거래일의 다음 거래일 종가에 매수하고, "
    "다음 발표분을 매수할 때까지 비중을 조정하지 않고 보유합니다. "
    "빈 포트폴리오와 유효 기한이 지난 월간 포트폴리오는 현금이며, 산출할 수 없는 거래일은 기록에 넣지 않습니다. "
    "회전율은 매수와 매도 금액 합의 절반을 평가액으로 나눈 값이며, 매매마다 거래 금액의 {rate}를 비용으로 뺍니다. "
    "{benchmark}는 비용 없이 한 번 매수한 것으로 봅니다. 미국 달러 수정 종가 기준이며 세금과 호가 차이는 뺐습니다.",
)
EMPTY_TITLE = Text("Nothing to follow yet", "아직 추적할 성과가 없습니다")
EMPTY_HINT = Text(
    "It is followed after each session. ./start.sh run performance does it now, "
    "./start.sh history makes a history of 250 sessions.",
    "성과는 매 거래일 이후에 계산됩니다. ./start.sh run performance로 지금 계산하거나, "
    "./start.sh history로 250거래일의 이력을 만들 수 있습니다.",
)
NOT_THIS_ONE = Text(
    "The {portfolio} portfolio has not been held for a session yet.",
    "{portfolio} 포트폴리오는 아직 보유가 시작되지 않았습니다.",
)

CORRECTIONS = Text("Corrections", "정정")
ABOUT_CORRECTIONS = Text(
    "The record follows what was published first, which is what a person could have acted on. This was published again "
    "later, and says something else:",
    "이 기록은 누구나 그때 따라 할 수 있었던 최초 발표를 따릅니다. 아래는 나중에 다시 발표되어 내용이 달라진 것입니다:",
)
CORRECTED = {
    "allocation": Text(
        "Portfolios of {day}, again on {moment}: {difference} of the weight is elsewhere ({reasons})",
        "{day} 포트폴리오, {moment} 재발표: 비중의 {difference}가 달라짐 ({reasons})",
    ),
    "rebalance": Text(
        "Month's portfolio of {day}, again on {moment}: {difference} of the weight is elsewhere ({reasons})",
        "{day} 월간 포트폴리오, {moment} 재발표: 비중의 {difference}가 달라짐 ({reasons})",
    ),
    "performance": Text(
        "Value at {day}, again on {moment}: it differs by {difference} of what was invested ({reasons})",
        "{day} 가치, {moment} 재계산: 투자 원금의 {difference}만큼 달라짐 ({reasons})",
    ),
}
CHANGED = {
    "inputs": Text("other prices or holdings", "시세 또는 보유 종목 변경"),
    "universe": Text("other ETFs or settings", "ETF 또는 설정 변경"),
    "calendar": Text("other days on which an exchange was open", "거래소 개장일 변경"),
    "code": Text("another version of the program", "프로그램 버전 변경"),
    "libraries": Text("other versions of libraries", "라이브러리 버전 변경"),
}
CHANGED_UNKNOWN = Text("published before reasons were kept", "사유 기록 이전의 발표")
MORE_CORRECTIONS = Text("and {count} more", "그 외 {count}건")
