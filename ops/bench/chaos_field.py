"""A running stack on which faults strike: begin anew, start a chain, see it to its end, and put all right."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from collector.bootstrap import prepare
from config.config import Settings, Topic
from config.stages import CONTROLLER
from database.db_helper import connect
from ops.bench.chaos_disk import Disk
from ops.bench.chaos_rows import Rows, count_poison, read_rows
from ops.databases import empty_tables
from ops.errors import NotRunning, RunFailed
from ops.native.control import services_of, start
from ops.native.environment import client_environment
from ops.native.health import is_ready
from ops.native.stack import Stack
from ops.native.supervisor import Supervisor
from ops.pipeline import runs
from ops.pipeline.airflow_client import BAD, Airflow, Run, Task
from ops.replay.market_client import MarketServer
from ops.running import Platform
from utils.errors import ActstockError
from utils.kafka_utils import Offsets, committed_offsets, end_offsets, offsets_reached

# Who stands for Yahoo is no part of the platform.
NOT_OURS = "market-server"
POLL_SECONDS = 0.5
# The schema's own record of its migrations.
KEPT = ("schema_migration",)


@dataclass(frozen=True)
class Field:
    """patience_seconds: after so long without a right end a person would be called. disk: which has the data alone."""

    stack: Stack
    patience_seconds: float = 900
    disk: Disk | None = None
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    # Where each topic ended when the present chain was begun.
    begun: dict[Topic, Offsets] = field(default_factory=dict)

    @cached_property
    def client_environ(self) -> dict[str, str]:
        return self.environ | client_environment(self.stack, self.environ)

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_env(self.client_environ)

    @cached_property
    def market(self) -> MarketServer:
        return MarketServer(self.stack.url(NOT_OURS), self.client_environ["MARKET_TOKEN"])

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.stack)

    @property
    def logs(self) -> Path:
        return self.stack.logs

    def services(self) -> list[str]:
        """Return the services that stay up and are the platform's own."""
        found = services_of(self.stack).values()
        return [service.name for service in found if not service.is_one_shot and service.name != NOT_OURS]

    def airflow(self) -> Airflow:
        return runs.connect(Platform.of_stack(self.stack))

    def begin_anew(self) -> None:
        """Empty the platform's tables, and store what a first start stores before it asks the source."""
        with closing(connect(self.settings.database)) as conn:
            empty_tables(conn, keep=KEPT)
        prepare(self.settings)
        self.begun.update({topic: end_offsets(self.settings.kafka, topic) for topic in Topic})

    def service_of(self, module: str) -> str:
        """Return the service that is a module of Python."""
        return next(name for name, service in services_of(self.stack).items() if module in service.command)

    def poisoned(self) -> int:
        return count_poison(self.settings.database)

    def rows(self) -> Rows:
        return read_rows(self.settings.database)

    def start_chain(self, session: date) -> Run:
        """Start the five stages of a session, without delays."""
        airflow = self.airflow()
        runs.wait_for_dag(airflow, CONTROLLER)
        return airflow.trigger(CONTROLLER, {"as_of_date": session.isoformat(), "stage_delay_minutes": 0})

    def end_of(self, run: Run) -> str | None:
        """Wait for a chain's end and for a platform at rest. Return why a person would be needed, if so."""
        until = time.monotonic() + self.patience_seconds
        while True:
            try:
                return self._chain(run, until) or self.rest(until)
            except NotRunning as error:  # Airflow is away: it may come back
                if time.monotonic() > until:
                    return str(error)
            except ActstockError as error:
                return str(error)
            time.sleep(POLL_SECONDS)

    def _chain(self, run: Run, until: float) -> str | None:
        airflow = self.airflow()
        while not (current := airflow.run(run)).has_ended:
            if time.monotonic() > until:
                return f"the chain goes on after {self.patience_seconds:.0f} s: {_states(airflow, run)}"
            time.sleep(POLL_SECONDS)
        return None if current.state == "success" else f"the chain ended as {current.state}: {_failures(airflow, run)}"

    def rest(self, until: float) -> str | None:
        """Wait until every service is ready and every message stored. Return what is not, if so."""
        while busy := [*self.not_ready(), *self._behind()]:
            if time.monotonic() > until:
                return f"not at rest: {', '.join(busy)}"
            time.sleep(POLL_SECONDS)
        return None

    def rescue(self, run: Run) -> None:
        """Do what a person would do: start what is down, and end the chain's runs. RunFailed says it did not help."""
        start(self.stack)
        airflow = self.airflow()
        for each in [run, *airflow.runs_named(f"__{run.run_id}")]:
            if not airflow.run(each).has_ended:
                airflow.fail(each)
        problem = self.rest(time.monotonic() + self.patience_seconds)
        if problem:
            raise RunFailed(f"the stack cannot be put right ({problem}): its logs are in {self.logs}")

    @contextmanager
    def without_noise(self) -> Iterator[None]:
        """Let the market say the same thing twice: rows of several fetches are compared to the last digit."""
        self.market.set_noise(False)
        try:
            yield
        finally:
            self.market.clear_faults()
            self.market.set_noise(True)

    def not_ready(self) -> list[str]:
        """Return the services that do not do their work."""
        states = self.supervisor.states()
        services = services_of(self.stack)
        return [name for name, service in services.items() if not is_ready(service, self.stack, states[name])]

    def _behind(self) -> list[str]:
        """Return the topics with messages that are not stored."""
        kafka = self.settings.kafka
        try:
            return [
                f"messages of {topic}"
                for topic in Topic
                if not offsets_reached(
                    {topic.value: end_offsets(kafka, topic)}, committed_offsets(kafka, topic.consumer_group)
                )
            ]
        except ActstockError as error:
            return [str(error)]


def _states(airflow: Airflow, run: Run) -> str:
    active = [f"{task.run.dag_id}.{task.task_id} {task.state}" for task in _tasks(airflow, run) if not task.has_ended]
    return ", ".join(active) or "no task is at work"


def _failures(airflow: Airflow, run: Run) -> str:
    failed = [task for task in _tasks(airflow, run) if task.state in BAD and task.state != "upstream_failed"]
    told: list[str] = []
    for task in failed:
        try:
            told.append(f"{task.run.dag_id}.{task.task_id}: {airflow.failure_of(task)}")
        except ActstockError as error:
            told.append(f"{task.run.dag_id}.{task.task_id}: {error}")
    return "; ".join(told) or "no task has failed"


def _tasks(airflow: Airflow, run: Run) -> Sequence[Task]:
    return [task for each in [run, *airflow.runs_named(f"__{run.run_id}")] for task in airflow.tasks(each)]
