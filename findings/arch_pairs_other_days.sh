#!/usr/bin/env bash
# arch 8.0.0 pairs two markets' returns by position, not by their dates: a fund of nine tenths of SPY seems half of it.
#
# Seoul and New York had 170 sessions each from 25 January to 27 September 2023, 165 of them on the same days. The fund
# moves by 0.9 times what SPY does on each day. A mean model of arch takes both series with their dates, keeps both
# indexes and compares the lengths alone. 77 of the 170 pairs are of two different days, one or two sessions apart: it
# says 0.48 and an R2 of 0.29, without a word. `engle_granger` of the same package refuses the same sessions, as
# statsmodels 0.15.0, which it calls, compares the dates. Joined by date, arch says 0.90 as well. Two markets with
# different numbers of sessions are refused: whether anything is said depends on how many holidays each had.
#
# The returns are drawn, the sessions are those of exchange_calendars 4.13.2. Seen on 2026-11-30 with Python 3.11.
# Source: `HARX._check_specification` in arch/univariate/mean.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check arch==8.0.0 exchange_calendars==4.13.2 numpy==2.4.6 \
    pandas==3.1.1 statsmodels==0.15.0
seen=$("$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import exchange_calendars
import numpy
import pandas
from arch.unitroot.cointegration import engle_granger
from arch.univariate import LS
from statsmodels.api import OLS

FIRST, LAST = "2023-01-25", "2023-09-27"


def said(estimate):
    try:
        return f"{estimate():.2f}"
    except ValueError as error:
        return f"refused: {error}"


seoul, new_york = (exchange_calendars.get_calendar(name).sessions_in_range(FIRST, LAST) for name in ("XKRX", "XNYS"))
common, days = seoul.intersection(new_york), seoul.union(new_york)
returns = pandas.DataFrame({"spy": numpy.random.default_rng(1).normal(0, 1, len(days))}, days)
returns["fund"] = 0.9 * returns["spy"]
prices = 100 + returns.cumsum()
print("arch", version("arch"), "statsmodels", version("statsmodels"), "pandas", version("pandas"))
print("sessions", len(seoul), len(new_york), "common", len(common), "pairs of one day", (seoul == new_york).sum())
for name, of_fund, of_spy in (("each its own days", seoul, new_york), ("joined by date", common, common)):
    fund, spy = returns.loc[of_fund, "fund"], returns.loc[of_spy, ["spy"]]
    fitted = LS(fund, x=spy).fit(disp="off")
    vector = said(lambda: engle_granger(prices.loc[of_fund, "fund"], prices.loc[of_spy, ["spy"]]).cointegrating_vector["spy"])
    print(f"{name}: LS {fitted.params['spy']:.2f} R2 {fitted.rsquared:.2f}")
    print("engle_granger", vector)
    print("statsmodels", said(lambda: OLS(fund, spy).fit().params["spy"]))
PYTHON
)
printf '%s\n' "$seen"
expected='arch 8.0.0 statsmodels 0.15.0 pandas 3.1.1
sessions 170 170 common 165 pairs of one day 93
each its own days: LS 0.48 R2 0.29
engle_granger refused: The indices for endog and exog are not aligned
statsmodels refused: The indices for endog and exog are not aligned
joined by date: LS 0.90 R2 1.00
engle_granger -0.90
statsmodels 0.90'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
