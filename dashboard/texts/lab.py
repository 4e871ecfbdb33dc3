"""Does the rule have an edge? The verdict itself, its notes and the variants' names are in dashboard.texts.reasons."""

from dashboard.texts import Text

TITLE = Text("Lab", "검증")
QUESTION = Text("Does the rule have an edge?", "이 규칙에 우위가 있습니까?")
EDGE = Text("Edge at cost ≤ {cost} bp", "비용 {cost} bp 이하에서 우위 확인")
NO_EDGE = Text("No edge shown", "우위 확인되지 않음")
NOT_ENOUGH = Text("Not enough data", "자료 부족")

WHOLE = Text("All variants of the ETF leg", "ETF 부분의 전체 규칙")
STOCKS = Text("The stock leg, and the whole rule with it", "종목 부분과 기본 규칙 전체")
SINCE = Text("From", "시작")
UNTIL = Text("Until", "끝")
SESSIONS = Text("Sessions judged", "판정한 거래일")
MORE = Text("More sessions needed", "더 필요한 거래일")
JUDGED = Text("Variants tried and judged", "시도하고 판정한 규칙")
BY_LUCK = Text("Best yearly Sharpe ratio by luck alone", "우연만으로 나올 수 있는 최고 연 샤프 비율")
CHOSEN = Text("Sharpe ratio where chosen", "고른 구간의 샤프 비율")
HELD = Text("Sharpe ratio where held after that", "그 뒤 보유 구간의 샤프 비율")
OVERFITTING = Text("Probability of overfitting", "과최적화 확률")

SEED = Text("The ETF leg of the rule, at {cost} bp", "기본 규칙의 ETF 부분, 비용 {cost} bp")
SEED_NEEDS = Text("Sessions until this can be told from luck", "우연과 구별되기까지 필요한 거래일")
NEVER = Text("never: it is not ahead", "없음: 앞서지 못했습니다")
MANY = Text("{needed:,}, {more:,} more than there are", "{needed:,}일, {more:,}일 더 필요")
ENOUGH = Text("{needed:,}: enough are stored", "{needed:,}일: 이미 충분합니다")

COSTS = Text("At each cost", "비용별 판정")
COSTS_HINT = Text(
    "An edge needs two things at every cost from 0 up: luck alone explains the best variant in at most 5% of cases "
    "(p), and what was chosen in the past went on to earn more than {benchmark} (Sharpe ratio above 0), after the cost "
    "of each change.",
    "우위로 보려면 비용 0부터 해당 비용까지 모두 두 가지를 만족해야 합니다. 가장 좋은 규칙이 우연으로 설명되는 "
    "확률(p)이 5% 이하이고, 과거에 고른 규칙이 그 뒤에도, 규칙을 바꾸는 비용까지 빼고 {benchmark}보다 높아야 합니다 "
    "(샤프 비율 0 초과).",
)
COST = Text("Cost", "비용")
P_VALUE = Text("p, all variants counted", "p값 (모든 규칙 감안)")
OUT_OF_SAMPLE = Text("Sharpe ratio where held", "보유 구간 샤프 비율")
IS_EDGE = Text("Edge", "우위")
YES = Text("yes", "있음")
NO = Text("no", "없음")

INTERVALS = Text("Excess over {benchmark} a year, with its 95% interval", "{benchmark} 대비 연 초과 수익과 95% 구간")
INTERVALS_HINT = Text(
    "An interval that contains 0 says that the variant may earn nothing more than {benchmark}. Of {judged} variants "
    "some lie above 0 by luck, which is why the verdict counts all of them.",
    "구간에 0이 들어 있으면 {benchmark}보다 더 버는 것이 없을 수 있습니다. {judged}개 중 일부는 우연히 "
    "0보다 위에 있으므로 판정은 모두를 감안합니다.",
)
VARIANTS = Text("Variants at {cost} bp", "비용 {cost} bp에서의 규칙")
VARIANT = Text("Variant", "규칙")
IS_SEED = Text("the ETF leg of the rule", "기본 규칙의 ETF 부분")
IS_WHOLE = Text("the whole rule", "기본 규칙 전체")
HINDSIGHT = Text("hindsight, not judged", "사후 정보, 판정 제외")
OWN_SESSIONS = Text("over the stock leg's sessions", "종목 부분의 기간")
EXCESS = Text("Excess a year", "연 초과 수익")
INTERVAL = Text("95% interval", "95% 구간")
LOWER = Text("95% from", "95% 하한")
UPPER = Text("95% to", "95% 상한")
SHARPE = Text("Sharpe", "샤프")
ADJUSTED_P = Text("p", "p값")
DEFLATED = Text("Deflated Sharpe", "보정 샤프 확률")
BREAK_EVEN = Text("Break-even bp", "손익분기 bp")
TURNOVER = Text("Turnover a year", "연 회전율")
DRAWDOWN = Text("Largest fall", "최대 하락")
WORST = Text("Worst year", "최악의 해")
WORST_EXCESS = Text("Its excess", "그해 차이")
NEEDS = Text("Sessions needed", "필요 거래일")
METHOD = Text(
    "Net of costs and above {benchmark}. Decided on one session, bought at the close of the next. The interval is a "
    "stationary bootstrap of {resamples:,} resamples. Every variant tried counts against each of them. The universe is "
    "today's, and what held over these sessions may end. docs/lab.md explains each figure.",
    "비용을 뺀 {benchmark} 대비 수익입니다. 한 거래일에 정하고 다음 거래일 종가에 삽니다. 구간은 "
    "{resamples:,}회 정상 부트스트랩으로 구했습니다. 시도한 모든 규칙을 감안합니다. "
    "종목군은 오늘의 것이며, 이 기간의 결과가 계속된다는 뜻은 아닙니다. "
    "각 수치의 설명은 docs/lab.ko.md에 있습니다.",
)
EMPTY_TITLE = Text("Not judged yet", "아직 판정하지 않았습니다")
EMPTY_HINT = Text(
    "./start.sh lab judges it on the stored prices. ./start.sh history --etf-prices --sessions all stores those since "
    "2000 before that.",
    "./start.sh lab을 실행하면 저장된 시세로 판정합니다. 그 전에 ./start.sh history --etf-prices --sessions all로 "
    "2000년부터의 시세를 저장할 수 있습니다.",
)
