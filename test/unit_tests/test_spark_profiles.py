"""The two sizes of a Spark job: which one is chosen, and that frames are made and joined alike in both."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from batch import runner
from batch.publishing import JobResult
from config.config import ConfigError, Settings, SparkSettings
from config.universe import ALL_HOLDINGS, universe
from profiles import wide_session
from utils import spark_utils
from utils.spark_utils import (
    SMALL,
    WIDE,
    WIDE_FIRST_TIER,
    Profile,
    in_one_part,
    is_wide,
    local_frame,
    profile_for,
    together,
)

SETTINGS = SparkSettings("spark://x:7077", "", Path("/classes.jsa"))


@pytest.fixture
def wide(spark: Any) -> Any:
    return wide_session(spark)


@pytest.mark.parametrize(
    ("profile", "rows", "expected"),
    [
        ("auto", 99_999, SMALL),
        ("auto", 100_000, WIDE_FIRST_TIER),
        ("auto", 1_000_000, WIDE),
        ("small", 10**9, SMALL),
        ("wide", 1, WIDE_FIRST_TIER),
        ("wide", 10**9, WIDE),
    ],
)
def test_rows_decide_unless_a_setting_does(profile: str, rows: int, expected: object) -> None:
    assert profile_for(replace(SETTINGS, profile=profile), rows) is expected


@pytest.mark.parametrize(
    ("name", "value"), [("SPARK_PROFILE", "large"), ("SPARK_EXECUTOR_MEMORY", "2 GB"), ("SPARK_WIDE_ROWS", "0")]
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}='{value}'"):
        Settings.from_env({name: value})


@pytest.mark.parametrize(
    ("arguments", "profile"),
    [
        (["--as-of-date", "2026-08-21"], SMALL),
        (["--from", "2025-08-22", "--to", "2026-08-21"], SMALL),
        (["--from", "2001-01-02", "--to", "2026-08-21"], WIDE_FIRST_TIER),
    ],
)
def test_a_job_chooses_before_its_session_starts_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], profile: Profile
) -> None:
    started: list[Profile] = []
    monkeypatch.setattr(runner, "session", lambda settings, name, size: started.append(size) or Stopping())
    monkeypatch.setattr(runner, "connect", lambda settings: Closing())
    assert runner.run_job("test", "A job.", lambda job: JobResult([], {}), arguments, rows_a_day=lambda yahoo: 15) == 0
    assert started == [profile]
    assert f"the {profile.name} profile" in capsys.readouterr().err


@pytest.mark.parametrize("profile", ["auto", "wide"])
def test_a_job_that_is_always_small_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], profile: str
) -> None:
    started: list[Profile] = []
    monkeypatch.setenv("SPARK_PROFILE", profile)
    monkeypatch.setattr(runner, "session", lambda settings, name, size: started.append(size) or Stopping())
    monkeypatch.setattr(runner, "connect", lambda settings: Closing())
    arguments = ["--from", "2001-01-02", "--to", "2026-08-21"]
    assert runner.run_job("test", "A job.", lambda job: JobResult([], {}), arguments, rows_a_day=None) == 0
    assert started == [SMALL]
    assert "few rows to publish, however long the range: the small profile" in capsys.readouterr().err


class Stopping:
    def stop(self) -> None:
        pass


class Closing:
    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("address", "top", "rows"),
    [
        ("", 5, 15 * 5),
        ("", ALL_HOLDINGS, 15 * 10),  # Yahoo lists ten of a fund
        ("http://127.0.0.1:8090", 25, 14 * 25 + 23),  # a market server lists what it likes; one fund has 23
        ("http://127.0.0.1:8090", ALL_HOLDINGS, sum(universe().fund_sizes.values())),
    ],
)
def test_a_fund_has_as_many_holdings_as_count_are_listed_and_are_there(
    monkeypatch: pytest.MonkeyPatch, address: str, top: int, rows: int
) -> None:
    monkeypatch.setattr(runner, "universe", lambda: replace(universe(), top_holdings=top))
    assert runner.holdings_a_day(Settings.from_env({"YAHOO_BASE_URL": address}).yahoo) == rows


def test_a_wide_job_takes_all_cores_and_the_memory_of_its_setting() -> None:
    conf = spark_utils._wide_conf(replace(SETTINGS, executor_memory="3g"), WIDE)
    assert (conf["spark.cores.max"], conf["spark.executor.memory"]) == (str(2**31 - 1), "3g")
    assert "TieredStopAtLevel" not in conf["spark.executor.extraJavaOptions"]
    assert "spark.driver.memory" not in conf


def test_a_wide_jobs_tasks_may_run_in_the_driver() -> None:
    conf = spark_utils._wide_conf(replace(SETTINGS, master_url="local[2]", executor_memory="3g"), WIDE)
    assert conf["spark.driver.memory"] == "3g"
    assert "TieredStopAtLevel" not in conf["spark.driver.extraJavaOptions"]


def test_only_very_many_rows_are_worth_the_optimising_compiler() -> None:
    options = spark_utils._wide_conf(SETTINGS, WIDE_FIRST_TIER)["spark.executor.extraJavaOptions"]
    assert options.startswith("-XX:TieredStopAtLevel=1 -XX:+UseParallelGC ")
    assert WIDE_FIRST_TIER.session_conf == WIDE.session_conf


def test_a_wide_job_of_fewer_rows_has_fewer_parts(spark: Any) -> None:
    frames = [together(wide_session(spark, profile).range(9), "id") for profile in (WIDE_FIRST_TIER, WIDE)]
    assert [frame.rdd.getNumPartitions() for frame in frames] == [4, 16]


def test_a_local_frame_is_alike_in_both(spark: Any, wide: Any) -> None:
    rows = [(date(2026, 8, 21), "BRK-B", 5, True), (date(2024, 2, 29), "005930.KS", -1, False)]
    names = ("day", "ticker", "days", "is_home")
    small, large = local_frame(spark, rows, names), local_frame(wide, rows, names)
    assert small.collect() == large.collect()
    assert small.dtypes == large.dtypes


def test_only_a_wide_frame_keeps_its_parts(spark: Any, wide: Any) -> None:
    assert (is_wide(spark), is_wide(wide)) == (False, True)
    assert [in_one_part(each.range(0, 9, 1, 3)).rdd.getNumPartitions() for each in (spark, wide)] == [1, 3]
    assert [together(each.range(9), "id").rdd.getNumPartitions() for each in (spark, wide)] == [1, WIDE.partitions]


def test_rows_that_lie_together_are_joined_without_a_shuffle(wide: Any) -> None:
    left = together(wide.range(100).selectExpr("id % 7 AS ticker", "id AS day"), "ticker")
    right = together(wide.range(100).selectExpr("id % 7 AS ticker", "id AS day", "1 AS price"), "ticker")
    joined = left.join(spark_utils.lookup(right), ["ticker", "day"], "left").groupBy("ticker", "day").count()
    assert joined.count() == 100
    plan = joined._jdf.queryExecution().executedPlan().toString()
    assert plan.count("Exchange hashpartitioning") == 2
    assert "ShuffledHashJoin" in plan
