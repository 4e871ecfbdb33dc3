"""The Spark session, and how small frames are made and joined.

A daily job works on a few thousand rows. Nearly all of its time is JVM start, class loading and compilation, and the
settings here reduce these. pyspark is imported inside the functions, so that DAG files can import `submit_conf` fast.
"""

import os
import warnings
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from config.config import PROJECT_ROOT, SparkSettings
from utils.warm_spark import is_warm, shared_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The first compiler tier and the serial garbage collector. A short run never earns back what the optimising compiler
# and a parallel collector cost (measured on two cores: 20 s -> 14 s, with the class archive 10 s).
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

# The JVM prints a warning when the class archive (batch.class_archive) is missing or of another Java. It is harmless.
QUIET_JAVA = ("-Xlog:disable", "-Xlog:all=error:stderr")

# A job is one task of one stage, so more cores would be idle.
JOB_CORES = 1

SESSION_CONF = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    # By default Spark assumes that a JDBC table is huge, and shuffles it although it is one partition (see `lookup`).
    "spark.sql.defaultSizeInBytes": "1",
    # Plans are small and fixed, so planning again between stages costs more than it gains.
    "spark.sql.adaptive.enabled": "false",
    # Compiling generated Java code takes longer than interpreting a few thousand rows.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


def submit_conf(settings: SparkSettings) -> dict[str, str]:
    """Return the `--conf` settings of spark-submit. They only change the speed, never a result."""
    java_options = " ".join((*JAVA_OPTIONS, f'"-XX:SharedArchiveFile={settings.class_archive}"', *QUIET_JAVA))
    log4j = PROJECT_ROOT / "utils" / "spark-log4j2.properties"
    return {
        "spark.driver.extraJavaOptions": f'{java_options} "-Dlog4j2.configurationFile={log4j}"',
        "spark.executor.extraJavaOptions": java_options,
        "spark.driver.memory": "1g",
        "spark.executor.memory": "1g",
        "spark.ui.enabled": "false",
    }


def submit_command(settings: SparkSettings, script: str, *arguments: str) -> list[str]:
    """Return the spark-submit command of a job in batch/. Airflow's operator builds the same one for the DAGs."""
    conf = [part for name, value in submit_conf(settings).items() for part in ("--conf", f"{name}={value}")]
    jars = ["--jars", settings.jdbc_jar] if settings.jdbc_jar else []
    command = ["spark-submit", "--master", settings.master_url, *jars, *conf, "--total-executor-cores", str(JOB_CORES)]
    return [*command, str(PROJECT_ROOT / "batch" / script), *arguments]


def session(settings: SparkSettings, name: str) -> "SparkSession":
    """Return the session of this process, on the master of spark-submit or else on SPARK_MASTER_URL."""
    from pyspark.sql import SparkSession

    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # no job uses pandas
    _forget_numpy_converters()
    if is_warm():
        return shared_session(name, SESSION_CONF)
    builder = SparkSession.builder.appName(name).config(map={**SESSION_CONF})
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # started by python itself, not by spark-submit
        builder = builder.master(settings.master_url).config(map={**submit_conf(settings)})
        builder = builder.config("spark.jars", settings.jdbc_jar).config("spark.cores.max", str(JOB_CORES))
    return builder.getOrCreate()


def lookup(frame: "DataFrame") -> "DataFrame":
    """Mark a small frame as the right side of a hash join.

    All frames are one partition. A hash join of two of them needs no shuffle and no broadcast, each of which would be a
    stage of its own: so a whole job is a single task.
    """
    return frame.hint("shuffle_hash")


def local_frame(spark: "SparkSession", rows: Sequence[Sequence[Any]], names: Sequence[str]) -> "DataFrame":
    """Make a frame of at least one row of dates, integers, booleans and plain texts."""
    # SQL literals, because createDataFrame would send pickled rows through a stage of its own.
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return spark.sql(f"SELECT * FROM VALUES {values} AS local ({', '.join(names)})").coalesce(1)


def _literal(value: Any) -> str:
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, str) and value.replace("-", "").replace(".", "").isalnum():
        return f"'{value}'"
    raise TypeError(f"{value!r} cannot be written as a literal")


def _forget_numpy_converters() -> None:
    """Remove Py4J's converters of NumPy values."""
    # They check every argument of the JVM, and import pandas for it: a second or more of each job.
    from py4j import protocol

    protocol.INPUT_CONVERTER[:] = [
        converter for converter in protocol.INPUT_CONVERTER if "Numpy" not in type(converter).__name__
    ]
