"""The one SparkSession and the one JDBC reader.

A daily job works on a few thousand rows: nearly all of its time is JVM start-up, class loading and compilation, which
is what the settings here cut. pyspark is imported inside the functions, so that DAG files can ask for `submit_conf`.
"""

import os
import warnings
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from config.config import PROJECT_ROOT, DatabaseSettings, SparkSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The first compiler tier and the serial collector: a short run never earns back what the optimising compiler and a
# parallel collector cost on a small machine (measured on two cores: 20 s -> 14 s; with the class archive 10 s).
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

# An archive of classes (batch.class_archive) that is missing or of another Java is no reason to say anything.
QUIET_JAVA = ("-Xlog:disable", "-Xlog:all=error:stderr")

# A job is one task of one stage.
JOB_CORES = 1

SESSION_CONF = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    # Spark takes a JDBC table for a huge one, and would shuffle it though it is in one partition (see `lookup`).
    "spark.sql.defaultSizeInBytes": "1",
    # Plans are small and known: re-planning between stages costs more than it finds.
    "spark.sql.adaptive.enabled": "false",
    # Compiling generated Java takes longer than interpreting a few thousand rows.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


def submit_conf(settings: SparkSettings) -> dict[str, str]:
    """What spark-submit has to be told before the driver's JVM starts (`--conf`); right results do not depend on it."""
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
    """spark-submit of a job of batch/ to the cluster; for the DAGs Airflow's operator puts together the same."""
    conf = [part for name, value in submit_conf(settings).items() for part in ("--conf", f"{name}={value}")]
    jars = ["--jars", settings.jdbc_jar] if settings.jdbc_jar else []
    command = ["spark-submit", "--master", settings.master_url, *jars, *conf, "--total-executor-cores", str(JOB_CORES)]
    return [*command, str(PROJECT_ROOT / "batch" / script), *arguments]


def session(settings: SparkSettings, name: str) -> "SparkSession":
    """The session of this process: under spark-submit on the master it names, else on SPARK_MASTER_URL."""
    from pyspark.sql import SparkSession

    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # no pandas value gets near it
    _forget_numpy_converters()
    builder = SparkSession.builder.appName(name).config(map={**SESSION_CONF})
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # started by python itself, not by spark-submit
        builder = builder.master(settings.master_url).config(map={**submit_conf(settings)})
        builder = builder.config("spark.jars", settings.jdbc_jar).config("spark.cores.max", str(JOB_CORES))
    return builder.getOrCreate()


def lookup(frame: "DataFrame") -> "DataFrame":
    """A small frame as the right side of a join.

    With a hash join of two sides that are one partition each, as they are read here, a whole job is a single task of a
    single stage: no shuffle, and no job of its own for each table to broadcast.
    """
    return frame.hint("shuffle_hash")


def local_frame(spark: "SparkSession", rows: Sequence[Sequence[Any]], names: Sequence[str]) -> "DataFrame":
    """Rows of dates, numbers and texts, at least one of them, as a frame.

    Written as SQL literals: createDataFrame would ship them pickled, through a stage of its own.
    """
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


def read_query(spark: "SparkSession", database: DatabaseSettings, query: str) -> "DataFrame":
    """The rows of a query, in one partition. Cast NUMERIC to float8 in it: Spark would make a decimal(38, 18) of it."""
    return (
        spark.read.format("jdbc")
        .options(
            url=f"jdbc:postgresql://{database.host}:{database.port}/{database.name}",
            driver="org.postgresql.Driver",
            user=database.user,
            password=database.password,
            fetchsize="10000",
            query=query,
        )
        .load()
        .coalesce(1)
    )


def _forget_numpy_converters() -> None:
    """They ask of each argument for the JVM whether it is a NumPy value, and import pandas for it: a second or more."""
    from py4j import protocol

    protocol.INPUT_CONVERTER[:] = [
        converter for converter in protocol.INPUT_CONVERTER if "Numpy" not in type(converter).__name__
    ]
