"""What the headings and figures on screen mean, in the words of docs/GLOSSARY.md: the tooltips' only home.

A heading that stands on several views has one meaning. It may use the fields of its heading.
"""

from collections.abc import Mapping

from dashboard.texts import (
    Text,
    common,
    evidence,
    lab,
    market_map,
    month,
    performance,
    pipeline,
    portfolio,
    summary,
    tear_sheet,
    ticker,
    trades,
)

TITLE = Text("What the words mean", "용어 설명")

_RETURN = Text(
    "Change of the price over {days} sessions, of closes adjusted for splits and dividends, in US dollars",
    "{days}거래일 동안의 수익률 (액면분할과 배당을 반영한 수정 종가, 미국 달러 기준)",
)
_COMMON = {
    common.SESSION: Text("A day on which the New York Stock Exchange trades", "뉴욕증권거래소가 열린 날"),
    common.TICKER: Text("The exchange's short name of a stock or ETF", "거래소에서 쓰는 종목의 짧은 이름"),
    common.COMPANY: Text("The company's name at the source", "출처에 등록된 회사 이름"),
    common.SECTOR: Text("The line of business, in the source's wording", "출처의 분류에 따른 업종"),
    common.WEIGHT: Text("Share of the portfolio's value", "포트폴리오 가치에서 차지하는 몫"),
    common.RANK: Text("Place by size, 1 is the largest", "크기순 순위, 1이 가장 큽니다"),
    common.CASH: Text("Share of the portfolio that no stock takes", "어떤 종목에도 배정되지 않은 몫"),
    common.MARKET_CAP: Text(
        "Worth of the whole company: its number of shares times the close, in US dollars",
        "회사 전체의 가치: 주식 수 × 종가, 미국 달러",
    ),
    common.PRICES: Text("Where the prices come from", "시세의 출처"),
    common.DAYS: _RETURN,
    common.MONTH_SO_FAR: Text("Since the last close of the month before", "전월 마지막 종가 대비"),
    common.BENCHMARK: Text(
        "{benchmark}, the ETF that everything is measured against", "비교 기준이 되는 ETF {benchmark}"
    ),
}
_PORTFOLIO = {
    summary.ENTERED: Text("Was not in the portfolio the session before", "직전 거래일에는 없던 종목"),
    summary.LEFT: Text("Is no longer in the portfolio, with its last weight", "포트폴리오에서 빠진 종목과 마지막 비중"),
    summary.UP_MOST: Text("In percentage points against the session before", "직전 거래일 대비, 퍼센트포인트"),
    summary.DOWN_MOST: Text("In percentage points against the session before", "직전 거래일 대비, 퍼센트포인트"),
    summary.LAST_RUN: Text(
        "How the stages of the newest session ended, and when", "최근 거래일의 단계별 실행 결과와 끝난 시각"
    ),
    summary.NEXT_RUN: Text(
        "When the next scheduled run begins. On a holiday it finds nothing to do",
        "예약된 다음 실행이 시작되는 시각 (휴장일에는 할 일이 없습니다)",
    ),
    portfolio.PERIOD_RETURN: _RETURN,
    portfolio.SCORE: Text(
        "Portfolio: return ÷ market cap, times 10¹². Month: points for the portfolios that hold the stock",
        "포트폴리오: 수익률 ÷ 시가총액 × 10¹², 월간: 그 종목을 담은 포트폴리오에 따른 점수",
    ),
    portfolio.SOURCE_ETFS: Text("The trending ETFs that chose the stock", "이 종목을 고른 추세 ETF"),
    portfolio.WHY: Text("Leads to all that this weight follows from", "비중이 그렇게 정해진 이유 보기"),
    portfolio.POSITIONS: Text("How many stocks the portfolio has", "포트폴리오에 든 종목 수"),
    portfolio.HOLDINGS_AS_OF: Text(
        "Day of the newest list of an ETF's holdings that was used", "사용한 ETF 보유 종목 자료의 최근 날짜"
    ),
    portfolio.DATA: Text(
        "How many of the prices expected of this session are stored", "이 거래일에 있어야 할 시세 중 저장된 건수"
    ),
    portfolio.PUBLISHED: Text("When the portfolio was computed and stored", "포트폴리오를 산출해 저장한 시각"),
    portfolio.HOLDING: Text("Share of the ETF that the stock is", "ETF에서 이 종목이 차지하는 몫"),
    portfolio.VERDICT: Text("Chosen, or why not", "선정 여부와 제외된 이유"),
    portfolio.ETF: Text("A fund that is traded like a stock", "주식처럼 거래되는 펀드"),
    portfolio.FORMULA_RETURN: Text(
        "Adjusted close at the end ÷ at the start − 1, in US dollars",
        "마지막 수정 종가 ÷ 처음 수정 종가 − 1, 미국 달러 기준",
    ),
    portfolio.FORMULA_SCORE: Text(
        "Much return for a small company scores high", "회사가 작고 수익률이 높을수록 점수가 높습니다"
    ),
    portfolio.FORMULA_SUM: Text("What each score is a share of", "각 점수의 몫을 계산하는 기준"),
    portfolio.FORMULA_WEIGHT: Text("A position's share of all scores", "전체 점수 합에서 차지하는 몫"),
    portfolio.FORMULA_CAPPED: Text("The largest weight is limited in the settings", "설정에서 최대 비중을 제한합니다"),
    month.REBALANCED: Text(
        "The last Sunday of a month, on which the three portfolios are merged",
        "세 포트폴리오를 합치는 매월 마지막 일요일",
    ),
    month.VALID_UNTIL: Text(
        "The 20th session after the rebalance, by which it is sold", "리밸런싱 후 20번째 거래일, 이때까지 매도합니다"
    ),
    month.SESSION: Text("The session whose portfolios were merged", "합친 포트폴리오의 거래일"),
    month.REMOVED: Text("Was in the month before and is not any more", "지난달에는 있었으나 빠진 종목"),
    month.BEFORE: Text("Weight in the month before", "지난달 비중"),
    month.CHANGE: Text("Weight now less the weight before", "현재 비중 − 이전 비중"),
    month.RANK_BEFORE: Text("Place in the month before", "지난달 순위"),
    month.SOURCE_PERIODS: month.SOURCE_PERIODS_HINT,
}
_MAP = {
    market_map.STOCK_COUNT: Text("Stocks with a price of the session", "이 거래일 시세가 있는 종목 수"),
    market_map.BY_CAP: Text(
        "Return of the sector's stocks over {window}, weighted by market cap at its start",
        "{window} 업종 수익률 (기간 시작일 시가총액 가중)",
    ),
    market_map.EQUALLY: Text(
        "Mean return of the sector's stocks in the month, each counting alike", "업종 내 종목의 월간 수익률 단순 평균"
    ),
    market_map.COUNTED_TO: Text("Last session of the month that counts", "월간 수익률에 넣은 마지막 거래일"),
    market_map.FOLLOWS: Text("What the ETF follows", "ETF가 추종하는 대상"),
    market_map.COURSE: Text("Return beside that of the benchmark, as a line", "기준 ETF와 나란히 본 수익률 선"),
    market_map.AHEAD: Text("Return less that of {benchmark}", "{benchmark} 수익률을 뺀 차이"),
    market_map.TRENDS: Text(
        "Periods over which its return is positive and beats the benchmark's",
        "수익률이 양수이면서 기준 ETF를 이긴 기간",
    ),
    market_map.CLOSE: Text("Last price of the session", "거래일의 마지막 가격"),
}
_TICKER = {
    ticker.KIND: Text("Stock, ETF or exchange rate", "주식, ETF 또는 환율"),
    ticker.NEWEST_CLOSE: Text(
        "Last price of the newest stored session, adjusted for splits",
        "저장된 최근 거래일의 마지막 가격 (액면분할 반영)",
    ),
    ticker.WINDOW: Text("Sessions over which the return is measured", "수익률을 재는 기간"),
    ticker.RETURN: Text(
        "Change of the price, of closes adjusted for splits and dividends, in US dollars",
        "수정 종가 기준 수익률, 미국 달러",
    ),
    ticker.AHEAD: Text("Return less that of the benchmark", "기준 ETF 수익률을 뺀 차이"),
    ticker.SHARE: Text("Share of the ETF that the stock is", "ETF에서 이 종목이 차지하는 몫"),
    ticker.PLACE: Text("Place among the ETF's holdings", "ETF 보유 종목 중 순위"),
    ticker.SNAPSHOT: Text("Day of the list of holdings", "보유 종목 자료의 날짜"),
    ticker.PORTFOLIO: Text("Which of the four portfolios", "네 포트폴리오 중 어느 것인지"),
    ticker.CHOSEN_BY: Text(
        "The ETFs that chose it, or the portfolios that were merged", "이 종목을 고른 ETF 또는 합친 포트폴리오"
    ),
}
_PERFORMANCE = {
    performance.TOTAL_NET: Text(
        "What following the portfolios has returned, less the cost of every trade",
        "포트폴리오를 따라간 수익률에서 모든 매매 비용을 뺀 값",
    ),
    performance.TOTAL_GROSS: Text("The same before any cost", "비용을 빼기 전 수익률"),
    performance.TOTAL_BENCHMARK: Text(
        "{benchmark} bought at the first close and held", "첫 거래일 종가에 {benchmark}를 사서 보유한 결과"
    ),
    performance.NET: Text("After the cost of every trade", "모든 매매 비용을 뺀 값"),
    performance.GROSS: Text("Before any cost", "비용을 빼기 전 값"),
    performance.MAX_DRAWDOWN: Text(
        "Deepest loss from the highest value so far", "그때까지 최고점에서 가장 크게 떨어진 폭"
    ),
    performance.SHORT_DRAWDOWN: Text(
        "Deepest loss from the highest value so far", "그때까지 최고점에서 가장 크게 떨어진 폭"
    ),
    performance.AVERAGE_TURNOVER: Text(
        "Half of all that is bought and sold at a close, over the value; the mean of all sessions",
        "종가에 사고판 금액 합의 절반 ÷ 평가액, 전체 거래일 평균",
    ),
    performance.TURNOVER: Text(
        "Half of all that is bought and sold at a close, over the value", "종가에 사고판 금액 합의 절반 ÷ 평가액"
    ),
    performance.SHORT_TURNOVER: Text(
        "Half of all that is bought and sold, over the value", "사고판 금액 합의 절반 ÷ 평가액"
    ),
    performance.COST: Text("All costs together, as a share of the value", "비용의 합, 평가액 대비"),
    performance.SHORT_COST: Text("What the trades cost, of what is traded or of the value", "매매에 드는 비용"),
    performance.SESSIONS: Text("Sessions with a return", "수익률이 있는 거래일 수"),
    performance.SHORT_SESSIONS: Text("Sessions with a return", "수익률이 있는 거래일 수"),
    performance.SINCE: Text("Session at whose close the first portfolio was bought", "첫 포트폴리오를 산 거래일"),
    performance.LAST_SESSION: Text("The last session that is counted", "마지막으로 계산한 거래일"),
    performance.PORTFOLIO: Text("Which of the four portfolios", "네 포트폴리오 중 어느 것인지"),
    performance.CAGR: Text("The yearly growth that gives the same result", "같은 결과를 내는 연평균 수익률"),
    performance.VOLATILITY: Text(
        "How much the daily returns vary (standard deviation), for 252 sessions",
        "일간 수익률의 흩어진 정도(표준편차), 252거래일 기준",
    ),
    performance.SHARPE: Text(
        "Mean return over volatility, for a year; the risk-free rate is taken as 0. Above 1 is good",
        "연간 평균 수익률 ÷ 변동성 (무위험 수익률 0). 1을 넘으면 좋은 편입니다",
    ),
    performance.SORTINO: Text("Like Sharpe, but only losses count as risk", "샤프와 같지만 손실만 위험으로 봅니다"),
    performance.CALMAR: Text("Growth a year over the deepest drawdown", "연평균 수익률 ÷ 최대 낙폭"),
    performance.BETA: Text(
        "How much it moves when {benchmark} moves by 1", "{benchmark}가 1 움직일 때 따라 움직이는 정도"
    ),
}
_TEAR_SHEET = {
    tear_sheet.FIGURE: Text("What is measured", "측정 항목"),
    tear_sheet.PORTFOLIO_NET: Text("After the cost of every trade", "모든 매매 비용을 뺀 값"),
    tear_sheet.TOTAL: Text("Change of the value over the range", "기간 전체의 가치 변화"),
    tear_sheet.BEST_DAY: Text("Highest return of a session", "가장 높은 하루 수익률"),
    tear_sheet.WORST_DAY: Text("Lowest return of a session", "가장 낮은 하루 수익률"),
    tear_sheet.BEST_MONTH: Text("Highest return of a calendar month", "가장 높은 월 수익률"),
    tear_sheet.WORST_MONTH: Text("Lowest return of a calendar month", "가장 낮은 월 수익률"),
    tear_sheet.POSITIVE_DAYS: Text("Share of the sessions with a return above zero", "수익률이 양수인 거래일의 비율"),
    tear_sheet.YEAR: Text("Calendar year", "연도"),
    tear_sheet.WHOLE_YEAR: Text("Return of the calendar year", "연간 수익률"),
    **dict.fromkeys(tear_sheet.MONTHS, Text("Return of the calendar month", "월 수익률")),
    tear_sheet.FROM: Text("Session of the highest value before", "하락 전 최고점의 거래일"),
    tear_sheet.LOWEST: Text("Session of the lowest value", "가장 낮은 가치의 거래일"),
    tear_sheet.RECOVERED: Text("Session at which the highest value was reached again", "최고점을 회복한 거래일"),
    tear_sheet.DEPTH: Text("Loss from the highest to the lowest value", "최고점에서 저점까지의 하락 폭"),
    tear_sheet.LASTED: Text("Sessions until it was reached again, or so far", "회복까지 걸린 거래일 수, 또는 지금까지"),
}
_TRADES = {
    trades.SIDE: Text("Buy, sell, or keep what is there", "매수, 매도 또는 유지"),
    trades.ORDERED: Text("To trade: + buys, − sells", "매매할 주식 수: +는 매수, −는 매도"),
    trades.HELD: Text("Shares owned now", "현재 보유 주식 수"),
    trades.HELD_AFTER: Text("After the trades", "매매한 뒤"),
    trades.PRICE: Text("Newest stored close, in US dollars", "저장된 최근 종가, 미국 달러"),
    trades.VALUE: Text("Shares times price, in US dollars", "주식 수 × 가격, 미국 달러"),
    trades.COST: Text("What the trade costs, in US dollars", "매매 비용, 미국 달러"),
    trades.HELD_WEIGHT: Text("Share of what is owned now", "현재 보유 자산에서 차지하는 몫"),
    trades.TARGET: Text("Weight in the portfolio", "포트폴리오의 비중"),
    trades.VOLUME: Text("The trade's shares over those of an ordinary session", "매매할 주식 수 ÷ 평소 하루 거래량"),
    trades.PORTFOLIO_OF: Text("Session of the portfolio", "포트폴리오의 거래일"),
    trades.PRICES_OF: Text("Session of the closes that shares are counted at", "주식 수 계산에 쓴 종가의 거래일"),
    trades.CAPITAL: Text("Worth of positions and cash", "보유 종목과 현금의 합"),
    trades.ORDERS: Text("How many tickers are traded", "매매할 종목 수"),
    trades.OFF_TARGET: trades.OFF_TARGET_HINT,
    trades.SMALLEST: Text(
        "With less, whole shares cannot come near the weights",
        "이보다 적으면 정수 단위 주식으로 비중을 맞출 수 없습니다",
    ),
}
_EVIDENCE = {
    evidence.REVISION: Text(
        "A portfolio that is published again differently has a further revision",
        "내용이 바뀌어 다시 발표되면 개정이 하나 늘어납니다",
    ),
    evidence.KNOWN_AT: Text("When it was stored in the chain of evidence", "증거 사슬에 저장된 시각"),
    evidence.DIGEST: Text("SHA-256: another content has another digest", "SHA-256: 내용이 다르면 값도 다릅니다"),
    evidence.LINK: Text("Number in the chain of evidence", "증거 사슬에서의 번호"),
    evidence.DOLLAR_CLOSE: Text("Adjusted close in US dollars", "미국 달러로 환산한 수정 종가"),
    evidence.FORMULA_RETURN: Text("Of dollar closes", "달러 종가 기준"),
    evidence.FORMULA_CAP: Text("Number of shares times close", "주식 수 × 종가"),
    evidence.AT_MOST: Text("The largest weight that a position may have", "한 종목의 최대 비중"),
    evidence.ROW: Text("What the value is", "값의 이름"),
    evidence.VALUE: Text("As it was used", "사용된 그대로의 값"),
    evidence.MESSAGE: Text("Topic, partition and offset of its message", "메시지의 토픽, 파티션, 위치"),
    evidence.ANSWER: Text("What the source itself sent", "출처가 보낸 응답 원문"),
    evidence.JOB: Text("What was computed", "산출한 작업"),
    evidence.PREVIOUS: Text("Digest of the link before, which holds the chain together", "사슬을 잇는 직전 다이제스트"),
    evidence.READ_UP_TO: Text("Ends of the chains when it was computed", "산출 당시 각 사슬의 끝"),
}
_LAB = {
    lab.SINCE: Text("First session that is judged", "판정에 쓴 첫 거래일"),
    lab.UNTIL: Text("Last session that is judged", "판정에 쓴 마지막 거래일"),
    lab.SESSIONS: Text("Sessions that the verdict rests on", "판정의 근거가 된 거래일 수"),
    lab.MORE: Text("Until a verdict is possible", "판정이 가능해질 때까지"),
    lab.JUDGED: Text(
        "Each counts, since luck finds one among many", "많이 시도하면 우연히 좋은 것이 나오므로 모두 셉니다"
    ),
    lab.BY_LUCK: Text(
        "What the best of so many variants reaches without any skill", "실력 없이도 이만큼 시도하면 나올 수 있는 최고치"
    ),
    lab.CHOSEN: Text(
        "Of the excess, in the part of the history in which the best was chosen",
        "가장 좋은 규칙을 고른 구간의 초과 수익으로 계산",
    ),
    lab.HELD: Text("Of the excess, in the part that followed", "고른 뒤 구간의 초과 수익으로 계산"),
    lab.OVERFITTING: Text(
        "How often the best of one part is at or below the middle in the other",
        "한 구간의 최고가 다른 구간에서 중간 이하로 내려간 비율",
    ),
    lab.SEED: Text(
        "The trending ETFs themselves. The portfolios hold the best stock of each instead",
        "상승 추세 ETF를 직접 삽니다. 포트폴리오는 대신 ETF마다 가장 좋은 종목을 담습니다",
    ),
    lab.SEED_NEEDS: Text("At its present excess", "현재 초과 수익이 이어질 때"),
    lab.P_VALUE: Text("How likely so much is by luck, all variants counted", "모든 규칙을 감안했을 때 우연일 확률"),
    lab.OUT_OF_SAMPLE: Text(
        "Of the excess of what was chosen before, held afterwards", "먼저 고르고 나중에 보유한 것의 초과 수익으로 계산"
    ),
    lab.IS_EDGE: Text(
        "A positive excess that neither luck nor the number of trials explains",
        "우연이나 시도 횟수로 설명되지 않는 초과 수익",
    ),
    lab.VARIANT: Text("One version of the rule", "규칙의 한 형태"),
    lab.EXCESS: Text("Net return above the benchmark's, for a year", "기준 ETF를 넘은 연 수익률 (비용 차감 후)"),
    lab.INTERVAL: Text("Where the true excess is in 95 of 100 cases", "참값이 95% 확률로 있는 범위"),
    lab.LOWER: Text("Lower end of where the true excess is likely", "참값이 있을 만한 범위의 아래 끝"),
    lab.UPPER: Text("Upper end of where the true excess is likely", "참값이 있을 만한 범위의 위 끝"),
    lab.SHARPE: Text(
        "Mean excess over the benchmark, over the volatility of that excess, for a year",
        "기준 ETF 대비 초과 수익의 연 평균 ÷ 그 변동성",
    ),
    lab.ADJUSTED_P: Text(
        "How likely the best of all variants does as well by luck: corrected for every one that was tried",
        "시도한 모든 규칙 가운데 가장 좋은 것이 우연히 이만큼 될 확률 (시도 횟수 반영)",
    ),
    lab.DEFLATED: Text(
        "Probability that the Sharpe ratio is above what luck alone reaches",
        "샤프 비율이 우연의 최고치를 넘을 확률",
    ),
    lab.BREAK_EVEN: Text(
        "Cost in basis points at which nothing is left", "초과 수익이 없어지는 비용 (베이시스 포인트)"
    ),
    lab.TURNOVER: Text("How many times the portfolio is exchanged a year", "한 해에 포트폴리오가 바뀌는 횟수"),
    lab.DRAWDOWN: Text("Deepest loss from the highest value so far", "최고점에서 가장 크게 떨어진 폭"),
    lab.WORST: Text("Calendar year farthest behind the benchmark", "기준 ETF에 가장 뒤진 해"),
    lab.WORST_EXCESS: Text("Return less the benchmark's in that year", "그해 기준 ETF와의 차이"),
    lab.NEEDS: Text("Until it can be told from luck", "우연과 구별되기까지"),
}
_PIPELINE = {
    pipeline.SESSION: Text("A day on which the exchange trades", "거래소가 열린 날"),
    pipeline.STAGES[1]: Text("Prices of the benchmark ETFs are collected", "기준 ETF 시세 수집"),
    pipeline.STAGES[2]: Text("Prices of the sector ETFs are collected", "업종 ETF 시세 수집"),
    pipeline.STAGES[3]: Text("Which ETFs beat the benchmark is computed", "기준 ETF를 이긴 ETF 산출"),
    pipeline.STAGES[4]: Text("What those hold is collected, with prices", "추세 ETF의 보유 종목과 시세 수집"),
    pipeline.STAGES[5]: Text("The three portfolios are computed", "세 포트폴리오 산출"),
    pipeline.STAGES[6]: Text("The month's portfolio is merged", "월간 포트폴리오 합치기"),
    pipeline.BARS: pipeline.BARS_HINT,
    pipeline.STAGE: Text("One of the steps of a run", "실행의 한 단계"),
    pipeline.NEWEST_RUN: Text("Of the newest session whose run is over", "끝난 실행이 있는 최근 거래일"),
    pipeline.USUAL: Text("The middle of the sessions shown (median)", "표시된 거래일의 중앙값"),
    pipeline.LONGEST: Text("The longest of the sessions shown", "표시된 거래일 중 가장 긴 시간"),
    pipeline.TREND: Text("From the oldest session shown to the newest", "가장 오래된 거래일부터 최근까지"),
    pipeline.DAG: Text("The workflow in Airflow", "Airflow의 작업 흐름"),
    pipeline.STATE: Text("How it stands now", "현재 상태"),
    pipeline.REASON: Text("Why it is so, in a sentence", "그렇게 된 이유"),
    pipeline.TIME: Text("When it happened", "일어난 시각"),
    pipeline.GROUP: Text("A consumer, which stores the messages of a topic", "토픽의 메시지를 저장하는 컨슈머"),
    pipeline.PARTITION: Text("Part of the topic", "토픽의 한 부분"),
    pipeline.LAG: Text("Messages that wait to be stored", "저장을 기다리는 메시지 수"),
    pipeline.STORED_UP_TO: Text("Offset of the next message to store", "다음에 저장할 메시지의 위치"),
    pipeline.END: Text("Offset of the next message to come", "다음에 도착할 메시지의 위치"),
    pipeline.MEASURED: Text("When the consumer said so", "컨슈머가 측정한 시각"),
    pipeline.TABLE: Text("Table of the database", "데이터베이스 테이블"),
    pipeline.ROWS: Text("Rows stored", "저장된 행 수"),
    pipeline.NEWEST: Text("Day that the newest row is about", "가장 최근 행의 날짜"),
    pipeline.FETCHED: Text("When the source was asked last", "출처에서 마지막으로 받은 시각"),
    pipeline.ENDPOINT: Text("What the source was asked for", "출처에 요청한 항목"),
    pipeline.STATUS: Text("HTTP status of the answer", "응답의 HTTP 코드"),
    pipeline.RUN: Text("Run that asked", "요청한 실행"),
    pipeline.TOPIC: Text("Topic of Kafka", "Kafka 토픽"),
    pipeline.REJECTED: Text("Messages that were not stored", "저장하지 않은 메시지"),
    pipeline.WAITING: Text("Not put back on their topic yet", "아직 토픽에 다시 넣지 않은 건수"),
    pipeline.RECEIVED: Text("When it was noticed", "확인된 시각"),
    pipeline.NUMBER: Text("Number for the replay command", "재전송 명령에 쓰는 번호"),
    pipeline.TICKERS: Text("The tickers without this price", "시세가 없는 종목"),
    pipeline.CHANGE: Text("How the stored price was changed", "저장된 시세가 바뀐 방식"),
    pipeline.SESSIONS: Text("The sessions whose prices changed", "시세가 바뀐 거래일"),
    pipeline.FACTOR: Text("New price ÷ old price", "새 가격 ÷ 이전 가격"),
}
MEANINGS: Mapping[Text, Text] = {
    **_PIPELINE,
    **_LAB,
    **_EVIDENCE,
    **_TRADES,
    **_PERFORMANCE,
    **_TEAR_SHEET,
    **_TICKER,
    **_MAP,
    **_PORTFOLIO,
    **_COMMON,
}
