"""A wide session in the JVM of the other tests: its settings are those of a wide job, its cores are not."""

from typing import Any

from utils.spark_utils import PROFILE, WIDE, session_conf


def wide_session(spark: Any) -> Any:
    made = spark.newSession()
    for name, value in session_conf(WIDE).items():
        if name == PROFILE or made.conf.isModifiable(name):
            made.conf.set(name, value)
    return made
