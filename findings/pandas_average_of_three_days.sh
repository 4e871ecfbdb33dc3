#!/usr/bin/env bash
# pandas 3.1.1 averages three days by another rule than any other number of days, wherever a price is missing.
#
# A price in Seoul is 100, missing on the day of the election, and 106. `ewm(span=3, adjust=False).mean()` gives the last
# price three quarters of the weight, and two thirds in pandas 2.3.3 and polars 2.1.0. Theirs is the documented rule: with
# a of 1/2, (1 - a)^2 for the first and a for the last, divided by their sum. pandas 3 keeps to it for 2.99 and for 3.01
# days, between which its average jumps up and down again. The other rule came with averages over `times`, and is taken
# wherever `com` is 1: for a span of 3, a half-life of 1, an alpha of 0.5. With `adjust=True`, which is the default, with
# `ignore_na=True` and without a gap nothing differs. Nothing warns.
#
# Seen on 2026-11-30 with Python 3.11. Source: https://github.com/pandas-dev/pandas/pull/66754, which is open, calls it a
# regression of 3.0; `if not adjust and com == 1` in pandas/core/window/numba_.py, and the same in compiled code.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/look.py" <<'PYTHON'
import pandas
import polars

# New York's days; Seoul had elections on the 3rd and a holiday on the 6th.
CLOSES = {
    "2025-06-02": 100.0, "2025-06-03": None, "2025-06-04": 106.0,
    "2025-06-05": 103.0, "2025-06-06": None, "2025-06-09": 110.0,
}
closes = pandas.Series(CLOSES, dtype=float)
same = polars.Series(CLOSES.values())


def told(averages):
    return " ".join(f"{average:.3f}" for average, close in zip(averages, CLOSES.values(), strict=True) if close)


print("pandas", pandas.__version__, "polars", polars.__version__)
for span in (2.99, 3, 3.01):
    average = told(closes.ewm(span=span, adjust=False).mean())
    print(f"{span} days: pandas {average} polars {told(same.ewm_mean(span=span, adjust=False, ignore_nulls=False))}")
others = [told(closes.ewm(**decay, adjust=False).mean()) for decay in ({"com": 1}, {"halflife": 1}, {"alpha": 0.5})]
print("com 1, half-life 1, alpha 0.5 as 3 days:", {told(closes.ewm(span=3, adjust=False).mean())} == set(others))
for name, options in (("adjusted", {}), ("without the gaps", {"adjust": False, "ignore_na": True})):
    print(f"3 days {name}: pandas", told(closes.ewm(span=3, **options).mean()))
PYTHON
python3 -m venv "$work/venv"
see() {
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 numpy==2.4.6 "pandas==$1"
    "$work/venv/bin/python" "$work/look.py"
}
seen=$(see 3.1.1 && see 2.3.3)
printf '%s\n' "$seen"
expected='pandas 3.1.1 polars 2.1.0
2.99 days: pandas 100.000 104.010 103.504 107.845 polars 100.000 104.010 103.504 107.845
3 days: pandas 100.000 104.500 103.750 108.438 polars 100.000 104.000 103.500 107.833
3.01 days: pandas 100.000 103.990 103.496 107.821 polars 100.000 103.990 103.496 107.821
com 1, half-life 1, alpha 0.5 as 3 days: True
3 days adjusted: pandas 100.000 104.800 103.692 108.178
3 days without the gaps: pandas 100.000 103.000 103.000 106.500
pandas 2.3.3 polars 2.1.0
2.99 days: pandas 100.000 104.010 103.504 107.845 polars 100.000 104.010 103.504 107.845
3 days: pandas 100.000 104.000 103.500 107.833 polars 100.000 104.000 103.500 107.833
3.01 days: pandas 100.000 103.990 103.496 107.821 polars 100.000 103.990 103.496 107.821
com 1, half-life 1, alpha 0.5 as 3 days: True
3 days adjusted: pandas 100.000 104.800 103.692 108.178
3 days without the gaps: pandas 100.000 103.000 103.000 106.500'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
