"""Compare a replay of a recorded market, session by session, with a recomputation from its files alone.

The platform has to run on that market:

    ./start.sh demo --market DIR
    ./start.sh replay 2026-06-01 2026-08-21
    ./start.sh exec python test/check_recorded_market.py DIR
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from config.config import Settings
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch
from database.queries import replays
from ops.replay.annex import database_of
from ops.replay.replay import REPLAY

# The market server gives prices with nine decimals, which shows in the weight of a return near zero.
TOLERANCE = 1e-8
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
        return {ticker: float(score / total) for ticker, score in scores.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path, help="the folder of CSV files the market server was started with")
    parser.add_argument(
        "--show", type=date.fromisoformat, nargs="*", default=[], help="print these sessions' portfolios"
    )
    options = parser.parse_args()
    files = Files.read(options.market)
    with closing(connect(database_of(Settings.from_env(), REPLAY))) as conn:
        days = [row["session"] for row in replays.finished_sessions(conn)]
        differences = [f"{day}: {found}" for day in days for found in _compare(conn, files, day)]
        for line in differences:
            print(line)
        for day in options.show:
            _show(conn, day)
        _count_exclusions(conn, days)
    print(f"{len(days)} sessions, {len(differences)} differences")
    return 1 if differences else 0


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
