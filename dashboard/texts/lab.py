"""Does the rule have an edge? The verdict itself is in dashboard.texts.reasons."""

from dashboard.texts import Text

TITLE = Text("Lab", "검증")
QUESTION = Text("Does the rule have an edge?", "이 규칙에 우위가 있습니까?")
SESSIONS = Text("Sessions judged", "판정 거래일")
MORE = Text("More sessions needed", "더 필요한 거래일")
JUDGED = Text("Variants judged", "판정한 규칙")
SINCE = Text("From", "시작")
UNTIL = Text("Until", "끝")
BY_LUCK = Text("Best Sharpe ratio by luck alone", "우연만으로 가능한 최고 샤프 비율")
OVERFITTING = Text("Probability of overfitting", "과최적화 확률")
CHOSEN = Text("Sharpe ratio where chosen", "선택 구간 샤프 비율")
HELD = Text("Sharpe ratio where held", "보유 구간 샤프 비율")
COSTS = Text("At each cost", "비용별 판정")
COSTS_HINT = Text(
    "An edge needs a p-value of at most 5 % and a positive ratio out of sample, at every cost from 0 up.",
    "0부터 해당 비용까지 모두 p값이 5 % 이하이고 표본 외 비율이 양수여야 우위로 봅니다.",
)
COST = Text("Cost", "비용")
P_VALUE = Text("p, all variants counted", "p값 (모든 규칙 감안)")
OUT_OF_SAMPLE = Text("Sharpe out of sample", "표본 외 샤프 비율")
VARIANTS = Text("Variants at {cost} bp", "비용 {cost} bp에서의 규칙")
VARIANT = Text("Variant", "규칙")
SEED = Text("the seed's rule", "기본 규칙")
HINDSIGHT = Text("hindsight", "사후 정보")
EXCESS = Text("Excess a year", "연 초과 수익")
LOWER = Text("95 % from", "95 % 하한")
UPPER = Text("95 % to", "95 % 상한")
SHARPE = Text("Sharpe", "샤프")
OWN_P = Text("p", "p값")
DEFLATED = Text("Deflated Sharpe", "보정 샤프")
BREAK_EVEN = Text("Break-even bp", "손익분기 bp")
TURNOVER = Text("Turnover a year", "연 회전율")
WORST = Text("Worst year", "최악의 해")
WORST_EXCESS = Text("Behind by", "그해 차이")
NEEDS = Text("Sessions needed", "필요 거래일")
INTERVALS = Text("Excess a year, with its 95 % interval", "연 초과 수익과 95 % 구간")
METHOD = Text(
    "Net of costs and above {benchmark}. Decided on one session, bought at the close of the next. Every variant tried "
    "counts against each of them. What held over these sessions may end.",
    "비용을 뺀 {benchmark} 대비 수익입니다. 한 거래일에 정하고 다음 거래일 종가에 삽니다. 시도한 모든 규칙을 "
    "감안합니다. 이 기간의 결과가 계속된다는 뜻은 아닙니다.",
)
EMPTY_HINT = Text("Run ./start.sh lab.", "./start.sh lab을 실행하십시오.")
