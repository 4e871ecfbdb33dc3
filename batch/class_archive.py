"""Record the classes that a job loads, so that later JVMs map them from one file instead of reading Spark's jars.

`python -m batch.class_archive` writes the file that `utils.spark_utils.submit_conf` names; drivers and executors use it
from then on, and take about half the processor time to start. A missing file, or one of another Java or Spark, is
ignored by the JVM and only costs that time. Run it again after either has changed.
"""

import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from batch.returns import Window, in_dollars, with_mistrust, with_returns
from batch.spark_active_stock_allocator import candidates_of
from batch.spark_trending_etf_identifier import each_etf, identify_trending, one_row_per_etf
from config.config import Settings
from utils.spark_utils import JAVA_OPTIONS, local_frame, session

# A driver of a cluster loads other classes than one that runs the tasks itself; the file is to have both.
MASTERS = ("local-cluster[1,1,1024]", "local[1]")
DAY = date(2026, 8, 21)


def main() -> int:
    settings = Settings.from_env().spark
    if "--train" in sys.argv:
        for master in MASTERS:
            train(session(settings, "class archive", master))
        return 0
    return record(Path(settings.class_archive))


def record(archive: Path) -> int:
    """Written under another name until it is whole: a JVM that maps half a file dies."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    arriving = archive.with_suffix(".arriving")
    arriving.unlink(missing_ok=True)
    print(f"recording the classes of a Spark job in {archive} (half a minute, 160 MB)", flush=True)
    began = time.monotonic()
    for options, arguments in (
        (f"-XX:ArchiveClassesAtExit={arriving}", [__file__, "--train"]),
        (f"-XX:SharedArchiveFile={arriving} -Xshare:on", ["--version"]),  # ends with an error if it cannot be used
    ):
        outcome = _spark_submit(options, arguments)
        if outcome.returncode:
            arriving.unlink(missing_ok=True)
            print(f"error: no class archive: {_last_line(outcome.stdout)}", file=sys.stderr)
            return 1
    arriving.replace(archive)
    print(f"{archive.stat().st_size >> 20} MB in {time.monotonic() - began:.0f} s")
    return 0


def _spark_submit(java_options: str, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    options = " ".join((*JAVA_OPTIONS, "-Xlog:disable", "-Xlog:all=error:stderr", java_options))
    return subprocess.run(
        ["spark-submit", "--driver-java-options", options, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "spark-submit said nothing")


def train(spark: SparkSession) -> None:
    """Both jobs on a few rows."""
    trending_etfs(spark).collect()
    portfolios(spark).collect()
    spark.stop()


def windows(spark: SparkSession) -> DataFrame:
    start = DAY - timedelta(days=7)
    return local_frame(spark, [Window(DAY, "XNYS", days, start, DAY) for days in (5, 10, 20)], Window._fields)


def prices(spark: SparkSession, tickers: tuple[str, ...]) -> DataFrame:
    rows = [(ticker, day, "USD", "yahoo") for ticker in tickers for day in (DAY - timedelta(days=7), DAY)]
    return local_frame(spark, rows, ("ticker", "trade_date", "currency", "source"))


def trending_etfs(spark: SparkSession) -> DataFrame:
    etfs = ("SPY", "QQQ")
    known = with_mistrust(prices(spark, etfs).selectExpr("*", "DOUBLE(DAY(trade_date)) AS price"))
    return one_row_per_etf(identify_trending(with_returns(each_etf(windows(spark), etfs), known), "SPY"))


def portfolios(spark: SparkSession) -> DataFrame:
    trending = local_frame(
        spark,
        [(DAY, "QQQ", days, "yahoo") for days in (5, 10, 20)],
        ("as_of_date", "etf_ticker", "period_days", "source"),
    )
    holdings = local_frame(
        spark,
        [("QQQ", "AAPL", 1, DAY, "yahoo"), ("QQQ", "MSFT", 2, DAY, "yahoo")],
        ("etf_ticker", "ticker", "holding_rank", "holdings_as_of", "source"),
    ).selectExpr("*", "0.1D AS holding_percent")
    known = prices(spark, ("AAPL", "MSFT")).selectExpr(
        "*",
        "DOUBLE(DAY(trade_date)) AS adj_close",
        "BIGINT(1000) AS market_cap",
        "'quoted' AS market_cap_source",
        "ticker AS company_name",
        "'Technology' AS sector",
        "DOUBLE(NULL) AS rate",
        "STRING(NULL) AS rate_source",
    )
    return candidates_of(with_mistrust(trending), with_mistrust(holdings), windows(spark), in_dollars(known))


if __name__ == "__main__":
    sys.exit(main())
