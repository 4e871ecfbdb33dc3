"""What a job publishes, and how its rows and publications replace the earlier ones in one transaction."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from batch.inputs import Digesting, Inputs
from batch.revisions import Basis, adopt, revise
from batch.staging import Staged
from config.periods import PERIODS
from config.universe import universe
from contract.reasons import shown
from database.db_helper import Connection, replace_partition, replace_partition_from, transaction
from database.queries.evidence import source_clock, universe_digest, watermark
from database.tables import PUBLICATION, Table
from utils.errors import InvalidInput
from utils.reasons import Reason, as_json

if TYPE_CHECKING:
    from batch.runner import Job

log = logging.getLogger(__name__)

# How many reasons a message names before it only counts the others.
SHOWN_REASONS = 5


@dataclass(frozen=True)
class Publication:
    """A row of analytics_publication. as_of_date is the day of the job: a session, or a rebalance date."""

    job: str
    as_of_date: date
    period_days: int
    row_count: int
    source: str
    status: str = "published"
    reason: Sequence[Reason] = ()
    cash_weight: float = 0.0
    holdings_as_of: date | None = None
    degraded_reason: Sequence[Reason] = ()


@dataclass(frozen=True)
class TablePart:
    """Rows that replace all rows of a table with the same key values (column -> value, or list of values)."""

    table: Table
    where: Mapping[str, Any]
    rows: Sequence[Sequence[Any]] | Staged

    @property
    def row_count(self) -> int:
        return self.rows.row_count if isinstance(self.rows, Staged) else len(self.rows)

    def replace(self, conn: Connection) -> None:
        if isinstance(self.rows, Staged):
            replace_partition_from(conn, self.table, self.where, self.rows.identifier)
        else:
            replace_partition(conn, self.table, self.where, self.rows)


@dataclass(frozen=True)
class JobResult:
    """The publications of a run, and the days that it skipped, with the reason.

    A skipped day does not stop a range. What was published for that day before stays.
    """

    publications: Sequence[Publication]
    skipped: dict[date, Reason]

    def summary(self) -> dict[str, Any]:
        empty = sum(publication.status == "empty" for publication in self.publications)
        return {
            "days": len({publication.as_of_date for publication in self.publications}),
            "publications": len(self.publications),
            "empty": empty,
            "degraded": sum(bool(publication.degraded_reason) for publication in self.publications),
            "rows": sum(publication.row_count for publication in self.publications),
            "skipped": {day.isoformat(): to_builtins(shown([why])[0]) for day, why in self.skipped.items()},
        }


def publish(
    job: "Job",
    name: str,
    parts: Sequence[TablePart],
    publications: Sequence[Publication],
    inputs: Inputs | Digesting,
    replaced_days: Sequence[date] = (),
    recomputed_days: Sequence[date] = (),
) -> None:
    """Replace parts of tables, and the publications of the same days, in one transaction, and make their revisions.

    inputs: what the days rest on
    replaced_days: further days whose earlier rows and publications make way
    recomputed_days: further days whose rows may be other ones, and whose publications stay
    """
    replaced_days = sorted({publication.as_of_date for publication in publications} | set(replaced_days))
    days = sorted({*replaced_days, *recomputed_days})
    basis = Basis(inputs.digests(job.conn, days), watermark(job.conn), universe_digest(), source_clock(job.conn))
    conn = job.writer or job.conn
    rows = [tuple(_stored(getattr(row, column, job.run_id)) for column in PUBLICATION.columns) for row in publications]
    of_publications = {"job": name, "as_of_date": replaced_days}
    replaced = [*parts, TablePart(PUBLICATION, of_publications, rows)]
    log.info("publishing %d rows in one transaction", sum(part.row_count for part in parts))
    with transaction(conn), conn.cursor() as cursor:
        # Two runs that publish the same days take turns: without the lock both would insert after one deletion.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"publish {name}",))
        adopt(conn, name, days)
        for part in replaced:
            part.replace(conn)
        revised = revise(conn, name, days, basis)
    log.info("%d of %d days have a new revision", len(revised), len(days))


def _stored(value: Any) -> Any:
    """Return a publication's value as its column takes it. The only sequences of a publication are reasons."""
    return as_json(value) if isinstance(value, list | tuple) else value


def rows_for(table: Table, rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return rows, which are read by column name, as tuples in the table's column order."""
    return [tuple(row[column] for column in table.columns) for row in rows]


def published_periods() -> tuple[int, ...]:
    """Return the universe's periods. Raise InvalidInput when the tables have no columns for one of them."""
    for days in universe().periods:
        if days not in PERIODS:
            raise InvalidInput(f"period of {days} sessions: the tables hold {', '.join(map(str, PERIODS))}")
    return universe().periods
