"""Record the classes that a job loads in an archive, so that JVMs map one file instead of reading Spark's jars.

`python -m batch.class_archive` writes the file that `utils.spark_utils.submit_conf` names, unless it fits this Java and
Spark already. A driver or executor that maps it takes little more than half the processor time. Results never depend on
it: a JVM silently runs without an archive that is missing or was made by another Java or Spark.
"""

import argparse
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from batch.prices import with_price_rank
from batch.returns import ReturnWindow, with_returns
from batch.sources import with_source_rank
from batch.spark_active_stock_allocator import candidates_of
from batch.spark_trending_etf_identifier import identify_trending, one_row_per_etf, with_each_etf
from config.config import Settings
from config.periods import PERIODS
from utils.spark_utils import JAVA_OPTIONS, QUIET_JAVA, local_frame, session

# Any session does: the classes that a job loads do not depend on its data.
DAY = date(2026, 8, 21)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Record Spark's classes, so that jobs start faster.")
    parser.add_argument(
        "--again", action="store_true", help="record again, even if the archive fits this Java and Spark"
    )
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)  # the run that is recorded
    options = parser.parse_args(arguments)
    settings = Settings.from_env().spark
    if options.train:
        train(session(settings, "class archive"))
        return 0
    if is_current(settings.class_archive) and not options.again:
        print(f"{settings.class_archive} fits this Java and Spark")
        return 0
    return record(settings.class_archive)


def is_current(archive: Path) -> bool:
    """Tell whether the archive was made by this Java and Spark."""
    made_with = _made_with(archive)
    return archive.exists() and made_with.exists() and made_with.read_text(encoding="utf-8") == _versions()


def record(archive: Path) -> int:
    """Write the archive and return an exit code."""
    # Written under another name until it is complete: a JVM that maps half a file crashes.
    archive.parent.mkdir(parents=True, exist_ok=True)
    arriving = archive.with_suffix(".arriving")
    arriving.unlink(missing_ok=True)
    print(f"recording Spark's classes in {archive} (150 MB; about 20 s)", flush=True)
    began = time.monotonic()
    for options, command in (
        # The first run makes the archive at its end.
        ([f"-XX:ArchiveClassesAtExit={arriving}"], ["--master", "local[1]", __file__, "--train"]),
        # The second one only maps it, and fails if it cannot: -Xshare:on forbids to run without.
        ([f"-XX:SharedArchiveFile={arriving}", "-Xshare:on"], ["--version"]),
    ):
        outcome = _spark_submit(options, command)
        if outcome.returncode:
            arriving.unlink(missing_ok=True)
            print(f"error: Spark's classes could not be recorded: {_last_line(outcome.stdout)}", file=sys.stderr)
            return 1
    arriving.replace(archive)
    _made_with(archive).write_text(_versions(), encoding="utf-8")
    print(f"{archive.stat().st_size >> 20} MB in {time.monotonic() - began:.0f} s")
    return 0


def _spark_submit(java_options: list[str], command: list[str]) -> "subprocess.CompletedProcess[str]":
    options = " ".join(f'"{option}"' for option in (*JAVA_OPTIONS, *QUIET_JAVA, *java_options))
    return subprocess.run(
        ["spark-submit", "--driver-java-options", options, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )


def _made_with(archive: Path) -> Path:
    return archive.with_suffix(".made-with")


def _versions() -> str:
    """Return what the archive depends on, as text."""
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    java_version = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    return f"{java_version}pyspark {version('pyspark')}\n{' '.join(JAVA_OPTIONS)}\n"


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "spark-submit printed nothing")


def train(spark: SparkSession) -> None:
    """Run the queries of both daily jobs on a few rows, so that the JVM loads their classes."""
    trending_etfs(spark).collect()
    portfolios(spark).collect()
    spark.stop()


def windows(spark: SparkSession) -> DataFrame:
    start = DAY - timedelta(days=7)
    return local_frame(spark, [ReturnWindow(DAY, "XNYS", days, start, DAY) for days in PERIODS], ReturnWindow._fields)


def prices(spark: SparkSession, tickers: tuple[str, ...]) -> DataFrame:
    rows = [(ticker, day, "USD", "yahoo") for ticker in tickers for day in (DAY - timedelta(days=7), DAY)]
    return local_frame(spark, rows, ("ticker", "trade_date", "currency", "source"))


def trending_etfs(spark: SparkSession) -> DataFrame:
    etfs = ("SPY", "QQQ")
    known = with_source_rank(prices(spark, etfs).selectExpr("*", "DOUBLE(DAY(trade_date)) AS price"))
    return identify_trending(one_row_per_etf(with_returns(with_each_etf(windows(spark), etfs), known)), "SPY")


def portfolios(spark: SparkSession) -> DataFrame:
    trending = local_frame(
        spark,
        [(DAY, "QQQ", days, "yahoo") for days in PERIODS],
        ("as_of_date", "etf_ticker", "period_days", "source"),
    )
    holdings = local_frame(
        spark,
        [("QQQ", "AAPL", 1, DAY, "yahoo"), ("QQQ", "MSFT", 2, DAY, "yahoo")],
        ("etf_ticker", "ticker", "holding_rank", "holdings_as_of", "source"),
    ).selectExpr("*", "0.1D AS holding_percent")
    known = prices(spark, ("AAPL", "MSFT")).selectExpr(
        "*",
        "DOUBLE(DAY(trade_date)) AS price",
        "BIGINT(1000) AS market_cap",
        "'quoted' AS market_cap_source",
        "ticker AS company_name",
        "'Technology' AS sector",
        "STRING(NULL) AS rate_source",
    )
    return candidates_of(with_source_rank(trending), with_source_rank(holdings), windows(spark), with_price_rank(known))


if __name__ == "__main__":
    sys.exit(main())
