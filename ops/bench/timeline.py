"""Where the time of a pipeline run went, from the moments that Airflow, Spark and the database have noted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    def holds(self, other: "Span") -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True)
class Part:
    """kind: what sort of work it is, for adding up over the stages."""

    name: str
    kind: str
    seconds: float


@dataclass(frozen=True)
class Stage:
    """A stage's DAG run, its tasks, and the Spark applications that ran meanwhile."""

    name: str
    span: Span
    tasks: dict[str, Span]


AIRFLOW = "Airflow"
COLLECTING = "collecting, storing"
SPARK_START = "starting Spark"
SPARK = "Spark at work"
# In the order in which a stage goes through them.
KINDS = (COLLECTING, SPARK_START, SPARK, AIRFLOW)


def parts(whole: Span, stages: Sequence[Stage], applications: Sequence[Span]) -> list[Part]:
    """Split the run into parts that add up to it: the tasks, and the time between tasks and stages."""
    found: list[Part] = []
    over = whole.start
    for stage in stages:
        found.append(Part(f"controller, up to {stage.name}", AIRFLOW, (stage.span.start - over).total_seconds()))
        found += _of_stage(stage, applications)
        over = stage.span.end
    return [*found, Part("controller, at the end", AIRFLOW, (whole.end - over).total_seconds())]


def by_kind(found: Iterable[Part]) -> dict[str, float]:
    seconds = dict.fromkeys(KINDS, 0.0)
    for part in found:
        seconds[part.kind] += part.seconds
    return seconds


def between(moments: Sequence[tuple[str, datetime]]) -> list[Part]:
    """Return the time from each moment to the next one."""
    return [Part(name, "", (later - earlier).total_seconds()) for (_, earlier), (name, later) in pairwise(moments)]


def application_of(task: Span, applications: Sequence[Span]) -> Span | None:
    return next((application for application in applications if task.holds(application)), None)


def _of_stage(stage: Stage, applications: Sequence[Span]) -> list[Part]:
    found: list[Part] = []
    for task, span in stage.tasks.items():
        application = application_of(span, applications)
        found += _of_spark(stage.name, span, application) if application else [_of_task(stage.name, task, span)]
    rest = stage.span.seconds - sum(part.seconds for part in found)
    return [*found, Part(f"{stage.name}: scheduling its tasks", AIRFLOW, rest)]


def _of_task(stage: str, task: str, span: Span) -> Part:
    return Part(f"{stage}: {task}", COLLECTING, span.seconds)


def _of_spark(stage: str, task: Span, application: Span) -> list[Part]:
    at_work = application.seconds
    return [
        Part(f"{stage}: spark-submit, JVM, session; end", SPARK_START, task.seconds - at_work),
        Part(f"{stage}: executor, computing, publishing", SPARK, at_work),
    ]
