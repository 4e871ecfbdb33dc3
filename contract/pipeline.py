"""What is published, how the runs went, and what went wrong."""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from contract.common import Paged
from contract.reasons import Reasons
from contract.service import LatestPublication
from utils.messages import Moment


class Publication(LatestPublication):
    reason: Annotated[str | None, Meta(description="Why it is empty or not computable")]
    reasons: Reasons
    row_count: int
    holdings_as_of: date | None
    run_id: str | None


class Session(Struct):
    as_of_date: date
    publications: list[Publication]


class Sessions(Paged):
    sessions: Annotated[list[Session], Meta(description="Newest first")]


class PublishedDay(Struct):
    as_of_date: date
    is_degraded: Annotated[bool, Meta(description="Something was not there, or in doubt, when it was computed")]
    is_computable: Annotated[
        bool, Meta(description="false: too little history is stored before it, it shows no portfolio")
    ]


class PublishedDays(Struct):
    sessions: Annotated[list[PublishedDay], Meta(description="With daily portfolios, oldest first")]
    rebalances: Annotated[list[PublishedDay], Meta(description="With a monthly portfolio, oldest first")]


class StageRun(Struct):
    dag_id: str
    stage: Annotated[int | None, Meta(description="1 to 5; null of any other DAG")]
    run_id: str
    as_of_date: Annotated[date, Meta(description="Of a rebalance the rebalance date, which need not be a session")]
    state: Annotated[
        Literal["running", "late", "green", "skipped", "failed"],
        Meta(description="late: waits to try again; skipped: all was done already, nothing was asked for"),
    ]
    reason: Annotated[str | None, Meta(description="What it did, waits for, found to be done already, or failed of")]
    reasons: Reasons
    started_at: Moment
    ended_at: Annotated[Moment | None, Meta(description="null: not over")]
    airflow_url: Annotated[str, Meta(description="The run in Airflow's UI")]


class SessionState(Session):
    bars: Annotated[dict[str, int], Meta(description="(ticker, session) expected on that day, by state of the ledger")]
    runs: Annotated[list[StageRun], Meta(description="The newest runs of each DAG about the session, newest first")]


class Calendar(PublishedDays):
    last_run: Annotated[
        SessionState | None, Meta(description="The newest session that is expected, ran or is published")
    ]
    coming_sessions: Annotated[list[date], Meta(description="The home sessions after that of last_run")]


class TableState(Struct):
    table_name: str
    row_count: int
    newest_date: Annotated[date | None, Meta(description="What the newest row is about")]
    fetched_at: Annotated[
        Moment | None, Meta(description="The source's clock at the newest fetch; null where not kept")
    ]


class ConsumerLag(Struct):
    consumer_group: str
    topic: str
    partition_id: int
    committed_offset: Annotated[int, Meta(description="Of the next message to store")]
    end_offset: Annotated[int, Meta(description="Of the next message to come")]
    lag: Annotated[int, Meta(description="Messages that wait to be stored")]
    measured_at: Annotated[Moment, Meta(description="Every 15 seconds; older than a minute: the consumer is away")]


class Links(Struct):
    """What a browser can open."""

    airflow: str
    spark_master: str


class ErrorCount(Struct):
    topic: str
    rejected: int
    waiting: Annotated[int, Meta(description="Neither put back on their topic yet, nor followed by a later bar")]
    newest_at: Moment


class RejectedMessage(Struct):
    id: int
    topic: str
    partition_id: int
    kafka_offset: int
    message_key: str | None
    error_msg: str
    reasons: Reasons
    raw_value: Annotated[str | None, Meta(description="The first 2000 characters")]
    received_at: Moment
    replayed_at: Moment | None


class RejectedMessages(Paged):
    errors: Annotated[list[RejectedMessage], Meta(description="Newest first")]


class QuarantinedBar(Struct):
    kind: Literal["etf", "stock", "rate"]
    ticker: str
    trade_date: date
    reason: str
    reasons: Reasons
    received_at: Moment


class Quarantined(Struct):
    total: int
    bars: Annotated[list[QuarantinedBar], Meta(description="Newest session first, the first 50")]


class Gap(Struct):
    trade_date: date
    state: Literal["late", "missing", "quarantined", "closed"]
    kind: Literal["etf", "stock", "rate"]
    ticker: str
    reason: str
    reasons: Reasons
    first_expected_at: Moment | None
    asked_at: Annotated[Moment | None, Meta(description="The source's clock when it answered last")]


class Gaps(Paged):
    gaps: Annotated[list[Gap], Meta(description="Newest session first")]


class Restatement(Struct):
    kind: Literal["etf", "stock", "rate"]
    ticker: str
    change: Literal["restated", "split", "dividend"]
    first_session: date
    last_session: date
    price_factor: Annotated[float, Meta(description="New price / old price")]
    adj_factor: float
    old_values: Annotated[dict[str, Any], Meta(description="Of the bar of last_session: the columns that changed")]
    new_values: dict[str, Any]
    replaced_fetched_at: Moment
    fetched_at: Moment
    recorded_at: Moment


class Restatements(Paged):
    restatements: Annotated[list[Restatement], Meta(description="The last found first")]


class RequestCount(Struct):
    started_at: Annotated[Moment, Meta(description="Beginning of the hour or day (UTC)")]
    requests: int
    limited: Annotated[int, Meta(description="Answered 429")]
    failed: Annotated[int, Meta(description="No answer, or an error status; the limited ones included")]


class RequestCounts(Paged):
    by: Literal["hour", "day"]
    counts: Annotated[list[RequestCount], Meta(description="Newest first; without a request there is no entry")]


class FailedRequest(Struct):
    requested_at: Moment
    endpoint: str
    symbol: str | None
    http_status: Annotated[int | None, Meta(description="null: no answer")]
    run_id: str | None


class Pipeline(Struct):
    sessions: Annotated[list[SessionState], Meta(description="Newest first")]
    tables: list[TableState]
    consumers: Annotated[list[ConsumerLag], Meta(description="By group, topic and partition, as last measured")]
    quarantined: Annotated[Quarantined, Meta(description="Bars that wait for a person, or for the source to change")]
    errors: list[ErrorCount]
    newest_errors: list[RejectedMessage]
    requests_by_hour: Annotated[list[RequestCount], Meta(description="The newest 24 hours with requests")]
    requests_by_day: Annotated[list[RequestCount], Meta(description="The newest 14 days with requests")]
    failed_requests: Annotated[
        list[FailedRequest], Meta(description="The newest 20 without an answer or with an error status, newest first")
    ]
    links: Links
    coming_sessions: Annotated[
        list[date],
        Meta(description="The next home sessions after the newest that is expected or ran; none before the first one"),
    ]
