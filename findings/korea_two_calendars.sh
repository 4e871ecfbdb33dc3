#!/usr/bin/env bash
# exchange_calendars 4.13.2 and holidays 0.109 disagree on when the Korea Exchange is closed in 2026 and 2027.
#
# Four weekdays are sessions by the first and holidays by the second: the local elections of 2026, Constitution Day, which
# is a holiday again from 2026 on (and its substitute in 2027), and the substitute for Labour Day 2027. The recorded
# prices of seventeen Korean stocks have no bar on the two of 2026. A return over N sessions of a Korean stock is off by
# a session wherever its window crosses one of them.
#
# Seen on 2026-11-28 with Python 3.11. Source: `get_calendar("XKRX")` and `financial_holidays("XKRX")`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check exchange_calendars==4.13.2 pandas==3.1.1 holidays==0.109
seen=$("$work/venv/bin/python" -W ignore -c '
import exchange_calendars, holidays, pandas
sessions = exchange_calendars.get_calendar("XKRX", start="2026-01-01", end="2027-10-29").sessions
closed = holidays.financial_holidays("XKRX", years=[2026, 2027])
print("exchange_calendars", exchange_calendars.__version__, "holidays", holidays.__version__)
for day in pandas.bdate_range("2026-01-01", "2027-10-29"):
    if (day in sessions) == (day.date() in closed):
        print(day.date(), "session" if day in sessions else "closed", "/", closed.get(day.date(), "no holiday"))
')
printf '%s\n' "$seen"
expected='exchange_calendars 4.13.2 holidays 0.109
2026-06-03 session / Local Election Day
2026-07-17 session / Constitution Day
2027-05-03 session / Alternative holiday for Labor Day
2027-07-19 session / Alternative holiday for Constitution Day'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
