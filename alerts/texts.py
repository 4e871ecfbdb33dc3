"""Every sentence that an alert says, in both languages side by side."""

from typing import NamedTuple

from dashboard.texts import Text


class Words(NamedTuple):
    """What is said of a kind of incident. title: of several at once. help: what a person can do."""

    title: Text
    line: Text
    help: Text


KINDS = {
    "database_away": Words(
        Text("the database cannot be read", "데이터베이스를 읽을 수 없습니다"),
        Text("the database cannot be read: {problem}", "데이터베이스를 읽을 수 없습니다 (원문: {problem})"),
        Text(
            "./start.sh status, then ./start.sh restart postgres",
            "./start.sh status, 그다음 ./start.sh restart postgres",
        ),
    ),
    "broker_away": Words(
        Text("Kafka does not answer", "Kafka가 응답하지 않습니다"),
        Text("Kafka does not answer: {problem}", "Kafka가 응답하지 않습니다 (원문: {problem})"),
        Text("./start.sh status, then ./start.sh restart kafka", "./start.sh status, 그다음 ./start.sh restart kafka"),
    ),
    "airflow_away": Words(
        Text("Airflow does not answer", "Airflow가 응답하지 않습니다"),
        Text(
            "Airflow's webserver does not answer, so nobody knows whether its scheduler works",
            "Airflow 웹서버가 응답하지 않아 스케줄러 상태를 알 수 없습니다",
        ),
        Text(
            "./start.sh status, then ./start.sh restart airflow-webserver",
            "./start.sh status, 그다음 ./start.sh restart airflow-webserver",
        ),
    ),
    "scheduler_away": Words(
        Text("a part of Airflow does not work", "Airflow의 일부가 멈췄습니다"),
        Text("Airflow's {component} has no heartbeat", "Airflow의 {component}에서 신호가 없습니다"),
        Text(
            "stages wait for all parts of Airflow: ./start.sh status, then ./start.sh restart {services}",
            "단계는 Airflow의 모든 부분이 있어야 진행됩니다: ./start.sh status, 그다음 ./start.sh restart {services}",
        ),
    ),
    "disk_short": Words(
        Text("the disk is nearly full", "디스크가 거의 찼습니다"),
        Text(
            "the disk of {where} has {free_mb} MB free, less than {wanted_mb} MB (ALERT_DISK_MB)",
            "{where} 디스크에 {free_mb} MB만 남았습니다. 기준은 {wanted_mb} MB입니다 (ALERT_DISK_MB)",
        ),
        Text(
            "make room there: on a full disk databases stop, and no backup is made",
            "공간을 확보하세요. 디스크가 가득 차면 데이터베이스가 멈추고 백업이 만들어지지 않습니다",
        ),
    ),
    "memory_short": Words(
        Text("the memory is nearly full", "메모리가 거의 찼습니다"),
        Text(
            "the machine has {free_mb} MB of memory left, less than {wanted_mb} MB (ALERT_MEMORY_MB)",
            "남은 메모리가 {free_mb} MB입니다. 기준은 {wanted_mb} MB입니다 (ALERT_MEMORY_MB)",
        ),
        Text("end what else runs on the machine", "이 컴퓨터의 다른 프로그램을 종료하세요"),
    ),
    "backup_failed": Words(
        Text("backups fail", "백업이 실패합니다"),
        Text("the backup of {since} has failed: {problem}", "{since} 백업이 실패했습니다 (원문: {problem})"),
        Text(
            "mend the cause; it is tried again every hour, and ./start.sh backup FILE makes one at once",
            "원인을 고치세요. 한 시간마다 다시 시도하며, ./start.sh backup FILE로 바로 만들 수 있습니다",
        ),
    ),
    "backup_late": Words(
        Text("backups are missing", "백업이 만들어지지 않습니다"),
        Text("no backup has been made by itself since {since}", "{since} 이후 자동 백업이 만들어지지 않았습니다"),
        Text(
            "./start.sh logs backup, then ./start.sh restart backup",
            "./start.sh logs backup, 그다음 ./start.sh restart backup",
        ),
    ),
    "service_down": Words(
        Text("services are down", "서비스가 멈췄습니다"),
        Text("the service {service} is down", "{service} 서비스가 멈췄습니다"),
        Text(
            "./start.sh logs SERVICE says why; what stays up is tried again by itself, and all by ./start.sh",
            "./start.sh logs SERVICE로 이유를 확인하세요. 계속 실행되어야 하는 서비스는 스스로 다시 시도하고, "
            "./start.sh는 모든 서비스를 다시 시도합니다",
        ),
    ),
    "service_restarts": Words(
        Text("services restart in a loop", "서비스가 재시작을 반복합니다"),
        Text(
            "the service {service} has started {starts} times within 15 minutes",
            "{service} 서비스가 15분 사이에 {starts}번 시작되었습니다",
        ),
        Text("./start.sh logs SERVICE says why", "./start.sh logs SERVICE로 이유를 확인하세요"),
    ),
    "consumer_away": Words(
        Text("consumers are silent", "컨슈머에서 신호가 없습니다"),
        Text(
            "nothing is heard of the consumer {group} since {since}", "{since} 이후 {group} 컨슈머에서 신호가 없습니다"
        ),
        Text(
            "what was collected waits in Kafka: ./start.sh restart {services}",
            "수집한 것은 Kafka에서 기다립니다: ./start.sh restart {services}",
        ),
    ),
    "consumer_behind": Words(
        Text("consumers store nothing", "컨슈머가 아무것도 저장하지 않습니다"),
        Text(
            "the consumer {group} stores nothing of {place}, where {lag} messages wait",
            "{group} 컨슈머가 {place}에서 아무것도 저장하지 않고, 메시지 {lag}개가 기다립니다",
        ),
        Text(
            "{logs} says what it does; ./start.sh restart {services} loses nothing",
            "{logs}에서 무엇을 하는지 보세요. ./start.sh restart {services}로 다시 시작해도 잃는 것은 없습니다",
        ),
    ),
    "gate_shut": Words(
        Text("Yahoo refuses requests", "Yahoo가 요청을 거절합니다"),
        Text(
            "Yahoo answered 429 (too many requests): nothing is asked before {until}",
            "Yahoo가 429(요청이 너무 많음)로 응답하여 {until}까지 요청하지 않습니다",
        ),
        Text(
            "stages try again by themselves; YAHOO_PACE_SECONDS and YAHOO_REQUESTS_PER_DAY ask for less",
            "단계는 스스로 다시 시도합니다. YAHOO_PACE_SECONDS와 YAHOO_REQUESTS_PER_DAY로 요청을 줄일 수 있습니다",
        ),
    ),
    "stage_failed": Words(
        Text("runs have failed", "실행이 실패했습니다"),
        Text("{stage} of {session} has failed: {reasons}", "{session} {stage} 실행이 실패했습니다: {reasons}"),
        Text(
            "mend the cause, then {commands}",
            "원인을 고친 뒤 실행하세요: {commands}",
        ),
    ),
    "stage_late": Words(
        Text("runs are late", "실행이 늦어지고 있습니다"),
        Text(
            "{stage} of {session} has not ended since {since}: {reasons}",
            "{session} {stage} 실행이 {since} 이후 끝나지 않았습니다: {reasons}",
        ),
        Text(
            "Airflow's page of the run shows what it waits for",
            "Airflow의 실행 화면에서 무엇을 기다리는지 볼 수 있습니다",
        ),
    ),
    "unpublished": Words(
        Text("portfolios are not published", "포트폴리오가 발표되지 않았습니다"),
        Text(
            "no portfolio of {session} is published, and it was due at {due}",
            "{due}까지 나와야 할 {session} 포트폴리오가 발표되지 않았습니다",
        ),
        Text(
            "the dashboard's view Pipeline says how far it came; the repoll of 14:30 UTC computes it, or {commands}",
            "대시보드의 파이프라인 화면에서 진행 상황을 볼 수 있습니다. 14:30 UTC의 repoll이 계산합니다. "
            "바로 계산하려면: {commands}",
        ),
    ),
    "no_month": Words(
        Text("monthly portfolios are not published", "월간 포트폴리오가 발표되지 않았습니다"),
        Text(
            "no monthly portfolio of {session} is published, and it was due at {due}",
            "{due}까지 나와야 할 {session} 월간 포트폴리오가 발표되지 않았습니다",
        ),
        Text(
            "the repoll of 14:30 UTC makes it, or {commands}",
            "14:30 UTC의 repoll이 만듭니다. 바로 만들려면: {commands}",
        ),
    ),
    "degraded": Words(
        Text("publications are degraded", "발표가 불완전합니다"),
        Text("what is published of {session} is degraded: {reasons}", "{session} 발표가 불완전합니다: {reasons}"),
        Text(
            "./start.sh gaps --repoll asks the source again, and says what to compute again",
            "./start.sh gaps --repoll로 출처에 다시 요청하면 다시 계산할 것을 알려 줍니다",
        ),
    ),
    "bar_waits": Words(
        Text("bars wait for a person", "사람의 확인을 기다리는 시세가 있습니다"),
        Text(
            "{ticker} of {session} waits for a person: {reasons}",
            "{ticker} {session} 시세가 확인을 기다립니다: {reasons}",
        ),
        Text(
            "look at the price elsewhere; ./start.sh exec python -m consumer.replay_errors NUMBER --accept takes "
            "one that is true",
            "다른 곳에서 시세를 확인하고, 맞으면 ./start.sh exec python -m consumer.replay_errors NUMBER --accept로 "
            "승인하세요",
        ),
    ),
}

HISTORY_LATE = Text(
    "what is said above shows how far it is; after Ctrl-C ./start.sh history goes on where it was",
    "위에서 진행 상황을 볼 수 있습니다. Ctrl-C 뒤에 ./start.sh history가 이어서 계산합니다",
)
SUBJECT = Text("ActStock: {line}", "ActStock: {line}")
SUBJECT_OVER = Text("ActStock: over: {line}", "ActStock: 해소: {line}")
SEVERAL = Text("{title} ({count})", "{title} ({count}건)")
SINCE = Text("Since {since} UTC.", "{since} UTC부터.")
OVER = Text("Over at {at} UTC, after {minutes} minutes.", "{at} UTC에 해소되었습니다 ({minutes}분 동안).")
HELP = Text("What to do: {help}.", "할 일: {help}.")
NO_REASON = Text("no reason is known yet", "아직 알려진 이유가 없습니다")

TEST = Text("ActStock: a test", "ActStock: 시험")
TEST_TEXT = Text(
    "This is the test that ./start.sh alert --test sends. Whoever reads it is told when something goes wrong.",
    "./start.sh alert --test가 보낸 시험 메시지입니다. 이 메시지를 받는 사람은 문제가 생기면 알림을 받습니다.",
)

DIGEST = Text("ActStock: the portfolios of {session}", "ActStock: {session} 포트폴리오")
PORTFOLIOS = Text("Published for {session}. Prices: {source}.", "{session} 발표. 시세 출처: {source}.")
NEW = Text(", new", ", 신규")
WAS = Text(", was {weight}", ", 이전 {weight}")
GONE = Text("  gone: {tickers}", "  제외: {tickers}")
CASH = Text("  cash {weight}", "  현금 {weight}")
DEGRADED = Text("  degraded: {reasons}", "  불완전: {reasons}")
TRADES = Text(
    "Trades at the close of {session}, as shares of the portfolio, from the weights published before:",
    "{session} 종가의 매매. 직전 발표 비중 기준이며 포트폴리오에서 차지하는 몫:",
)
BUY = Text("buy {tickers}", "매수 {tickers}")
SELL = Text("sell {tickers}", "매도 {tickers}")
NO_TRADE = Text("none", "없음")
NO_DECISION = Text("no decision, so nothing is traded", "산출되지 않아 매매가 없습니다")
RECORD = Text("Record up to {session}, after costs:", "{session}까지의 성과 (비용 차감 후):")
CAME_TO = Text(
    "{last} in the last session, {total} since {since} ({benchmark} {other})",
    "마지막 거래일 {last}, {since} 이후 {total} ({benchmark} {other})",
)
NO_RECORD = Text("No record: {reasons}", "성과 기록이 없습니다: {reasons}")
