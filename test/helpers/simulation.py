"""Portfolios simulated day by day in plain pandas, to compare the followed series with.

Imports nothing of the platform, and works with amounts of money where the platform works with weights and products.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

Targets = Mapping[pd.Timestamp, Mapping[str, float]]  # session of the trade -> ticker -> weight; what is left is cash


def live_through(prices: pd.DataFrame, targets: Targets, benchmark: pd.Series, cost_rate: float) -> pd.DataFrame:
    """Simulate every session from the first trade on. prices: sessions by tickers, in dollars, without gaps."""
    first = min(targets)
    sessions = prices.index[prices.index >= first]
    held: dict[str, float] = {}
    cash, kept = 1.0, 1.0
    rows: list[dict[str, float]] = []
    for before, session in zip([sessions[0], *sessions], sessions, strict=False):
        held = {ticker: amount * prices[ticker][session] / prices[ticker][before] for ticker, amount in held.items()}
        gross = cash + sum(held.values())
        row = {"gross": gross, "cash_weight": cash / gross, "turnover": 0.0}
        if session in targets:
            wanted = {ticker: weight * gross for ticker, weight in targets[session].items()}
            traded = sum(abs(wanted.get(each, 0.0) - held.get(each, 0.0)) for each in {*wanted, *held}) / gross
            kept *= 1 - cost_rate * traded
            held, cash = wanted, gross - sum(wanted.values())
            row |= {"turnover": traded / 2, "cost": cost_rate * traded}
        if not rows:  # of the first session it is told what was bought
            row["cash_weight"] = cash / gross
        rows.append(row | {"net": gross * kept if rows else 1.0, "benchmark": benchmark[session] / benchmark[first]})
    return pd.DataFrame(rows, index=sessions).fillna({"cost": 0.0})


def figures(lived: pd.DataFrame) -> dict[str, float]:
    """Return the figures, with 252 sessions a year and a risk-free rate of 0."""
    r = lived["net"].pct_change().iloc[1:]
    b = lived["benchmark"].pct_change().iloc[1:]
    cagr = lived["net"].iloc[-1] ** (252 / len(r)) - 1
    deepest = (lived["net"] / lived["net"].cummax() - 1).min()
    slope, _ = np.polyfit(b, r, 1)
    return {
        "session_count": len(r),
        "total_return_gross": lived["gross"].iloc[-1] - 1,
        "total_return_net": lived["net"].iloc[-1] - 1,
        "benchmark_return": lived["benchmark"].iloc[-1] - 1,
        "max_drawdown": deepest,
        "benchmark_max_drawdown": (lived["benchmark"] / lived["benchmark"].cummax() - 1).min(),
        "turnover_average": lived["turnover"].mean(),
        "turnover_total": lived["turnover"].sum(),
        "cost_total": lived["cost"].sum(),
        "cagr": cagr,
        "volatility": r.std(ddof=1) * 252**0.5,
        "sharpe": r.mean() / r.std(ddof=1) * 252**0.5,
        "sortino": r.mean() / ((r.clip(upper=0) ** 2).mean() ** 0.5) * 252**0.5,
        "calmar": cagr / abs(deepest) if deepest else np.nan,
        "beta": slope,
    }
