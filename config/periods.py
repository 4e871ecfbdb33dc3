"""The periods, in sessions, over which returns are measured and portfolios are published.

They are fixed, because the analytics tables have columns for each of them. The universe file may leave some out.
"""

PERIODS = (5, 10, 20)
# Stands in period columns for the monthly portfolio, which has no period of its own, and where one chooses a portfolio.
MONTHLY_PERIOD = 0
MONTHLY = "monthly"
# analytics_trending_etfs names this period's columns without the period: is_trending, outperformance.
UNSUFFIXED_PERIOD = 20


def trending_column(name: str, days: int) -> str:
    """Return the column of analytics_trending_etfs that has a figure of a period.

    >>> trending_column("is_trending", 5), trending_column("is_trending", 20)
    ('is_trending_5d', 'is_trending')
    """
    return name if days == UNSUFFIXED_PERIOD else f"{name}_{days}d"
