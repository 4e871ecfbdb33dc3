#!/usr/bin/env bash
# quantstats 0.0.86 fills a benchmark's missing day with its next price: what happens tomorrow stands in today's return.
#
# Unless both have exactly the same days, it turns the benchmark into prices, takes for each day of the fund the first
# price on or after it, and computes the returns again. Seoul trades on 4 July 2025, New York does not: the 10 % that SPY
# gains on the 7th stand on the 4th. Months that pandas dates by their last day fare the same: 31 May is a Saturday, so
# the 10 % of 2 June stand in May. The first return becomes 0, and so does the last one where no price comes after it.
# Months dated by their last weekday lose the first one alone.
#
# Each of these funds gains just what SPY does. Their betas are 0.13, -0.47 and 0.81. empyrical-reloaded 0.7.1, which
# leaves out the days that only one of them has, says 1, and so it does with its own months of SPY.
#
# Seen on 2026-11-30 with Python 3.11. Source: `_prepare_benchmark` in quantstats/utils.py, which `greeks`, `r_squared`
# and `information_ratio` in quantstats/stats.py call, and the reports in quantstats/reports.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check quantstats==0.0.86 empyrical-reloaded==0.7.1 pandas==3.1.1
seen=$("$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import empyrical
import pandas
import quantstats


def days_with(gains, days):
    returns = pandas.Series(0.0, days)
    for day, gain in gains.items():
        returns[day] = gain
    return returns


def percents(returns):
    return {f"{day:%d %b}": round(100 * gain, 1) for day, gain in returns[returns != 0].items()}


def look(name, fund, spy, plain):
    beta = quantstats.stats.greeks(fund, spy).beta
    print(name, percents(fund), "SPY:", percents(quantstats.utils._prepare_benchmark(spy, fund.index)))
    print(f"{name} beta: quantstats {beta:.2f} empyrical {plain:.2f} R2: quantstats {quantstats.stats.r_squared(fund, spy):.2f}")


print("quantstats", version("quantstats"), "empyrical-reloaded", version("empyrical-reloaded"))
july = pandas.bdate_range("2025-07-01", "2025-07-31")
spy = days_with({"2025-07-07": 0.1, "2025-07-16": 0.05}, july.drop("2025-07-04"))
fund = spy.reindex(july, fill_value=0.0)
look("days", fund, spy, empyrical.beta(fund, spy))
days = pandas.bdate_range("2025-03-31", "2025-08-29")
spy = days_with({"2025-04-15": 0.04, "2025-06-02": 0.1, "2025-07-16": 0.05, "2025-08-15": 0.02}, days)
for end in ("ME", "BME"):
    fund = (1 + spy).cumprod().resample(end).last().pct_change().iloc[1:]
    months = empyrical.aggregate_returns(spy, "monthly").iloc[1:]
    look(end, fund, spy, empyrical.beta(fund, months.set_axis(fund.index)))
PYTHON
)
printf '%s\n' "$seen"
expected="quantstats 0.0.86 empyrical-reloaded 0.7.1
days {'07 Jul': 10.0, '16 Jul': 5.0} SPY: {'04 Jul': 10.0, '16 Jul': 5.0}
days beta: quantstats 0.13 empyrical 1.00 R2: quantstats 0.02
ME {'30 Apr': 4.0, '30 Jun': 10.0, '31 Jul': 5.0, '31 Aug': 2.0} SPY: {'31 May': 10.0, '31 Jul': 5.0}
ME beta: quantstats -0.47 empyrical 1.00 R2: quantstats 0.32
BME {'30 Apr': 4.0, '30 Jun': 10.0, '31 Jul': 5.0, '29 Aug': 2.0} SPY: {'30 Jun': 10.0, '31 Jul': 5.0, '29 Aug': 2.0}
BME beta: quantstats 0.81 empyrical 1.00 R2: quantstats 0.82"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
