#!/usr/bin/env bash
# yfinance 1.7.0: a dividend of a day without a bar stands on the bar before it, and its currency is gone.
#
# The chart has bars of the 2nd, 3rd, 5th and 6th of March and a dividend of the 4th. Its adjusted closes say that the
# dividend is in the price up to the 3rd and out of it on the 5th. `Ticker.history` lists it on the 3rd: one session too
# early, so that the adjusted closes no longer follow from the dividends. The chart says that the dividend is in won
# beside prices in dollars; the table has the number alone, as if it were dollars.
#
# The answer is made here in the form of Yahoo's own and handed to the client in place of its HTTP call.
# Seen on 2026-11-28 with Python 3.11. Source: `Ticker.history` of the package on PyPI.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check yfinance==1.7.0 pandas==3.0.6
seen=$("$work/venv/bin/python" -W ignore - "$work" <<'PYTHON'
import sys
from datetime import UTC, datetime

import yfinance
from yfinance.data import YfData


def at(day):
    return int(datetime(2026, 3, day, 14, 30, tzinfo=UTC).timestamp())


days = [2, 3, 5, 6]
period = {"timezone": "EST", "start": at(6), "end": at(6) + 23400, "gmtoffset": -18000}
prices = {column: [100.0] * 4 for column in ("open", "high", "low", "close")}
chart = {
    "meta": {
        "currency": "USD", "symbol": "FUND", "instrumentType": "EQUITY", "exchangeTimezoneName": "America/New_York",
        "validRanges": ["1d"], "dataGranularity": "1d", "range": "", "priceHint": 2, "regularMarketTime": at(6) + 23400,
        "currentTradingPeriod": dict.fromkeys(("pre", "regular", "post"), period),
    },
    "timestamp": [at(day) for day in days],
    "events": {"dividends": {str(at(4)): {"amount": 1.0, "date": at(4), "currency": "KRW"}}},
    "indicators": {
        "quote": [prices | {"volume": [1] * 4}],
        "adjclose": [{"adjclose": [99.0, 99.0, 100.0, 100.0]}],
    },
}


class Answer:
    status_code, text = 200, "whole"

    def json(self):
        return {"chart": {"result": [chart], "error": None}}


YfData.get = YfData.cache_get = lambda *args, **options: Answer()
yfinance.set_tz_cache_location(sys.argv[1])
yfinance.cache.get_tz_cache().store("FUND", "America/New_York")
table = yfinance.Ticker("FUND").history(start="2026-03-02", end="2026-03-07", auto_adjust=False)
print(yfinance.__version__, "currency" in " ".join(table.columns).lower())
for row in table.itertuples():
    print(row.Index.date(), row._5, row.Dividends)
PYTHON
)
printf '%s\n' "$seen"
expected='1.7.0 False
2026-03-02 99.0 0.0
2026-03-03 99.0 1.0
2026-03-05 100.0 0.0
2026-03-06 100.0 0.0'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
