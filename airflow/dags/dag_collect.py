"""The task of the collecting stages: runs a producer for the run's session, and ends when its rows are in Postgres."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from dag_common import AS_OF, RUN_ID, YAHOO_POOL, TaskFailed, airflow_errors

from config.config import Settings
from utils.reasons import Reason, reason

if TYPE_CHECKING:
    from collector.receipt import Receipt as Receipt
else:
    # A DAG file imports none of the parts before its tasks run, and names what its producer returns all the same.
    Receipt = "collector.receipt.Receipt"

# Gets the settings, the session, the run's id, and whether to continue without a late bar.
Producer = Callable[[Settings, date, str, bool], Receipt]

# Rows take half a second as a rule. What takes longer is waited for without a worker slot.
WAIT_HERE_SECONDS = 10
LOOK_AGAIN_EVERY = timedelta(seconds=5)


class Collect(BaseOperator):
    """Runs a producer, waits for its rows, and returns its receipt as JSON. Another try collects again."""

    template_fields = ("as_of", "started_by")

    def __init__(self, *, task_id: str = "collect", produce: Producer, **kwargs: Any) -> None:
        super().__init__(task_id=task_id, pool=YAHOO_POOL, **kwargs)
        self.produce = produce
        self.as_of, self.started_by = AS_OF, RUN_ID
        self.receipt: Receipt | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        with airflow_errors():
            session = date.fromisoformat(self.as_of)
            receipt = self.produce(Settings.from_env(), session, self.started_by, accepts_late(context))
        return self._until_stored(receipt, datetime.now(UTC))

    def look_again(self, context: Any, receipt: dict[str, Any], since: str, event: Any = None) -> dict[str, Any]:
        """Go on after a wait in the triggerer. receipt: as JSON; since: when its rows had been sent."""
        from collector import receipt as receipts

        return self._until_stored(receipts.Receipt.from_dict(receipt), datetime.fromisoformat(since))

    def _until_stored(self, receipt: Receipt, since: datetime) -> dict[str, Any]:
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        from collector.receipt import stored_within

        self.receipt = receipt
        settings = Settings.from_env()
        with airflow_errors():
            if stored_within(settings, receipt, WAIT_HERE_SECONDS):
                return receipt.to_dict()
        patience = settings.collector.stored_timeout_seconds
        if (datetime.now(UTC) - since).total_seconds() > patience:
            raise TaskFailed(reason("not_stored_in_time", seconds=patience))
        self.defer(
            trigger=TimeDeltaTrigger(LOOK_AGAIN_EVERY),
            method_name="look_again",
            kwargs={"receipt": receipt.to_dict(), "since": since.isoformat()},
        )

    @property
    def outcome(self) -> tuple[bool, list[Reason]] | None:
        """(nothing was to collect, what was collected): read by plugins/run_listener.py."""
        return (self.receipt.is_idle, self.receipt.outcome) if self.receipt else None


def accepts_late(context: Any) -> bool:
    """Tell whether a collecting task continues without a late bar: when asked to, and at its last try."""
    ti = context["ti"]
    return bool(context["params"].get("accept_late")) or ti.try_number > ti.max_tries
