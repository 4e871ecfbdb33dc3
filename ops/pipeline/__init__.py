"""Run stages through Airflow, fill a history, and show the portfolios that come of it."""
