#!/usr/bin/env bash
# The limit of Spark 4.3.0's standalone master on failing executors never takes effect.
#
# `spark.deploy.maxExecutorRetries` (10 by default) is documented as the number of failures in a row after which the
# master removes an application as faulty, unless an executor "successfully starts running" in between. But a worker
# reports RUNNING as soon as it has forked the executor's Java, before that has done anything, and each such report sets
# the count back to zero. So executors that always end at once are started again without end, in our look up to 45 in a second, and
# the job waits for as long as somebody lets it: it needs a time limit of its own.
#
# Seen on 2026-11-29 with Python 3.11 and Java 17, which has to be there. Source: `ExecutorStateChanged` in
# org/apache/spark/deploy/master/Master.scala, `fetchAndRunExecutor` in org/apache/spark/deploy/worker/ExecutorRunner.scala.
set -euo pipefail
work=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0
python=$work/venv/bin/python
SPARK_HOME=$("$python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME SPARK_NO_DAEMONIZE=1 SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON=$python
export SPARK_DAEMON_JAVA_OPTS=-Dspark.deploy.maxExecutorRetries=3
master=spark://127.0.0.1:47077
daemon() {
    "$SPARK_HOME/bin/spark-class" "org.apache.spark.deploy.$1" --host 127.0.0.1 "${@:2}" &>"$work/${1##*.}.log" &
    started+=($!)
}
daemon master.Master --port 47077 --webui-port 47081
daemon worker.Worker --webui-port 47082 --cores 1 --memory 1g --work-dir "$work/work" "$master"
# The executors' Java has an option that it refuses, as a mistyped one would be.
cat >"$work/job.py" <<'PYTHON'
import os, sys, threading
from pyspark.sql import SparkSession

builder = SparkSession.builder.master(sys.argv[1]).config("spark.executor.extraJavaOptions", "-javaagent:/no/such.jar")
threading.Timer(40, lambda: os._exit(3)).start()
try:
    print("rows:", builder.getOrCreate().range(10).count())
except Exception as error:
    print("the job failed:", type(error).__name__)
    os._exit(2)
PYTHON
code=0
"$python" "$work/job.py" "$master" >"$work/job.log" 2>&1 || code=$?
launched=$(grep -c 'Launching executor' "$work/Master.log" || true)
removed=$(grep -c 'times; removing it' "$work/Master.log" || true)
seen="pyspark $("$python" -c 'import pyspark; print(pyspark.__version__)'), limit 3
the job was still waiting after 40 seconds: $([ "$code" = 3 ] && echo yes || echo no)
more than 12 executors had been started: $([ "$launched" -gt 12 ] && echo yes || echo no)
applications given up: $removed"
printf '%s\n' "$seen"
printf 'executors started: %s\n' "$launched"
expected='pyspark 4.3.0, limit 3
the job was still waiting after 40 seconds: yes
more than 12 executors had been started: yes
applications given up: 0'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
