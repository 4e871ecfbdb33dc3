"""The pipeline: its runs, its tables, its consumers, and what went wrong."""

from dashboard.texts import Text

TITLE = Text("Pipeline", "파이프라인")
RANGE = Text("Sessions shown", "표시할 거래일 수")
RANGE_HINT = Text("The last {count} sessions", "최근 {count}거래일")
AIRFLOW = Text("Airflow", "Airflow")
SPARK = Text("Spark UI", "Spark UI")
REFRESH = Text("Refresh", "새로 고침")
SEEN = Text("As of {moment}", "{moment} 기준")

REFRESHES = Text("refreshes itself every {seconds} s", "{seconds}초마다 자동 갱신")

DURATIONS = Text("How long the stages take", "단계별 소요 시간")
NO_DURATIONS = Text("No stage of these sessions has a finished run.", "이 거래일들에 끝난 실행이 없습니다.")
STAGE = Text("Stage", "단계")
NEWEST_RUN = Text("Newest", "최근")
USUAL = Text("Usual", "보통")
LONGEST = Text("Longest", "최장")
TREND = Text("Trend", "추이")
TREND_OF = Text("{stage}: {before} on {first}, {now} on {last}", "{stage}: {first} {before}, {last} {now}")
SECONDS = Text("{seconds} s", "{seconds}초")
MINUTES = Text("{minutes} min {seconds} s", "{minutes}분 {seconds}초")

RUNS = Text("Sessions and stages", "거래일별 단계")
RUNS_NOTE = Text(
    "Each cell is the newest run about that session; open it for the reason, the times and the earlier runs.",
    "각 칸은 해당 거래일의 가장 최근 실행입니다. 칸을 열면 사유와 시각, 이전 실행을 볼 수 있습니다.",
)
STAGES = {
    1: Text("1 Benchmark ETFs", "1 기준 ETF"),
    2: Text("2 Sector ETFs", "2 업종 ETF"),
    3: Text("3 Trending", "3 추세 ETF"),
    4: Text("4 Holdings", "4 보유 종목"),
    5: Text("5 Portfolios", "5 포트폴리오"),
    6: Text("Monthly", "월간"),
}
BARS = Text("Bars stored", "저장된 시세")
BARS_HINT = Text(
    "Stored of the (ticker, session) pairs expected on that day",
    "그날 있어야 할 종목·거래일 시세 가운데 저장된 건수입니다",
)
ABSENT = Text("{count} absent", "{count}건 없음")
WORDS = {
    "green": Text("green", "정상"),
    "running": Text("running", "실행 중"),
    "late": Text("late", "지연"),
    "skipped": Text("skipped", "건너뜀"),
    "failed": Text("failed", "실패"),
    "unfinished": Text("not finished", "미완료"),
    "published": Text("published", "발표됨"),
    "none": Text("not run", "실행 없음"),
}
MEANINGS = {
    "green": Text("done, its rows are stored", "완료되어 결과가 저장되었습니다"),
    "running": Text("under way", "진행 중입니다"),
    "late": Text("waits to try again", "다시 시도하려고 기다리는 중입니다"),
    "skipped": Text("nothing was left to do, nothing was asked for", "남은 일이 없어 아무것도 요청하지 않았습니다"),
    "failed": Text("ended without its result", "결과 없이 끝났습니다"),
    "unfinished": Text(
        "of a session: some stages have run and its portfolios are not published yet",
        "거래일의 일부 단계만 실행되어 포트폴리오가 아직 발표되지 않았습니다",
    ),
    "published": Text(
        "published without an Airflow run: by ./start.sh history, or by hand",
        "Airflow 실행 없이 발표되었습니다 (./start.sh history 또는 직접 실행)",
    ),
    "none": Text("no run noted", "기록된 실행이 없습니다"),
}
DEGRADED = Text("degraded", "불완전")
EMPTY = Text("empty", "비어 있음")
FROM_TO = Text("{start} to {end}", "{start} ~ {end}")
SINCE = Text("since {start}", "{start}부터")
OPEN_RUN = Text("Airflow run", "Airflow 실행")
EARLIER = Text("Earlier runs", "이전 실행")
HISTORY = Text("history", "과거 이력")
OTHER_RUNS = Text("Other DAGs about these sessions", "이 거래일들의 다른 DAG")
DAG = Text("DAG", "DAG")
STATE = Text("State", "상태")
REASON = Text("Reason", "사유")
TIME = Text("Time", "시각")

GAPS = Text("Expected bars that are not stored", "저장되지 않은 시세")
GAPS_NOTE = Text(
    "./start.sh gaps --repoll asks once more for what is late, missing or quarantined; the full list: ./start.sh gaps.",
    "./start.sh gaps --repoll로 지연되었거나 출처에 없거나 검토 대기 중인 시세를 다시 요청할 수 있습니다. "
    "전체 목록: ./start.sh gaps.",
)
NO_GAPS = Text(
    "Every bar that was expected of these sessions is stored.", "이 거래일들에 있어야 할 시세가 모두 저장되어 있습니다."
)
MORE_GAPS = Text("The newest {shown} of {total}.", "전체 {total}건 중 최근 {shown}건입니다.")
SESSION = Text("Session", "거래일")
GAP_STATES = {
    "late": Text("late", "지연"),
    "missing": Text("missing at the source", "출처에 없음"),
    "quarantined": Text("quarantined", "검토 대기"),
    "closed": Text("market closed", "휴장"),
}
TICKERS = Text("Tickers", "종목")
TABLES = Text("Tables", "테이블")
TABLE = Text("Table", "테이블")
ROWS = Text("Rows", "행 수")
NEWEST = Text("Newest day", "최신 일자")
FETCHED = Text("Fetched", "수집 시각")

CONSUMERS = Text("Consumers", "컨슈머")
GROUP = Text("Group", "그룹")
PARTITION = Text("Partition", "파티션")
STORED_UP_TO = Text("Stored up to", "저장된 위치")
END = Text("End", "마지막 위치")
LAG = Text("Lag", "지연 건수")
MEASURED = Text("Measured", "측정 시각")
CURRENT = Text("up to date", "최신")
BEHIND = Text("behind", "밀림")
AWAY = Text("away", "응답 없음")
AWAY_NOTE = Text(
    "{groups}: no measurement for more than a minute, so the consumer is away. "
    "See ./start.sh status, then ./start.sh restart {services}.",
    "{groups}: 1분 넘게 측정값이 없어 컨슈머가 멈춘 것으로 보입니다. "
    "./start.sh status로 확인하고 ./start.sh restart {services}로 다시 시작해 주십시오.",
)
NO_CONSUMERS = Text(
    "No consumer has measured its lag yet. See ./start.sh status.",
    "아직 지연 건수를 측정한 컨슈머가 없습니다. ./start.sh status로 확인해 주십시오.",
)

ERRORS = Text("Rejected messages", "거부된 메시지")
TOPIC = Text("Topic", "토픽")
REJECTED = Text("Rejected", "거부")
WAITING = Text("Waiting", "대기")
NUMBER = Text("No.", "번호")
ADDRESS = Text("Partition@offset", "파티션@위치")
RECEIVED = Text("Received", "수신 시각")
WAITS = Text("waits", "대기 중")
CLOSED_MESSAGE = Text("closed", "처리됨")
RAW = Text("Message", "메시지 원문")
NO_ERRORS = Text("No message has been rejected.", "거부된 메시지가 없습니다.")
REPLAY_NOTE = Text(
    "To put them back on their topics after mending the cause: {list} lists what waits, --replay sends it again, "
    "--accept sends a bar that somebody has looked at and found true.",
    "원인을 고친 뒤 토픽에 다시 넣는 방법: {list} 명령은 대기 중인 메시지를 보여 주고, --replay는 다시 보내며, "
    "--accept는 사람이 확인해 실제로 맞는 시세를 승인해 보냅니다.",
)

QUARANTINED = Text("Bars that wait for a person", "사람의 확인을 기다리는 시세")
NO_QUARANTINED = Text("No bar waits.", "대기 중인 시세가 없습니다.")
QUARANTINED_NOTE = Text(
    "Kept out of every return until the source says something else, or somebody has looked: "
    "{replay} NUMBER --accept takes a bar that is true.",
    "출처의 값이 바뀌거나 사람이 확인할 때까지 모든 수익률에서 제외합니다. "
    "{replay} 번호 --accept로 실제로 맞는 시세를 승인할 수 있습니다.",
)
MORE_QUARANTINED = Text("The newest {shown} of {total}.", "전체 {total}건 중 최근 {shown}건입니다.")

RESTATED = Text("Bars that the source has changed", "출처가 변경한 시세")
NO_RESTATED = Text("No stored bar of these sessions was changed.", "이 거래일들의 저장된 시세는 변경되지 않았습니다.")
CHANGE = Text("Change", "변경")
CHANGES = {
    "restated": Text("restated", "정정"),
    "split": Text("split", "액면 분할"),
    "dividend": Text("dividend", "배당 조정"),
}
SESSIONS = Text("Sessions", "거래일")
FACTOR = Text("Price × ", "가격 배수")
MORE_RESTATED = Text(
    "The newest {shown} of {total}; all: ./start.sh restatements.",
    "전체 {total}건 중 최근 {shown}건입니다. 전체: ./start.sh restatements.",
)

REQUESTS = Text("Requests to Yahoo", "Yahoo 요청")
BY_HOUR = Text("By hour (UTC)", "시간별 (UTC)")
BY_DAY = Text("By day (UTC)", "일별 (UTC)")
ANSWERED = Text("answered", "응답")
LIMITED = Text("limited (429)", "제한 (429)")
FAILED = Text("failed", "실패")
NO_REQUESTS = Text("Nothing has been asked yet.", "아직 요청한 적이 없습니다.")
REQUEST_TOTALS = Text(
    "{requests} requests in the hours shown, {limited} limited, {failed} failed.",
    "표시된 시간 동안 요청 {requests}건, 제한 {limited}건, 실패 {failed}건입니다.",
)

EMPTY_TITLE = Text("Nothing has run yet", "아직 실행된 적이 없습니다")
EMPTY_DETAIL = Text("No session has been collected or published.", "수집되거나 발표된 거래일이 없습니다.")
EMPTY_HINT = Text(
    "./start.sh run pipeline takes the last session through all five stages; ./start.sh history fills 250 sessions.",
    "./start.sh run pipeline은 최근 거래일을 다섯 단계로 처리하고, ./start.sh history는 250거래일을 채웁니다.",
)

FAILED_REQUESTS = Text("The newest requests that failed", "최근 실패한 요청")
ENDPOINT = Text("Request", "요청")
STATUS = Text("Status", "응답 코드")
RUN = Text("Run", "실행")
NO_ANSWER = Text("no answer", "응답 없음")
