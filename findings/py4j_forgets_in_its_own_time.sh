#!/usr/bin/env bash
# py4j 0.10.9.9, as PySpark 4.3.0 uses it, never tells the JVM of objects that a Python process lets go just before it
# ends: a JVM that other processes go on using keeps them for good.
#
# With a connection for each thread (PySpark's default since 3.2) a forgotten object is put into a queue, which a thread
# empties that sleeps for a second whenever there is nothing to do. It is a daemon: it ends with the process, whatever
# the queue still has. With the older single gateway (PYSPARK_PIN_THREAD=false) the JVM is told at once. Neither `del`
# nor `gc.collect()` makes a difference. A second or two of waiting does.
#
# Five processes make 40 MB each in one JVM, and forget them. Seen on 2026-11-30 with Python 3.11 and Java 17, which has
# to be there. Source: `JavaClient.garbage_collect_object` and `FinalizerWorker` in py4j/clientserver.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
cat >"$work/once.py" <<'PYTHON'
import gc
import sys
import time

from pyspark.java_gateway import launch_gateway

gateway = launch_gateway()
arrays = [gateway.new_array(gateway.jvm.int, 1_000_000) for _ in range(10)]
del arrays
gc.collect()
time.sleep(float(sys.argv[1]))
PYTHON
cat >"$work/look.py" <<'PYTHON'
import os
import subprocess
import sys

from py4j.version import __version__
from pyspark.java_gateway import launch_gateway


def megabytes(seconds: float) -> int:
    """Return what one JVM holds more after five processes that wait so long before they end."""
    gateway = launch_gateway()
    parameters = gateway.gateway_parameters
    reached = {"PYSPARK_GATEWAY_PORT": str(parameters.port), "PYSPARK_GATEWAY_SECRET": parameters.auth_token}
    runtime = gateway.jvm.java.lang.Runtime.getRuntime()

    def held() -> int:
        runtime.gc()
        return runtime.totalMemory() - runtime.freeMemory()

    before = held()
    for _ in range(5):
        subprocess.run([sys.executable, sys.argv[1], str(seconds)], env=os.environ | reached, check=True)
    return round((held() - before) / 40_000_000) * 40


pinned = {"true": "a connection for each thread", "false": "one gateway"}[os.environ["PYSPARK_PIN_THREAD"]]
print(f"py4j {__version__}, {pinned}: {megabytes(0)} MB kept, {megabytes(3)} MB after a wait of 3 s")
PYTHON
seen=$(for each in true false; do
    PYSPARK_PIN_THREAD=$each "$work/venv/bin/python" "$work/look.py" "$work/once.py" 2>"$work/log" ||
        { cat "$work/log" >&2; exit 1; }
done)
printf '%s\n' "$seen"
expected="py4j 0.10.9.9, a connection for each thread: 200 MB kept, 0 MB after a wait of 3 s
py4j 0.10.9.9, one gateway: 0 MB kept, 0 MB after a wait of 3 s"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
