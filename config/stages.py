"""The DAGs of the pipeline: the five stages in their order, the controller that runs them, and those beside them."""

from datetime import time

CONTROLLER = "daily_pipeline_controller"
REBALANCE = "monthly_portfolio_rebalance"
MONTHLY_ETFS = "monthly_etf_collection_last_weekend"
# What a history goes by among the runs: it is no DAG, and none of Airflow's.
HISTORY = "history"
# When a session's run begins (UTC), by PIPELINE_SCHEDULE.
BEGINS = {"staggered": "0 9 * * 1-5", "controller": "30 21 * * 1-5"}
# Short name -> DAG. In this order they are stages 1 to 5.
STAGES = {
    "benchmark": "daily_benchmark_etf_collection",
    "sector": "daily_sector_etf_collection",
    "trending": "daily_trending_etf_analysis",
    "holdings": "daily_trending_etf_holdings_collection",
    "allocation": "daily_portfolio_allocation",
}
# Short name -> DAG, of those that are no stage.
BESIDE = {
    "pipeline": CONTROLLER,
    "etf-holdings": "etf_holdings_daily",
    "monthly-etfs": MONTHLY_ETFS,
    "top-holdings": "etf_top_holdings_analysis",
    "rebalance": REBALANCE,
    "performance": "portfolio_performance",
}


def begins_at(schedule: str) -> time:
    """Return the hour (UTC) at which a session's run begins.

    >>> str(begins_at("staggered")), str(begins_at("controller"))
    ('09:00:00', '21:30:00')
    """
    minute, hour, *_ = BEGINS[schedule].split()
    return time(int(hour), int(minute))


def run_name(dag_id: str) -> str:
    """Return what `./start.sh run` computes a DAG's day again by: a stage is computed with the others of its session.

    >>> [run_name(dag_id) for dag_id in ("daily_portfolio_allocation", REBALANCE, "completeness_repoll")]
    ['pipeline', 'rebalance', 'completeness_repoll']
    """
    if dag_id in STAGES.values():
        return "pipeline"
    return next((name for name, dag in BESIDE.items() if dag == dag_id), dag_id)
