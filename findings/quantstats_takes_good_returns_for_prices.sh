#!/usr/bin/env bash
# quantstats 0.0.86 takes daily returns without a loss, one of them above 100 %, for prices.
#
# It guesses from the values: none below zero and the largest above one means prices. Five returns of +150, +20, +10,
# +30 and +120 % have a yearly volatility of 10.2 by definition and by empyrical-reloaded 0.7.1; quantstats turns them
# into the changes between them first and says 30.0. With one small loss among them both agree.
#
# Seen on 2026-11-28 with Python 3.11. Source: `stats.volatility` and `annual_volatility` of the packages on PyPI.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check quantstats==0.0.86 empyrical-reloaded==0.7.1 pandas==3.1.1
seen=$("$work/venv/bin/python" -W ignore -c '
import empyrical, pandas, quantstats
days = pandas.bdate_range("2024-01-02", periods=5)
for values in ([1.5, 0.2, 0.1, 0.3, 1.2], [1.5, 0.2, -0.1, 0.3, 1.2]):
    returns = pandas.Series(values, days)
    plain = returns.std(ddof=1) * 252**0.5
    print(values, *(f"{value:.3f}" for value in (
        plain, empyrical.annual_volatility(returns), quantstats.stats.volatility(returns))))
')
printf '%s\n' "$seen"
expected='[1.5, 0.2, 0.1, 0.3, 1.2] 10.202 10.202 29.981
[1.5, 0.2, -0.1, 0.3, 1.2] 10.964 10.964 10.964'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
