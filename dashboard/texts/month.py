"""The month's merged portfolio."""

from dashboard.texts import Text

TITLE = Text("Monthly portfolio", "월간 포트폴리오")
PICKER = Text("Rebalance to show", "볼 리밸런싱")
EARLIER = Text("Earlier month", "이전 달")
LATER = Text("Later month", "다음 달")
REBALANCED = Text("Rebalanced", "리밸런싱일")
VALID_UNTIL = Text("Valid until", "유효 기한")
SESSION = Text("Portfolios of", "기준 거래일")
REMOVED = Text("No longer in it", "제외된 종목")
BEFORE = Text("Before", "지난달")
CHANGE = Text("Change", "변화")
SCORE = Text("Score", "점수")
SCORE_HINT = Text(
    "0.3 to 3 by which of the three portfolios hold it. The weight is its share of all scores.",
    "세 포트폴리오 중 어디에 들어 있는지에 따라 0.3~3점입니다. 비중은 전체 점수 합에서 차지하는 몫입니다.",
)
SOURCE_PERIODS = Text("Portfolios", "포함 포트폴리오")
SOURCE_PERIODS_HINT = Text(
    "The daily portfolios that hold it. The link leads down to the source.",
    "이 종목이 들어 있는 일별 포트폴리오입니다. 누르면 근거 자료를 볼 수 있습니다.",
)
RANK_BEFORE = Text("# before", "지난달 순위")

POSITIONS = Text("Positions", "편입 종목")
METHOD = Text(
    "A stock counts by which of the three portfolios of the session hold it: those of the 20-session one come first, "
    "the others from rank 20 on. Weight = score ÷ sum of all scores.",
    "종목은 그 거래일의 세 포트폴리오 중 어디에 들어 있는지에 따라 점수를 받습니다. "
    "20거래일 포트폴리오의 종목이 먼저이고 나머지는 20위부터 놓입니다. 비중 = 점수 ÷ 전체 점수의 합입니다.",
)
NOT_IN_RECORD = Text(
    "The followed record does not know this rebalance yet: it goes to {session} and was computed before. "
    "./start.sh run performance adds it.",
    "추적 중인 성과 기록에는 이 리밸런싱이 아직 반영되지 않았습니다. 기록은 {session}까지이며 이전에 계산되었습니다. "
    "./start.sh run performance로 반영할 수 있습니다.",
)
EMPTY_TITLE = Text("No monthly portfolio", "월간 포트폴리오가 없습니다")
EMPTY_HINT = Text(
    "./start.sh run rebalance publishes the newest one.",
    "./start.sh run rebalance로 최신 월간 포트폴리오를 발표할 수 있습니다.",
)

EXPIRED = Text(
    "This month ran out on {day}: from then on the followed record holds cash. The next rebalance is that of {next}. "
    "Until then there is nothing to buy; what is still held of it is no longer a position of this portfolio.",
    "이 월간 포트폴리오는 {day}에 유효 기한이 지났습니다. 그 뒤로 성과 기록은 현금으로 계산합니다. "
    "다음은 {next} 리밸런싱입니다. 그것이 나올 때까지 새로 살 종목은 없으며, "
    "남아 있는 보유분은 더 이상 이 포트폴리오의 종목이 아닙니다.",
)
