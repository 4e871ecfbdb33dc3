"""The portfolio of a period."""

from dashboard.texts import Text

TITLE = Text("Portfolio", "포트폴리오")
SESSION_PICKER = Text("Session to show", "볼 거래일")
EARLIER = Text("Earlier session", "이전 거래일")
LATER = Text("Later session", "다음 거래일")
NEWEST = Text("newest", "최신")

WEIGHTS = Text("Weights", "비중")
POSITIONS = Text("Positions", "편입 종목")
PUBLISHED = Text("Published", "발표 시각")
HOLDINGS_AS_OF = Text("ETF holdings of", "ETF 보유 종목 기준일")
DATA = Text("Prices stored", "저장된 시세")
DATA_OF = Text("{stored} of {expected}", "{expected}건 중 {stored}건")
DATA_HINT = Text(
    "Tickers expected for this session, and how many are stored: {states}",
    "이 거래일에 있어야 할 종목과 저장된 종목: {states}",
)
STATES = {
    "stored": Text("stored {count}", "저장 {count}"),
    "late": Text("late {count}", "지연 {count}"),
    "missing": Text("missing {count}", "누락 {count}"),
    "quarantined": Text("quarantined {count}", "격리 {count}"),
    "closed": Text("exchange closed {count}", "휴장 {count}"),
}
PERIOD_RETURN = Text("Return {days}d", "{days}일 수익률")
MARKET_CAP_QUOTED = Text(
    "* Quoted market cap: the share count is not known", "* 발행 주식 수를 알 수 없어 공시된 시가총액을 썼습니다"
)
SCORE = Text("Score", "점수")
SCORE_HINT = Text(
    "Return ÷ market cap, times 10¹². The weight is a position's share of all scores.",
    "수익률 ÷ 시가총액 × 10¹²입니다. 비중은 전체 점수 합에서 차지하는 몫입니다.",
)
SOURCE_ETFS = Text("ETFs", "ETF")
WHY = Text("Why", "이유")

TO_SOURCE = Text("Down to the source", "근거 자료 보기")
TO_SOURCE_HINT = Text(
    "Every input of this weight in the version that was used, back to what the source sent",
    "이 비중의 모든 입력값을 사용된 버전 그대로, 출처가 보낸 응답까지 확인합니다",
)

WHY_TITLE = Text("Why {ticker} has {weight}", "{ticker} 비중이 {weight}인 이유")
CHOSEN_BY = Text(
    "Best performer with a positive return among the top holdings of {etfs}, which beat SPY over {days} sessions.",
    "{days}거래일 동안 SPY를 이긴 {etfs}의 상위 보유 종목 중 수익률이 양수이면서 가장 높은 종목입니다.",
)
FORMULA_RETURN = Text("Return {start} → {end}", "수익률 {start} → {end}")
FORMULA_SCORE = Text("Score = return ÷ market cap × 10¹²", "점수 = 수익률 ÷ 시가총액 × 10¹²")
FORMULA_SUM = Text("Sum of all {count} scores", "전체 {count}개 점수의 합")
FORMULA_WEIGHT = Text("Weight = score ÷ sum", "비중 = 점수 ÷ 합")
FORMULA_CAPPED = Text(
    "Published weight: a position is capped, the excess goes to the others and what is left is cash.",
    "발표된 비중: 종목별 상한이 적용되어 초과분은 다른 종목에 나누고 남은 몫은 현금입니다.",
)
RULE = Text("The rule in its own words", "선정 기록")
WHERE_FROM = Text("Where the rows come from", "자료의 출처")
SNAPSHOT = Text("{etf}: holdings collected for {day}", "{etf}: {day} 기준 보유 종목")
RUN = Text("run {run}", "실행 {run}")
CANDIDATES_OF = Text("What {etf} offered", "{etf}의 후보")
ALL_CANDIDATES = Text("All candidates", "전체 후보")
ALL_CANDIDATES_HINT = Text(
    "Every holding that was looked at, and why it was not chosen", "검토한 모든 보유 종목과 제외된 이유입니다"
)
OTHERS = Text("{count} others", "그 외 {count}개")
UNFOLD = Text("Show them", "보기")
FOLD = Text("Fold them", "접기")
ETF = Text("ETF", "ETF")
HOLDING = Text("Share of ETF", "ETF 내 비중")
VERDICT = Text("Verdict", "판정")
CHOSEN = Text("✓ chosen", "✓ 선정")
NO_CANDIDATES = Text(
    "No ETF beat SPY in this period, so nothing was looked at.",
    "이 기간에 SPY를 이긴 ETF가 없어 검토한 종목이 없습니다.",
)

RECORD = Text(
    "Followed for {sessions} sessions since {day}, each portfolio bought at the next close:",
    "{day}부터 {sessions}거래일 동안 발표된 포트폴리오를 다음 거래일 종가에 매수하며 따라간 결과:",
)
RECORD_NET = Text("net of cost", "(비용 차감 후)")
RECORD_DRAWDOWN = Text("deepest drawdown", "최대 낙폭")
RECORD_HINDSIGHT = Text(
    "No real record: nobody could have held it in {count} of these sessions. It was known too late.",
    "실제 기록이 아닙니다: 이 중 {count}거래일은 너무 늦게 알려져 아무도 보유할 수 없었습니다.",
)
NO_RECORD = Text(
    "Not followed yet: that takes a session after the first portfolio.",
    "아직 따라간 기록이 없습니다. 첫 포트폴리오 다음 거래일부터 쌓입니다.",
)
WHOLE_RECORD = Text("Performance", "성과 보기")

METHOD = Text(
    "For each ETF that beat SPY with a positive return, the best performer of its top holdings. "
    "Score = return ÷ market cap, weight = score ÷ sum of all scores. Returns are of adjusted closes, in US dollars. "
    "A 5 to 20 session winner is not a forecast: look at the record before you act on it.",
    "SPY를 이기고 수익률이 양수인 ETF마다 상위 보유 종목 중 수익률이 가장 높은 종목을 고릅니다. "
    "점수 = 수익률 ÷ 시가총액, 비중 = 점수 ÷ 전체 점수의 합입니다. 수익률은 수정 종가를 미국 달러로 환산한 값입니다. "
    "5~20거래일의 상승 종목이 앞으로도 오른다는 뜻은 아닙니다. 투자 판단 전에 성과 기록을 확인해 주십시오.",
)
MARKET_CAP_IS = Text("Market cap: {source}", "시가총액: {source}")
EMPTY_TITLE = Text("No positions for this session", "이 거래일에는 편입 종목이 없습니다")
EMPTY_HINT = Text(
    "The portfolio is all cash. Another period may hold positions.",
    "포트폴리오 전액이 현금입니다. 다른 기간에는 편입 종목이 있을 수 있습니다.",
)
