"""Run every stage for the last sessions of a recorded market and compare each with a recomputation from its files.

The market server's clock moves from session to session, so that each one sees only what was known then. The services
have to run on that market; the jobs go to their Spark master in one session, which saves a JVM start for each.

    ./start.sh demo --market DIR
    ./start.sh exec python test/check_recorded_market.py DIR --sessions 60
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pandas as pd

from batch import spark_active_stock_allocator, spark_trending_etf_identifier
from batch.job import Job
from collector import kafka_producer_etf_daily, kafka_producer_trending_etf_holdings
from collector.collect import Receipt, wait_until_stored
from config.config import Settings
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch
from utils.errors import BarMissing
from utils.logging_utils import configure_logging
from utils.spark_utils import session as spark_session

TOLERANCE = 1e-9
PERIODS = (5, 10, 20)


@dataclass
class Files:
    """The recorded market as its CSV files say it: adjusted closes and closes by session and ticker."""

    adjusted: pd.DataFrame
    closes: pd.DataFrame
    holdings: pd.DataFrame
    stocks: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> "Files":
        prices = pd.read_csv(next(folder.glob("prices.csv*")), parse_dates=["date"])
        home = prices[~prices["ticker"].str.endswith(".KS")]
        wide = home.pivot(index="date", columns="ticker")
        holdings = pd.read_csv(folder / "holdings.csv", parse_dates=["as_of"])
        stocks = pd.read_csv(folder / "stocks.csv").set_index("ticker")
        is_session = wide["close"]["SPY"].notna()
        adjusted, closes = wide["adj_close"][is_session], wide["close"][is_session]
        # Some tickers have closes alone: without a dividend or split these are adjusted as they stand.
        plain = adjusted.columns.difference(pd.read_csv(folder / "actions.csv")["ticker"])
        return cls(adjusted.fillna(closes[plain]), closes, holdings, stocks)

    @property
    def sessions(self) -> list[date]:
        return [day.date() for day in self.adjusted.index]

    def period_return(self, ticker: str, day: date, days: int) -> float | None:
        """A(t) / A(t-N) - 1 over the benchmark's sessions; None when an end is missing."""
        if ticker not in self.adjusted:
            return None
        at = self.sessions.index(day)
        start, end = self.adjusted[ticker].iloc[at - days], self.adjusted[ticker].iloc[at]
        return None if pd.isna(start) or pd.isna(end) else end / start - 1

    def trending(self, day: date, days: int) -> dict[str, float]:
        """Candidates that beat the benchmark and zero, with their return."""
        base = self.period_return(universe().benchmark, day, days)
        returns = {etf: self.period_return(etf, day, days) for etf in universe().candidates}
        assert base is not None
        return {etf: value for etf, value in returns.items() if value is not None and value > max(base, 0)}

    def top_holdings(self, etf: str, day: date) -> list[str]:
        known = self.holdings[(self.holdings["etf"] == etf) & (self.holdings["as_of"] <= pd.Timestamp(day))]
        latest = known[known["as_of"] == known["as_of"].max()]
        return list(latest.sort_values(["percent", "holding_ticker"], ascending=[False, True])["holding_ticker"][:5])

    def market_cap(self, ticker: str, day: date) -> float | None:
        """Shares times that session's close; the files give shares on the basis of their last day, as the closes."""
        if ticker not in self.stocks.index:
            return None
        stock, close = self.stocks.loc[ticker], self.closes[ticker].loc[pd.Timestamp(day)]
        cap = stock["shares_outstanding"] * close if stock["shares_outstanding"] > 0 else stock["market_cap"]
        return None if pd.isna(cap) else float(cap)

    def portfolio(self, day: date, days: int) -> dict[str, float]:
        """Ticker -> weight, by the rules alone."""
        scores: dict[str, float] = {}
        for etf in self.trending(day, days):
            eligible = []
            for rank, ticker in enumerate(self.top_holdings(etf, day)):
                earned = self.period_return(ticker, day, days)
                cap = self.market_cap(ticker, day) if earned is not None else None
                if earned is not None and earned > 0 and cap:
                    eligible.append((-earned, rank, ticker, earned / cap))
            if eligible:
                _, _, ticker, score = min(eligible)
                scores[ticker] = score
        total = sum(scores.values())
        return {ticker: score / total for ticker, score in scores.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path, help="the folder of CSV files the market server was started with")
    parser.add_argument("--sessions", type=int, default=60, help="how many of its last sessions (%(default)s)")
    parser.add_argument(
        "--show", type=date.fromisoformat, nargs="*", default=[], help="print these sessions' portfolios"
    )
    options = parser.parse_args()
    configure_logging(logging.WARNING)
    files, settings = Files.read(options.market), Settings.from_env()
    differences: list[str] = []
    with closing(connect(settings.database)) as conn, closing(_market(settings)) as market:
        spark = spark_session(settings.spark, "check of a recorded market")
        days = files.sessions[-options.sessions :]
        for number, day in enumerate(days, 1):
            _run_stages(settings, market, Job(spark, conn, settings.database, [day], "check"), day)
            found = list(_compare(conn, files, day))
            differences += found
            print(f"[{number}/{len(days)}] {day}: {'as recomputed' if not found else '; '.join(found)}", flush=True)
        spark.stop()
        for day in options.show:
            _show(conn, day)
        _count_exclusions(conn, days)
    print(f"{len(days)} sessions, {len(differences)} differences")
    return 1 if differences else 0


def _market(settings: Settings) -> httpx.Client:
    return httpx.Client(base_url=settings.yahoo.base_url, timeout=30)


def _run_stages(settings: Settings, market: httpx.Client, job: Job, day: date) -> None:
    market.put("/control/clock", json={"at": day.isoformat()}).raise_for_status()
    for group in ("benchmark", "sector"):
        wait_until_stored(settings, _collected(settings, group, day), poll_seconds=0.1)
    spark_trending_etf_identifier.run(job)
    wait_until_stored(settings, kafka_producer_trending_etf_holdings.run(settings, day, "check"), poll_seconds=0.1)
    spark_active_stock_allocator.run(job)


def _collected(settings: Settings, group: str, day: date) -> Receipt:
    try:
        return kafka_producer_etf_daily.run(settings, group, day, "check")  # type: ignore[arg-type]
    except BarMissing as error:
        print(f"{day}: {error}")
        return Receipt(day)


def _compare(conn: Connection, files: Files, day: date) -> Iterator[str]:
    stored = {
        row["etf_ticker"]: row
        for row in fetch(conn, "SELECT * FROM analytics_trending_etfs WHERE as_of_date = %(d)s", {"d": day})
    }
    for days in PERIODS:
        flag = "is_trending" if days == 20 else f"is_trending_{days}d"
        expected = set(files.trending(day, days))
        if (actual := {etf for etf, row in stored.items() if row[flag]}) != expected:
            yield f"{days} sessions: trending {sorted(actual)}, recomputed {sorted(expected)}"
        for etf, row in stored.items():
            actual_return, expected_return = row[f"return_{days}d"], files.period_return(etf, day, days)
            if _apart(actual_return, expected_return):
                yield f"{etf} {days} sessions: {actual_return}, recomputed {expected_return}"
        weights = {row["ticker"]: row["portfolio_weight"] for row in _allocation(conn, day, days)}
        recomputed = files.portfolio(day, days)
        if weights.keys() != recomputed.keys() or any(_apart(weights[one], recomputed[one]) for one in weights):
            yield f"{days} sessions: portfolio {weights}, recomputed {recomputed}"


def _apart(actual: float | None, expected: float | None) -> bool:
    if actual is None or expected is None:
        return actual is not expected
    return abs(actual - expected) > TOLERANCE


def _allocation(conn: Connection, day: date, days: int) -> list[Row]:
    return fetch(
        conn,
        """
        SELECT * FROM analytics_portfolio_allocation
        WHERE as_of_date = %(day)s AND period_days = %(days)s
        ORDER BY position_rank
        """,
        {"day": day, "days": days},
    )


def _show(conn: Connection, day: date) -> None:
    for days in PERIODS:
        print(f"\n{day}, {days} sessions")
        for row in _allocation(conn, day, days):
            print(
                f"  {row['ticker']:<8}{row['portfolio_weight']:>9.4%}{row['period_return']:>+9.2%}"
                f"{row['market_cap'] / 1e9:>11,.2f} bn  {', '.join(row['source_etfs'])}"
            )
        excluded = fetch(
            conn,
            """
            SELECT etf_ticker, ticker, exclusion_reason FROM analytics_allocation_candidates
            WHERE as_of_date = %(day)s AND period_days = %(days)s AND NOT is_selected
              AND exclusion_reason NOT LIKE '%% returned more %%'
            ORDER BY etf_ticker, holding_rank
            """,
            {"day": day, "days": days},
        )
        for row in excluded:
            print(f"    not {row['ticker']} of {row['etf_ticker']}: {row['exclusion_reason']}")


def _count_exclusions(conn: Connection, days: list[date]) -> None:
    rows = fetch(
        conn,
        "SELECT exclusion_reason FROM analytics_allocation_candidates WHERE as_of_date = ANY(%(days)s)",
        {"days": days},
    )
    kinds = Counter(_kind(row["exclusion_reason"]) for row in rows)
    print("\ncandidates by outcome: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))


def _kind(reason: str | None) -> str:
    if reason is None:
        return "selected"
    phrases = ("returned more", "not positive", "no market cap", "rate on", "no price", "returned the same")
    return next((phrase for phrase in phrases if phrase in reason), reason)


if __name__ == "__main__":
    sys.exit(main())
