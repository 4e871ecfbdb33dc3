"""What the API says of itself and of the services behind it."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contract.common import DegradedReason, Source, Status
from contract.reasons import Reasons
from utils.messages import Moment


class Service(Struct):
    name: str
    version: str
    links: dict[str, str]


class Dependency(Struct):
    name: Literal["database", "kafka", "spark-master"]
    status: Literal["ok", "away"]
    latency_ms: float
    detail: Annotated[str | None, Meta(description="Why it is away")]


class LatestPublication(Struct):
    job: str
    period_days: Annotated[int, Meta(description="0 for a job without periods")]
    as_of_date: date
    status: Status
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    source: Source
    published_at: Moment


class Health(Struct):
    status: Annotated[Literal["ok", "degraded"], Meta(description="degraded: a dependency is away")]
    dependencies: list[Dependency]
    publications: Annotated[
        list[LatestPublication], Meta(description="What each job published last; empty when unknown")
    ]
