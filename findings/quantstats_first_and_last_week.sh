#!/usr/bin/env bash
# quantstats 0.0.86 compounds the last days of a year with the first week of the same year, eleven months earlier.
#
# It groups weeks by the calendar's year and the ISO number of the week. 30 and 31 December 2024 are in week 1 (of
# 2025), so both fall under (2024, 1) beside 1 to 5 January 2024. A gain of 10 % on 3 January and one of 20 % on 31
# December are to it one week of 32 %, the best of the year. empyrical-reloaded 0.7.1, which takes the year from ISO as
# well, says 10 and 20 %. The same happens in 2025, whose 29 to 31 December are in week 1.
#
# Seen on 2026-11-30 with Python 3.11. Source: `aggregate_returns` in quantstats/utils.py, period "W"; `stats.best`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check quantstats==0.0.86 empyrical-reloaded==0.7.1 pandas==3.1.1
seen=$("$work/venv/bin/python" -W ignore -c '
from importlib.metadata import version
import empyrical, pandas, quantstats
print("quantstats", version("quantstats"), "empyrical-reloaded", version("empyrical-reloaded"))
for first, last in (("2024-01-03", "2024-12-31"), ("2025-01-03", "2025-12-31"), ("2023-01-04", "2023-12-29")):
    returns = pandas.Series(0.0, pandas.bdate_range(first, last))
    returns.loc[first], returns.loc[last] = 0.1, 0.2
    weeks = empyrical.aggregate_returns(returns, "weekly")
    print(first, last, "best week: quantstats", round(quantstats.stats.best(returns, aggregate="W"), 4),
          "empyrical", round(weeks.max(), 4), "number of weeks:",
          len(quantstats.utils.aggregate_returns(returns, "W")), len(weeks))
')
printf '%s\n' "$seen"
expected='quantstats 0.0.86 empyrical-reloaded 0.7.1
2024-01-03 2024-12-31 best week: quantstats 0.32 empyrical 0.2 number of weeks: 52 53
2025-01-03 2025-12-31 best week: quantstats 0.32 empyrical 0.2 number of weeks: 52 53
2023-01-04 2023-12-29 best week: quantstats 0.2 empyrical 0.2 number of weeks: 52 52'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
