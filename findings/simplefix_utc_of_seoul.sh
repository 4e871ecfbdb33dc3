#!/usr/bin/env bash
# simplefix 1.0.17 writes nine in the morning in Seoul as nine in the morning UTC, in a field that FIX defines as UTC.
#
# `append_utc_timestamp` and `append_utc_time_only` print a datetime's own digits and do not look at its time zone: the
# TransactTime of a trade in Seoul is nine hours late, on the next trading day for one after 15:00. As a float, which has
# no zone, the same moment is right, and so is a datetime in UTC. `append_tz_timestamp`, which writes the offset with the
# digits, takes it from the computer and not from the datetime: on one that runs in UTC the same trade ends in Z, on one
# in New York in -05. Nothing is refused; the messages have valid lengths and checksums.
#
# Seen on 2026-11-30 with Python 3.11. Source: `_append_utc_datetime` and `append_tz_timestamp` in simplefix/message.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check simplefix==1.0.17 tzdata==2026.6
cat >"$work/look.py" <<'PYTHON'
import os
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

from simplefix import FixMessage, FixParser

TRANSACT_TIME, MD_ENTRY_TIME = 60, 273


def written(append, tag, moment):
    message = FixMessage()
    message.append_pair(8, "FIX.4.4")
    message.append_pair(35, "8")
    getattr(message, append)(tag, moment)
    parser = FixParser()
    parser.append_buffer(message.encode())
    return parser.get_message().get(tag).decode()


trade = datetime(2026, 3, 2, 9, 0, tzinfo=ZoneInfo("Asia/Seoul"))
print("simplefix", version("simplefix"), "on a computer in", os.environ["TZ"])
for name, moment in (("datetime in Seoul", trade), ("datetime in UTC", trade.astimezone(UTC)), ("float", trade.timestamp())):
    stamp = written("append_utc_timestamp", TRANSACT_TIME, moment)
    print(f"{name}: timestamp {stamp} time {written('append_utc_time_only', MD_ENTRY_TIME, moment)}")
print("with an offset:", written("append_tz_timestamp", TRANSACT_TIME, trade))
PYTHON
seen=$(for zone in UTC America/New_York; do TZ=$zone "$work/venv/bin/python" -W ignore "$work/look.py"; done)
printf '%s\n' "$seen"
expected='simplefix 1.0.17 on a computer in UTC
datetime in Seoul: timestamp 20260302-09:00:00.000 time 09:00:00.000
datetime in UTC: timestamp 20260302-00:00:00.000 time 00:00:00.000
float: timestamp 20260302-00:00:00.000 time 00:00:00.000
with an offset: 20260302-09:00:00.000Z
simplefix 1.0.17 on a computer in America/New_York
datetime in Seoul: timestamp 20260302-09:00:00.000 time 09:00:00.000
datetime in UTC: timestamp 20260302-00:00:00.000 time 00:00:00.000
float: timestamp 20260302-00:00:00.000 time 00:00:00.000
with an offset: 20260302-09:00:00.000-05'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
