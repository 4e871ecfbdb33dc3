"""A session whose source lacks a bar, under Airflow: published as degraded, asked for again, computed again."""

from collections.abc import Callable
from datetime import date
from itertools import takewhile
from typing import Any

import httpx

from database.db_helper import Connection, fetch, transaction
from ops.pipeline.airflow_client import Airflow, Run
from utils.dates import session_before

CONTROLLER = "daily_pipeline_controller"


def report(airflow: Airflow, run: Run) -> list[str]:
    run_path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}"
    answer: dict[str, Any] = airflow._ask("GET", f"{run_path}/taskInstances/report/xcomEntries/return_value")
    return list(answer["value"])


def test_a_missing_bar_from_the_source_to_the_reader_and_back(
    pipeline: Run,
    run_dag: Callable[..., Run],
    airflow: Airflow,
    conn: Connection,
    control: httpx.Client,
    api: httpx.Client,
    as_of: date,
) -> None:
    session = session_before(as_of, 25)
    no_cap = f"CEG: no market cap on {session}"

    def degraded() -> list[set[str]]:
        """Return why each portfolio is degraded.

        The one company whose cap the market never gives does not count, nor do its days without an exchange rate.
        """
        answers = (
            api.get("/stocks/portfolio", params={"period_days": days, "as_of_date": str(session)})
            for days in (5, 10, 20)
        )
        reasons = (answer.json()["degraded_reason"] or "" for answer in answers)
        return [
            {reason for reason in text.split("; ") if reason and "=X rate of " not in reason} - {no_cap}
            for text in reasons
        ]

    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'XLB' AND trade_date = %s", (session,))
    control.post("/control/faults", json={"kind": "missing_bar", "ticker": "XLB", "session": str(session)})
    try:
        run_dag(CONTROLLER, as_of_date=session.isoformat(), stage_delay_minutes=0)
        assert degraded() == [{f"XLB has no bar of {session} (missing at the source)"}] * 3
    finally:
        control.delete("/control/faults").raise_for_status()

    told = report(airflow, run_dag("completeness_repoll", as_of_date=as_of.isoformat()))

    assert fetch(
        conn, "SELECT 1 FROM collected_daily_etf_ohlc WHERE ticker = 'XLB' AND trade_date = %(d)s", {"d": session}
    )
    assert told[0].startswith("expected bars that are not stored: ")
    open_gaps = list(takewhile(lambda line: line.startswith("  "), told[1:]))
    assert all("KRW=X: " in line for line in open_gaps), "days without a rate are the only ones"
    assert f"compute again: ./start.sh backfill {session} {session}" in told

    run_dag(CONTROLLER, as_of_date=session.isoformat(), stage_delay_minutes=0)
    assert degraded() == [set()] * 3
    assert not any(line.startswith("compute again") for line in report(airflow, run_dag("completeness_repoll")))
