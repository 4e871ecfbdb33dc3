"""The DAGs of the pipeline: the five stages in their order, the controller that runs them, and the monthly one."""

CONTROLLER = "daily_pipeline_controller"
REBALANCE = "monthly_portfolio_rebalance"
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
