"""The way from a weight down to the source's own answer."""

from dashboard.texts import Text

TITLE = Text("Down to the source", "근거 자료")
HEADING = Text("{ticker}: {weight} over {days} sessions", "{ticker}: {days}거래일 포트폴리오의 {weight}")
MONTH_HEADING = Text("{ticker}: {weight} of the month from {day}", "{ticker}: {day} 월간 포트폴리오의 {weight}")
BACK = Text("Back to the portfolio", "포트폴리오로 돌아가기")
REVISION = Text("Revision", "개정")
REVISION_OF = Text("{number} of {count}", "{count}개 중 {number}번째")
REVISION_HINT = Text("{weight}, known since {moment}", "{weight}, {moment}부터 확인됨")
NO_REVISION_TITLE = Text("No such revision", "해당 개정이 없습니다")
NO_REVISION_HINT = Text(
    "Each time a portfolio is published anew it gets one more revision. Without a number the address shows the newest.",
    "포트폴리오를 다시 발표할 때마다 개정이 하나씩 늘어납니다. 주소에서 번호를 빼면 최신 개정이 보입니다.",
)
NO_WEIGHT_TITLE = Text("Not in this portfolio", "이 포트폴리오에 없는 종목입니다")
NO_WEIGHT_HINT = Text(
    "Only what a portfolio holds has a weight. Choose one of the tickers that the message names.",
    "보유 종목에만 비중이 있습니다. 위에 적힌 종목 가운데 하나를 선택해 주십시오.",
)
NONE_KEPT_TITLE = Text("No such evidence is kept", "보관된 증거가 없습니다")
NONE_KEPT_HINT = Text(
    "Evidence is kept of what is published. To have it of a day, publish that day anew: "
    "./start.sh run pipeline --as-of DATE, of a month ./start.sh run rebalance --as-of DATE.",
    "증거는 발표할 때 보관합니다. 그날을 다시 발표하면 보관됩니다: ./start.sh run pipeline --as-of DATE, 월간은 "
    "./start.sh run rebalance --as-of DATE.",
)
CHANGED_TITLE = Text("The evidence has been changed", "보관된 증거가 변경되었습니다")
CHANGED_HINT = Text(
    "Nothing is shown of it. A backup of before the change has it as it was: ./start.sh restore FILE.",
    "변경된 증거는 표시하지 않습니다. 변경 이전의 백업에 원래 내용이 있습니다: ./start.sh restore FILE.",
)
KNOWN_AT = Text("Known since", "확인된 시각")
LINK = Text("Link", "연결 번호")
LINK_OF = Text("{chain} no. {position}", "{chain} {position}번")
DIGEST = Text("Digest", "다이제스트")

FORMULA = Text("The formula with its numbers", "수식과 값")
DOLLAR_CLOSE = Text("Dollar close {day}", "달러 종가 {day}")
FORMULA_RETURN = Text("Return = end ÷ start − 1", "수익률 = 마지막 ÷ 처음 − 1")
FORMULA_CAP = Text("Market cap in dollars", "시가총액 (달러)")
FORMULA_WEIGHT = Text("Weight = score ÷ sum", "비중 = 점수 ÷ 합")
AT_MOST = Text("Cap of a position", "종목별 상한")
NO_CAP = Text("none", "없음")
UNKNOWN_CAP = Text("not known: the settings have changed since", "알 수 없음: 이후 설정이 바뀌었습니다")
NOT_STORED = Text("not stored by then", "당시 저장되지 않음")

INPUTS = Text("Its input rows", "입력값")
INPUTS_HINT = Text(
    "Each row in the version that the computation has read. The link is its place in the chain of evidence, and the "
    "answer is what the source sent, under the SHA-256 of its bytes.",
    "계산에 사용된 버전의 값입니다. 연결 번호는 증거 사슬에서의 위치, 메시지는 Kafka 주소, 응답은 출처가 보낸 원문이며 "
    "그 바이트의 SHA-256으로 표시합니다.",
)
ROW = Text("Row", "값의 이름")
VALUE = Text("Value", "값")
MESSAGE = Text("Kafka message", "Kafka 메시지")
ANSWER = Text("Source's answer", "출처의 응답")
NOT_KEPT = Text("not kept", "보관되지 않음")
RATE = Text("{ticker} rate", "{ticker} 환율")
BAR = Text("{ticker} adjusted close", "{ticker} 수정 종가")
CAP_OF = Text("{ticker} market cap", "{ticker} 시가총액")
HOLDING = Text("{etf}: no. {rank}, {ticker}", "{etf}: {rank}위 {ticker}")

POSITIONS = Text("The scores of all {count} positions", "편입 종목 {count}개의 점수")
SUM = Text("Sum", "합")
ETF = Text("{etf}, which chose it", "선정한 ETF {etf}")
ETF_RETURNS = Text("{etf} returned {own}, {benchmark} {other}.", "{etf} 수익률 {own}, {benchmark} 수익률 {other}")
BENCHMARK = Text("{benchmark}, which the ETFs are measured against", "기준 ETF {benchmark}")
REJECTED = Text("What became of each holding", "보유 종목별 판정")
MERGED = Text("The portfolios that were merged", "합친 포트폴리오")
MERGED_PORTFOLIO = Text("Portfolio", "포트폴리오")
PUBLICATIONS = Text("The publications, link by link", "발표와 증거 사슬")
PUBLICATIONS_HINT = Text(
    "Each link's digest covers its rows and the digest before: ./start.sh verify computes all of them again.",
    "각 다이제스트는 해당 값들과 직전 다이제스트를 포함합니다. ./start.sh verify로 전체를 다시 계산합니다.",
)
JOB = Text("Job", "작업")
JOBS = {
    "allocation": Text("Portfolios (stage 5)", "포트폴리오 (5단계)"),
    "rebalance": Text("Month", "월간 포트폴리오"),
    "trending": Text("Trending ETFs (stage 3)", "추세 ETF (3단계)"),
}
PREVIOUS = Text("Digest before", "직전 다이제스트")
READ_UP_TO = Text("Read up to", "읽은 위치")
