#!/usr/bin/env bash
# PyPortfolioOpt 1.6.0 takes the days before a fund was listed for days on which it did not move: a new fund seems calm.
#
# Two funds move by 1 % on each day, up or down, and not together. The prices of the second one start halfway, with NaN
# before. `sample_cov` and `shrunk_covariance` say 15.9 % a year for both. `ledoit_wolf`, with two of its three targets,
# and `oracle_approximating` put 0 for each missing return and say 11.2 or 11.3 % for the new one. `semicovariance` takes
# the smaller of the return and 0, which is 0 for NaN, and says 8.0 instead of 11.3 %. The portfolio of least risk then
# holds two thirds or three quarters of the new fund instead of half. Nothing warns. scikit-learn 1.9.1, whose estimators
# it calls, refuses such returns. With whole prices all of them agree.
#
# Seen on 2026-11-30 with Python 3.11. Source: `nan_to_num` in `CovarianceShrinkage` and `semicovariance`, both in
# pypfopt/risk_models.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyportfolioopt==1.6.0 scikit-learn==1.9.1 packaging==26.4 \
    numpy==2.4.6 pandas==3.1.1
seen=$("$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy
import pandas
from pypfopt import EfficientFrontier
from pypfopt.expected_returns import returns_from_prices
from pypfopt.risk_models import CovarianceShrinkage, sample_cov, semicovariance
from sklearn.covariance import LedoitWolf

days = pandas.bdate_range("2022-01-03", periods=1001)
steps = {"old": [0.01, -0.01, 0.01, -0.01], "new": [0.01, 0.01, -0.01, -0.01]}
returns = pandas.DataFrame({name: [0.0] + 250 * four for name, four in steps.items()}, days)
whole = 100 * (1 + returns).cumprod()
late = whole.copy()
late.loc[: days[499], "new"] = numpy.nan
ways = {
    "sample_cov": sample_cov,
    "shrunk_covariance": lambda prices: CovarianceShrinkage(prices).shrunk_covariance(),
    "ledoit_wolf": lambda prices: CovarianceShrinkage(prices).ledoit_wolf(),
    "single_factor": lambda prices: CovarianceShrinkage(prices).ledoit_wolf("single_factor"),
    "constant_correlation": lambda prices: CovarianceShrinkage(prices).ledoit_wolf("constant_correlation"),
    "oracle_approximating": lambda prices: CovarianceShrinkage(prices).oracle_approximating(),
    "semicovariance": semicovariance,
}


def told(covariance):
    risks = numpy.sqrt(numpy.diag(covariance))
    held = EfficientFrontier(None, covariance).min_volatility()
    return " ".join(f"{100 * risk:.1f}" for risk in risks) + f", held {100 * held['new']:.0f} % new"


print("PyPortfolioOpt", version("pyportfolioopt"), "scikit-learn", version("scikit-learn"), "pandas", version("pandas"))
for name, covariance in ways.items():
    print(f"{name}: whole {told(covariance(whole))}; from halfway on {told(covariance(late))}")
try:
    LedoitWolf().fit(returns_from_prices(late))
except ValueError as error:
    print("scikit-learn refuses:", str(error).splitlines()[0])
PYTHON
)
printf '%s\n' "$seen"
expected='PyPortfolioOpt 1.6.0 scikit-learn 1.9.1 pandas 3.1.1
sample_cov: whole 15.9 15.9, held 50 % new; from halfway on 15.9 15.9, held 50 % new
shrunk_covariance: whole 15.9 15.9, held 50 % new; from halfway on 15.9 15.9, held 50 % new
ledoit_wolf: whole 15.9 15.9, held 50 % new; from halfway on 15.9 11.3, held 66 % new
single_factor: whole 15.9 15.9, held 50 % new; from halfway on 15.9 11.2, held 67 % new
constant_correlation: whole 15.9 15.9, held 50 % new; from halfway on 15.9 15.9, held 50 % new
oracle_approximating: whole 15.9 15.9, held 50 % new; from halfway on 15.8 11.3, held 66 % new
semicovariance: whole 11.3 11.3, held 50 % new; from halfway on 11.3 8.0, held 75 % new
scikit-learn refuses: Input X contains NaN.'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
