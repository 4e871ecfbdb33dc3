"""The Spark session's settings, and rows written as literals."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.config import SparkSettings
from utils.spark_utils import local_frame, submit_conf


def test_the_session_works_in_utc(spark: Any) -> None:
    [row] = spark.sql(
        "SELECT current_timezone() AS zone, TIMESTAMP_SECONDS(0) = TIMESTAMP'1970-01-01' AS same"
    ).collect()
    assert (row.zone, row.same) == ("UTC", True)


def test_rows_as_literals(spark: Any) -> None:
    rows = [
        (date(2026, 8, 21), "BRK-B", 5),
        (date(2024, 2, 29), "005930.KS", -1),
        *(
            (date(2026, 8, 21), text, 0)
            for text in ("M&M.NS", "^GSPC", "it's", "", "'); DROP", "\\n\\", "${env:HOME}", "삼성")
        ),
    ]
    frame = local_frame(spark, rows, ("day", "ticker", "days"))
    assert [tuple(row) for row in frame.collect()] == rows
    assert frame.dtypes == [("day", "date"), ("ticker", "string"), ("days", "int")]


@pytest.mark.parametrize("value", [1.5, None, b"x"])
def test_only_plain_values_become_literals(spark: Any, value: object) -> None:
    with pytest.raises(TypeError, match="cannot be written as a literal"):
        local_frame(spark, [(value,)], ("value",))


def test_a_path_with_spaces_stays_one_java_option() -> None:
    conf = submit_conf(SparkSettings("spark://x:7077", "", Path("/a folder/spark.jsa")))
    assert '"-XX:SharedArchiveFile=/a folder/spark.jsa"' in conf["spark.driver.extraJavaOptions"]
    assert '"-XX:SharedArchiveFile=/a folder/spark.jsa"' in conf["spark.executor.extraJavaOptions"]
