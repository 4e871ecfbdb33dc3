"""The month's merged portfolio and its trades."""

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
TRADES = Text("Trades for a capital of", "투자 금액별 매매")
CAPITAL = Text("Capital in US dollars", "투자 금액 (미국 달러)")
TRADES_HINT = Text(
    "As if last month's portfolio were held: bought at its weights, drifted with the prices up to {session}. "
    "Whole shares at the closes of {session} as they were traded then, before any later split; the trade itself is "
    "possible from the next session on.",
    "지난달 포트폴리오를 그 비중대로 사서 {session}까지 그대로 보유했다고 가정합니다. "
    "{session} 당시 실제로 거래된 종가(이후 액면분할 미반영) 기준의 정수 주식 수이며, "
    "실제 매매는 다음 거래일부터 가능합니다.",
)
FIRST_TRADES_HINT = Text(
    "There is no month before: everything is bought. Whole shares at the closes of {session} as they were traded then, "
    "before any later split; the trade itself is possible from the next session on.",
    "이전 달이 없어 모두 새로 매수합니다. {session} 당시 실제로 거래된 종가(이후 액면분할 미반영) 기준의 "
    "정수 주식 수이며, 실제 매매는 다음 거래일부터 가능합니다.",
)
SIDE = Text("Trade", "매매")
BUY = Text("buy", "매수")
SELL = Text("sell", "매도")
KEEP = Text("keep", "유지")
SHARES = Text("Shares", "주식 수")
HELD_WEIGHT = Text("Weight now", "현재 비중")
HELD = Text("Held", "보유")
TARGET = Text("Target", "목표")
PRICE = Text("Close, $", "종가, $")
VALUE = Text("Value, $", "금액, $")
COST = Text("Cost, $", "비용, $")
NO_PRICE = Text("no price", "시세 없음")
TOTAL = Text(
    "Bought {bought}, sold {sold}, cost {cost} at {rate} of traded value, cash left {cash}.",
    "매수 {bought}, 매도 {sold}, 비용 {cost} (거래 금액의 {rate}), 남는 현금 {cash}.",
)
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
    "This month ran out on {day}: from then on the followed record holds cash. The next rebalance is on {next}. "
    "Until then there is nothing to buy; what is still held of it is no longer a position of this portfolio.",
    "이 월간 포트폴리오는 {day}에 유효 기한이 지났습니다. 그 뒤로 성과 기록은 현금으로 계산합니다. "
    "다음 리밸런싱은 {next}입니다. 그때까지 새로 살 종목은 없으며, "
    "남아 있는 보유분은 더 이상 이 포트폴리오의 종목이 아닙니다.",
)
CAPITAL_REFUSED = Text(
    "{typed} is no sum to invest: give dollars from 1 to {largest}, like 25000 or 25,000.50. "
    "The trades below are not for it.",
    "{typed}은(는) 투자 금액이 아닙니다. 1~{largest} 달러로 입력하세요 (예: 25000, 25,000.50). "
    "아래 매매는 그 금액의 것이 아닙니다.",
)
TOO_SMALL = Text(
    "At this sum {count} of {positions} positions get no whole share: the dearest costs ${price} a share.",
    "이 금액으로는 {positions}개 종목 중 {count}개를 한 주도 살 수 없습니다. 가장 비싼 종목은 한 주에 ${price}입니다.",
)
TOO_LARGE = Text(
    "Too much for the market: more than {limit} of what is traded in an ordinary session. {trades}. "
    "Such a trade moves the price, and the closes here would not be paid.",
    "시장이 받아 내기에 너무 큰 금액입니다. 평소 하루 거래량의 {limit}를 넘는 매매: {trades}. "
    "이런 매매는 가격을 움직이므로 여기 적힌 종가로 체결되지 않습니다.",
)
AND_MORE = Text(" and {count} more", " 외 {count}건")
