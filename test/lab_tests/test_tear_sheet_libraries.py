"""The tear sheet's figures against those of known packages, which the ring `lab` installs (requirements/lab.txt)."""

import empyrical
import numpy as np
import pandas as pd
import pytest
import quantstats

from dashboard import tear_sheet
from dashboard.tear_sheet import Month, Series

SEEDS = range(5)


def invented(seed: int, sessions: int = 400) -> tuple[Series, pd.Series]:
    """Return values that drift up and down, and their returns as the packages take them."""
    returns = np.random.default_rng(seed).normal(0.0004, 0.012, sessions)
    days = pd.bdate_range("2025-01-02", periods=sessions + 1)
    values = np.cumprod([1.0, *(1 + returns)])
    return Series.of([day.date() for day in days], values.tolist()), pd.Series(returns, index=days[1:])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_figures_are_the_packages(seed: int) -> None:
    series, returns = invented(seed)
    ours = tear_sheet.figures(series, 60)
    assert ours.total == pytest.approx(empyrical.cum_returns_final(returns))
    assert ours.max_drawdown == pytest.approx(empyrical.max_drawdown(returns))
    assert ours.cagr == pytest.approx(empyrical.cagr(returns))
    assert ours.volatility == pytest.approx(empyrical.annual_volatility(returns))
    assert ours.sharpe == pytest.approx(empyrical.sharpe_ratio(returns))
    assert ours.sortino == pytest.approx(empyrical.sortino_ratio(returns))
    assert ours.calmar == pytest.approx(empyrical.calmar_ratio(returns))
    assert ours.sharpe == pytest.approx(quantstats.stats.sharpe(returns))
    assert ours.best_day == pytest.approx(quantstats.stats.best(returns))
    assert ours.worst_day == pytest.approx(quantstats.stats.worst(returns))
    assert ours.positive_days == pytest.approx(quantstats.stats.win_rate(returns))


@pytest.mark.parametrize("seed", SEEDS)
def test_months_and_years_are_the_packages(seed: int) -> None:
    series, returns = invented(seed)
    by_month = empyrical.aggregate_returns(returns, "monthly")
    assert tear_sheet.months(series) == pytest.approx({Month(*key): share for key, share in by_month.items()})
    assert tear_sheet.years(series) == pytest.approx(empyrical.aggregate_returns(returns, "yearly").to_dict())


@pytest.mark.parametrize("seed", SEEDS)
def test_rolling_figures_are_the_packages(seed: int) -> None:
    (own, ours), (other, its) = invented(seed), invented(seed + 100)
    sharpes, betas = tear_sheet.rolling(own, other, 60)
    assert len(sharpes) == len(betas) == len(own.sessions) and sharpes[:60] == [None] * 60
    assert sharpes[60:] == pytest.approx(list(empyrical.roll_sharpe_ratio(ours, 60)))
    assert betas[60:] == pytest.approx(list(empyrical.roll_beta(ours, its, 60)))


@pytest.mark.parametrize("seed", SEEDS)
def test_drawdowns_are_the_packages(seed: int) -> None:
    series, returns = invented(seed)
    details = quantstats.stats.drawdown_details(quantstats.stats.to_drawdown_series(returns))
    deepest = details.sort_values("max drawdown").head(5)
    ours = tear_sheet.drawdowns(series)[:5]
    assert [100 * each.depth for each in ours] == pytest.approx(list(deepest["max drawdown"]))
    assert [each.lowest.isoformat() for each in ours] == [str(day)[:10] for day in deepest["valley"]]
