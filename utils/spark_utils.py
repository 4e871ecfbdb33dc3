"""The Spark session in its two sizes, and how frames are made and joined in each.

A daily job works on a few thousand rows. Nearly all of its time is JVM start, class loading and compilation, and the
small profile reduces these: one core, one task, no generated code. A job of very many rows has the wide profile: it
reads, computes and writes in partitions, on all cores of the cluster. Both give the same rows. pyspark is imported
inside the functions, so that DAG files can import `submit_conf` fast.
"""

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from config.config import PROJECT_ROOT, SparkSettings
from utils.warm_spark import AUTHENTICATE, is_warm, shared_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The JVM prints a warning when the class archive (batch.class_archive) is missing or of another Java. It is harmless.
QUIET_JAVA = ("-Xlog:disable", "-Xlog:all=error:stderr")

# The first compiler tier and the serial garbage collector. A short run never earns back what the optimising compiler
# and a parallel collector cost (measured on two cores: 20 s -> 14 s, with the class archive 10 s).
FIRST_TIER = "-XX:TieredStopAtLevel=1"
JAVA_OPTIONS = (FIRST_TIER, "-XX:+UseSerialGC")

# The optimising compiler waits until something is called fifteen times as often as by default. By itself it works
# longer than a wide job earns back (measured with 1,240,000 rows: 40 s of the JVM's CPU -> 34 s).
LATER_OPTIMISED = (
    f"-XX:Tier4InvocationThreshold={15 * 5_000}",
    f"-XX:Tier4MinInvocationThreshold={15 * 600}",
    f"-XX:Tier4CompileThreshold={15 * 15_000}",
    f"-XX:Tier4BackEdgeThreshold={15 * 40_000}",
)

# A small job is one task of one stage, so more cores would be idle.
JOB_CORES = 1
ALL_CORES = 2**31 - 1

PROFILE = "spark.actstock.profile"
# Of a text in SQL. Spark looks for the names of variables behind a dollar sign before it reads the text.
ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "$": r"\u0024"})
PARTITIONS = "spark.sql.shuffle.partitions"
EVERY_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


@dataclass(frozen=True)
class Profile:
    """How a job runs.

    java_options: of the JVMs that compute
    cores: how many a job takes of the cluster at most
    partitions: in how many parts a job reads and shuffles
    session_conf: the settings of its Spark session
    """

    name: str
    java_options: tuple[str, ...]
    cores: int
    partitions: int
    session_conf: Mapping[str, str]


SMALL = Profile(
    "small",
    JAVA_OPTIONS,
    JOB_CORES,
    1,
    {
        "spark.default.parallelism": "1",
        # By default Spark assumes that a JDBC table is huge, and shuffles it although it is one partition (`lookup`).
        "spark.sql.defaultSizeInBytes": "1",
        # Plans are small and fixed, so planning again between stages costs more than it gains.
        "spark.sql.adaptive.enabled": "false",
        # Compiling generated Java code takes longer than interpreting a few thousand rows.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    },
)
WIDE = Profile(
    "wide",
    ("-XX:+UseParallelGC", *LATER_OPTIMISED),
    ALL_CORES,
    16,
    {
        "spark.sql.defaultSizeInBytes": str(2**63 - 1),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.codegen.wholeStage": "true",
        "spark.sql.codegen.factoryMode": "FALLBACK",
        # Rows that lie together by ticker, or by day, stay so for every join and group that has it among its keys.
        "spark.sql.requireAllClusterKeysForCoPartition": "false",
        # A list of reasons for each of a partition's groups: sorting all rows instead takes three times as long.
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": str(2**20),
    },
)
# Below so many rows a wide job does not earn back the optimising compiler either (measured with 130,000 rows: 39 s of
# CPU with it, 16 s without), nor many partitions (13 s with 16 of them, 12 s with 4).
OPTIMISED_ROWS = 1_000_000
WIDE_FIRST_TIER = replace(WIDE, java_options=(FIRST_TIER, *WIDE.java_options), partitions=4)


def profile_for(settings: SparkSettings, rows: int) -> Profile:
    """Return the profile of a job that computes about so many rows, or the one that the settings name."""
    is_small = rows < settings.wide_rows if settings.profile == "auto" else settings.profile == SMALL.name
    if is_small:
        return SMALL
    return WIDE if rows >= OPTIMISED_ROWS else WIDE_FIRST_TIER


def submit_conf(settings: SparkSettings) -> dict[str, str]:
    """Return the `--conf` settings of spark-submit. They only change the speed, never a result.

    They are those of a small job. A wide one changes what concerns the executors when its session starts. The driver
    never has more to do: it holds no rows.
    """
    java_options = _java_options(settings, SMALL)
    log4j = PROJECT_ROOT / "utils" / "spark-log4j2.properties"
    return {
        "spark.driver.extraJavaOptions": f'{java_options} "-Dlog4j2.configurationFile={log4j}"',
        "spark.executor.extraJavaOptions": java_options,
        "spark.driver.memory": settings.driver_memory,
        "spark.executor.memory": "1g",
        "spark.ui.enabled": "false",
    }


def _java_options(settings: SparkSettings, profile: Profile) -> str:
    return " ".join((*profile.java_options, f'"-XX:SharedArchiveFile={settings.class_archive}"', *QUIET_JAVA))


def submit_command(settings: SparkSettings, script: str, *arguments: str) -> list[str]:
    """Return the spark-submit command of a job in batch/. Airflow's operator builds the same one for the DAGs."""
    conf = [part for name, value in submit_conf(settings).items() for part in ("--conf", f"{name}={value}")]
    jars = ["--jars", settings.jdbc_jar] if settings.jdbc_jar else []
    command = ["spark-submit", "--master", settings.master_url, *jars, *conf, "--total-executor-cores", str(JOB_CORES)]
    return [*command, str(PROJECT_ROOT / "batch" / script), *arguments]


def session(settings: SparkSettings, name: str, profile: Profile = SMALL) -> "SparkSession":
    """Return the session of this process, on the master of spark-submit or else on SPARK_MASTER_URL."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # no job uses pandas
    _forget_numpy_converters()
    if is_warm():
        return shared_session(name, session_conf(SMALL))
    # Of the functions that executors call: this interpreter, which has the same path in every image.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf: dict[str, str] = {}
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # started by python itself, not by spark-submit
        conf |= submit_conf(settings) | {"spark.master": settings.master_url, "spark.jars": settings.jdbc_jar}
        conf["spark.cores.max"] = str(JOB_CORES)
    if profile is not SMALL:
        conf |= _wide_conf(settings, profile)
    conf |= session_conf(profile)
    if settings.secret:
        # Everybody can read a JVM's command line, which has what it is started with. So it is told of the secret later.
        SparkContext._ensure_initialized(conf=SparkConf(loadDefaults=False).setAll(list(conf.items())))
        conf |= {AUTHENTICATE: "true", f"{AUTHENTICATE}.secret": settings.secret}
    return SparkSession.builder.appName(name).config(map={**conf}).getOrCreate()


def session_conf(profile: Profile) -> dict[str, str]:
    """Return the settings of a session, all of which can be set in a running one, too."""
    return {**EVERY_SESSION, **profile.session_conf, PARTITIONS: str(profile.partitions), PROFILE: profile.name}


def _wide_conf(settings: SparkSettings, profile: Profile) -> dict[str, str]:
    """Return what a wide job's executors have, in place of what spark-submit was told."""
    executors = {
        "spark.cores.max": str(profile.cores),
        "spark.executor.memory": settings.executor_memory,
        "spark.executor.extraJavaOptions": _java_options(settings, profile),
        "spark.executorEnv.PYTHONPATH": str(PROJECT_ROOT),
    }
    if not settings.master_url.startswith("local"):
        return executors
    # The tasks run in the driver. When spark-submit has started it, its options are fixed, and these have no effect.
    driver = submit_conf(settings)["spark.driver.extraJavaOptions"]
    options = driver.replace(" ".join(SMALL.java_options), " ".join(profile.java_options))
    return {
        **executors,
        "spark.driver.memory": settings.executor_memory,
        "spark.driver.extraJavaOptions": options,
    }


def is_wide(spark: "SparkSession") -> bool:
    """Tell whether a session has the wide profile."""
    return bool(spark.conf.get(PROFILE, SMALL.name) == WIDE.name)


def partitions_of(spark: "SparkSession") -> int:
    """Return in how many parts a session's jobs read and shuffle."""
    return int(spark.conf.get(PARTITIONS) or SMALL.partitions)


def lookup(frame: "DataFrame") -> "DataFrame":
    """Mark a frame as the right side of a hash join.

    In the small profile all frames are one partition. A hash join of two of them needs no shuffle and no broadcast,
    each of which would be a stage of its own: so a whole job is a single task. In the wide one it spares the sorting of
    both sides.
    """
    return frame.hint("shuffle_hash")


def in_one_part(frame: "DataFrame") -> "DataFrame":
    """Return a small job's frame as one partition, and a wide job's as it is."""
    return frame if is_wide(frame.sparkSession) else frame.coalesce(1)


def together(frame: "DataFrame", column: str) -> "DataFrame":
    """Return a wide job's frame with the rows of a column's value in one partition, and a small job's as it is.

    Joins and groups whose keys have the column among them then shuffle nothing.
    """
    spark = frame.sparkSession
    return frame.repartition(partitions_of(spark), column) if is_wide(spark) else frame


def local_frame(spark: "SparkSession", rows: Sequence[Sequence[Any]], names: Sequence[str]) -> "DataFrame":
    """Make a frame of at least one row of dates, integers, booleans and texts.

    A wide job's frame is sent to all executors when it is joined.
    """
    if is_wide(spark):
        return _sent_to_all(spark, rows, names)
    # SQL literals, because createDataFrame would send pickled rows through a stage of its own.
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return spark.sql(f"SELECT * FROM VALUES {values} AS local ({', '.join(names)})").coalesce(1)


def _sent_to_all(spark: "SparkSession", rows: Sequence[Sequence[Any]], names: Sequence[str]) -> "DataFrame":
    """Make a frame by pickled rows: thousands of literals would take the parser longer than the job."""
    import pyspark.sql.functions as F
    from pyspark.sql import types

    known = {date: types.DateType(), bool: types.BooleanType(), int: types.IntegerType(), str: types.StringType()}
    fields = [types.StructField(name, known[type(value)]) for name, value in zip(names, rows[0], strict=True)]
    return F.broadcast(spark.createDataFrame([tuple(row) for row in rows], types.StructType(fields)))


def _literal(value: Any) -> str:
    if isinstance(value, date):
        return f"DATE'{value.isoformat()}'"
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, str):
        return f"'{value.translate(ESCAPES)}'"
    raise TypeError(f"{value!r} cannot be written as a literal")


def _forget_numpy_converters() -> None:
    """Remove Py4J's converters of NumPy values."""
    # They check every argument of the JVM, and import pandas for it: a second or more of each job.
    from py4j import protocol

    protocol.INPUT_CONVERTER[:] = [
        converter for converter in protocol.INPUT_CONVERTER if "Numpy" not in type(converter).__name__
    ]
