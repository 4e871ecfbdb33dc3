"""The DAGs of the pipeline: its five stages in their order, what runs them one after another, and the monthly one."""

CONTROLLER = "daily_pipeline_controller"
REBALANCE = "monthly_portfolio_rebalance"
# By their short names; their numbers are 1 to 5.
STAGES = {
    "benchmark": "daily_benchmark_etf_collection",
    "sector": "daily_sector_etf_collection",
    "trending": "daily_trending_etf_analysis",
    "holdings": "daily_trending_etf_holdings_collection",
    "allocation": "daily_portfolio_allocation",
}
