#!/usr/bin/env bash
# quantstats 0.0.86 books the first session of a Korean month in the month before, when the days carry their time zone.
#
# Daily bars of Seoul, as yfinance gives them, are dated midnight there: 15:00 of the day before in UTC. quantstats
# turns the index into UTC and drops the zone, so each day becomes the one before: a gain of 1 June stands in May, and
# one of 1 July in June. empyrical-reloaded 0.7.1 reads the days as they are. Without a zone both agree, and so they do
# for New York, whose midnight is the same day in UTC: a look at American prices shows nothing.
#
# Seen on 2026-11-30 with Python 3.11. Source: `aggregate_returns` in quantstats/utils.py, `stats.monthly_returns`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check quantstats==0.0.86 empyrical-reloaded==0.7.1 pandas==3.1.1
seen=$("$work/venv/bin/python" -W ignore -c '
from importlib.metadata import version
import empyrical, pandas, quantstats
print("quantstats", version("quantstats"), "empyrical-reloaded", version("empyrical-reloaded"))
for zone in ("Asia/Seoul", "America/New_York", None):
    returns = pandas.Series(0.0, pandas.bdate_range("2026-06-01", "2026-07-31", tz=zone))
    returns.loc["2026-06-01"], returns.loc["2026-07-01"] = 0.1, 0.05
    table = quantstats.stats.monthly_returns(returns).loc["2026", ["MAY", "JUN", "JUL"]]
    plain = empyrical.aggregate_returns(returns, "monthly")
    print(zone, "quantstats", table.astype(float).round(4).to_dict(), "empyrical", plain.round(4).to_dict())
')
printf '%s\n' "$seen"
expected="quantstats 0.0.86 empyrical-reloaded 0.7.1
Asia/Seoul quantstats {'MAY': 0.1, 'JUN': 0.05, 'JUL': 0.0} empyrical {(2026, 6): 0.1, (2026, 7): 0.05}
America/New_York quantstats {'MAY': 0.0, 'JUN': 0.1, 'JUL': 0.05} empyrical {(2026, 6): 0.1, (2026, 7): 0.05}
None quantstats {'MAY': 0.0, 'JUN': 0.1, 'JUL': 0.05} empyrical {(2026, 6): 0.1, (2026, 7): 0.05}"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
