#!/usr/bin/env bash
# kafka-python 3.0.12 compresses with gzip's slowest level, and computes checksums in Python unless crc32c is installed.
#
# `compression_type="gzip"` means level 9, and no setting of the producer changes it; Kafka's own Java client takes level
# 6 and has `compression.gzip.level`. On a message of a few hundred prices level 9 takes four times as long as
# level 1, for a twentieth less. The checksum of each batch is computed byte by byte in Python: hundreds of times slower
# than with the package crc32c, which pip does not install without being asked (`kafka-python[crc32c]`). Together they
# were four fifths of what sending such messages took.
#
# Seen on 2026-11-29 with Python 3.11. Source: `gzip_encode` in kafka/codec.py, `calc_crc32c` in kafka/record/util.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kafka-python==3.0.12
cat >"$work/look.py" <<'PYTHON'
import gzip, json, random
import kafka
from kafka.codec import gzip_encode
from kafka.record.util import calc_crc32c

prices = random.Random(1)
message = json.dumps([prices.gauss(100, 1) for _ in range(20_000)]).encode()
sizes = {level: len(gzip.compress(message, level)) for level in (1, 6, 9)}
print("kafka-python", kafka.__version__)
print("the producer's gzip has the size of level", [level for level, size in sizes.items() if size == len(gzip_encode(message))])
print("a setting for the level:", any("level" in name for name in kafka.KafkaProducer.DEFAULT_CONFIG))
print("the checksum is written in", calc_crc32c.__defaults__[0].__module__)
PYTHON
cat >"$work/time.py" <<'PYTHON'
import time
from kafka.record.util import calc_crc32c
data = bytes(range(256)) * 4_000
began = time.process_time()
calc_crc32c(memoryview(data))
print((time.process_time() - began) / len(data) * 1e6)
PYTHON
seen=$("$work/venv/bin/python" "$work/look.py")
slow=$("$work/venv/bin/python" "$work/time.py")
"$work/venv/bin/pip" install --quiet --disable-pip-version-check crc32c==2.9.post0
fast=$("$work/venv/bin/python" "$work/time.py")
seen+=$(printf '\n'; "$work/venv/bin/python" -c "print('with crc32c more than 50 times faster:', $slow > 50 * $fast)")
printf '%s\n' "$seen"
printf 'seconds a megabyte: %s without crc32c, %s with it\n' "$slow" "$fast"
expected='kafka-python 3.0.12
the producer'"'"'s gzip has the size of level [9]
a setting for the level: False
the checksum is written in kafka.record._crc32c
with crc32c more than 50 times faster: True'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
