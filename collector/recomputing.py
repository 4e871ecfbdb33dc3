"""List what the jobs beside the sessions have to compute again, and the commands that do it."""

from collections.abc import Iterator, Sequence

from database.queries.stale_publications import PERFORMANCE, REBALANCE, SECTORS, TOP_HOLDINGS, Stale
from database.queries.stale_sessions import ranges

NAMES = {TOP_HOLDINGS: "top holdings", SECTORS: "sectors", REBALANCE: "monthly portfolio", PERFORMANCE: "record"}


def list_stale(found: Sequence[Stale]) -> Iterator[str]:
    """Yield each stale publication with its reason, then the commands in the order in which to run them.

    >>> from datetime import date
    >>> rested = Stale(REBALANCE, date(2026, 7, 26), "the portfolios of 2026-07-24 were published after it")
    >>> print(*list_stale([rested]), sep=chr(10))
    published beside them and no longer in line with what is stored: 1
      2026-07-26  monthly portfolio: the portfolios of 2026-07-24 were published after it
    compute again: ./start.sh run rebalance --as-of 2026-07-26
    """
    if not found:
        return
    yield f"published beside them and no longer in line with what is stored: {len(found)}"
    for each in found:
        yield f"  {each.day}  {NAMES[each.job]}: {each.reason}"
    for command in commands(found):
        yield f"compute again: {command}"


def commands(found: Sequence[Stale]) -> Iterator[str]:
    """Yield the commands. A run of the monthly portfolio follows the record too, so that needs none of its own."""
    days = {job: [each.day for each in found if each.job == job] for job in NAMES}
    for start, end in ranges(days[TOP_HOLDINGS]):
        yield f"./start.sh exec python -m batch.spark_etf_top_holdings --from {start} --to {end}"
    for day in days[SECTORS]:
        yield f"./start.sh exec python -m batch.batch_monthly_sector_analyzer --as-of-date {day}"
    for day in days[REBALANCE]:
        yield f"./start.sh run rebalance --as-of {day}"
    for day in days[PERFORMANCE] if not days[REBALANCE] else ():
        yield f"./start.sh run performance --as-of {day}"
