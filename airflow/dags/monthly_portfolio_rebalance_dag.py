"""### The monthly portfolio

A Spark job merges the three portfolios (5, 10 and 20 sessions) of the last session on or before the rebalance date.
Each stock counts once, is scored by the portfolios that hold it, and is ranked and weighted by the score. The
portfolio expires at the 20th session after the date. Old and new positions change in one transaction. Three empty
portfolios make an empty month, with the reason. A month without a computable portfolio over 20 sessions is not
computable.

Then a second job computes the track record again, so that a month that is computed late is included at once.

`compute_session` comes first: it starts `daily_pipeline_controller` for that session where nothing has computed it yet.
In the staggered mode its own stages begin on Monday, when they find everything stored. A session at work is waited for.

**When**: the last Sunday of the month, 14:00 UTC, in both schedule modes. A month that was not made on its Sunday is
made by `completeness_repoll` on the next weekday.

**By hand**: *Trigger*, with `as_of_date` (the rebalance date: any day that is not in the future, `YYYY-MM-DD`) or
without (the newest last Sunday of a month).
**Again**: clear the run, or trigger its date again. The rows will be the same.

**Backfill**: *Run Backfill* in the trigger dialog, or `airflow backfill create --dag-id monthly_portfolio_rebalance
--from-date 2026-01-01 --to-date 2026-06-30`: every last Sunday in the range, both ends included. Months with a run
are left out unless asked for (`--reprocess-behavior completed`).

**Reads** `analytics_portfolio_allocation` (stage 5 of the session).
**Writes** `analytics_monthly_portfolio` and its row in `analytics_publication`, in one transaction;
`analytics_portfolio_performance`, `analytics_performance_summary` and their row for the session, in another.
"""

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_common import SESSION_BY, rebalance_dag
from dag_spark import SparkJob
from dag_stage import ComputeSession

from config.stages import REBALANCE

LAST_SUNDAY = "0 14 * * L0"

with rebalance_dag(REBALANCE, LAST_SUNDAY, doc=__doc__, tags=["monthly", "analysis", "spark"]):
    (
        ComputeSession(session=SESSION_BY)
        >> SparkJob(task_id="rebalance", script="spark_monthly_portfolio_rebalancer.py")
        >> SparkJob(task_id="follow_portfolios", script="spark_portfolio_performance.py", day=SESSION_BY)
    )
