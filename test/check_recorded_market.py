"""Compare a replay of a recorded market, session by session, with a recomputation from its files alone.

A published figure may leave out what the files say if its publication is degraded and names the ticker. That counts
as marked, not as different. All that follows from it must be right.

The platform has to run on that market:

    ./start.sh demo --market DIR
    ./start.sh replay 2026-06-01 2026-08-21
    ./start.sh exec python test/check_recorded_market.py DIR
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from config.config import Settings
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch
from database.queries import replays
from ops.replay.replay import REPLAY
from ops.replay.sandbox import database_of
from utils.reasons import Reason, from_rows, join

# The market server gives prices with nine decimals, which shows in the weight of a return near zero.
TOLERANCE = 1e-8
CLEARLY_OTHER = 0.01  # of a share count
PERIODS = (5, 10, 20)

Returns = Mapping[str, float | None]


@dataclass
class Prices:
    """An exchange's adjusted closes and closes in dollars by session and ticker. A day with bars is a session."""

    adjusted: pd.DataFrame
    closes: pd.DataFrame

    @classmethod
    def of(cls, prices: pd.DataFrame, with_actions: set[str], per_dollar: "pd.Series | None" = None) -> "Prices":
        adjusted, closes = (
            prices.pivot(index="date", columns="ticker", values=each) for each in ("adj_close", "close")
        )
        # Some tickers have closes alone: without a dividend or split these are adjusted as they stand.
        plain = adjusted.columns.difference(list(with_actions))
        adjusted = adjusted.fillna(closes[plain])
        if per_dollar is None:
            return cls(adjusted, closes)
        rate = per_dollar.reindex(adjusted.index)
        return cls(adjusted.div(rate, axis=0), closes.div(rate, axis=0))

    def session_by(self, day: date) -> int:
        """Position of the last session on or before a day."""
        return int(self.closes.index.searchsorted(pd.Timestamp(day), side="right")) - 1


@dataclass
class Files:
    """The recorded market as its CSV files say it. Korean stocks need KRW=X rows among the prices."""

    home: Prices
    korea: Prices
    holdings: pd.DataFrame
    stocks: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> "Files":
        prices = pd.read_csv(next(folder.glob("prices.csv*")), parse_dates=["date"])
        with_actions = set(pd.read_csv(folder / "actions.csv")["ticker"])
        is_rate, is_korean = prices["ticker"] == "KRW=X", prices["ticker"].str.endswith(".KS")
        rates = prices[is_rate].set_index("date")["open"]
        home = Prices.of(prices[~is_rate & ~is_korean], with_actions)
        sessions = home.closes["SPY"].notna()
        return cls(
            home=Prices(home.adjusted[sessions], home.closes[sessions]),
            korea=Prices.of(prices[is_korean], with_actions, rates),
            holdings=pd.read_csv(folder / "holdings.csv", parse_dates=["as_of"]),
            stocks=_stocks(folder, rates),
        )

    @property
    def sessions(self) -> list[date]:
        return [day.date() for day in self.home.adjusted.index]

    def prices_of(self, ticker: str) -> Prices:
        return self.korea if ticker.endswith(".KS") else self.home

    def has_price(self, ticker: str, day: date) -> bool:
        """Whether there is one of the last own session by a day."""
        prices = self.prices_of(ticker).adjusted
        return ticker in prices and not pd.isna(prices[ticker].iloc[self.prices_of(ticker).session_by(day)])

    def period_return(self, ticker: str, day: date, days: int) -> float | None:
        """Return A(t) / A(t-N) - 1 in dollars over the exchange's sessions, or None when an end is missing."""
        prices = self.prices_of(ticker)
        if ticker not in prices.adjusted:
            return None
        at = prices.session_by(day)
        start, end = prices.adjusted[ticker].iloc[at - days], prices.adjusted[ticker].iloc[at]
        return None if pd.isna(start) or pd.isna(end) else end / start - 1

    def trending(self, day: date, days: int, given: Returns) -> dict[str, float]:
        """Candidates that beat the benchmark and zero, with their return."""
        base = self.period_return(universe().benchmark, day, days)
        returns = {etf: self._return(etf, day, days, given) for etf in universe().candidates}
        assert base is not None
        return {etf: value for etf, value in returns.items() if value is not None and value > max(base, 0)}

    def _return(self, ticker: str, day: date, days: int, given: Returns) -> float | None:
        return given[ticker] if ticker in given else self.period_return(ticker, day, days)

    def top_holdings(self, etf: str, day: date) -> list[str]:
        known = self.holdings[(self.holdings["etf"] == etf) & (self.holdings["as_of"] <= pd.Timestamp(day))]
        latest = known[known["as_of"] == known["as_of"].max()]
        return list(latest.sort_values(["percent", "holding_ticker"], ascending=[False, True])["holding_ticker"][:5])

    def market_cap(self, ticker: str, day: date) -> float | None:
        """Return shares times that session's close. Both are on the basis of the files' last day.

        Where the shares are only one class, cap and close of one day imply the company's count.
        """
        if ticker not in self.stocks.index:
            return None
        prices = self.prices_of(ticker)
        stock: Any = self.stocks.loc[ticker]
        closes = prices.closes[ticker]
        shares, close_then = stock["shares_outstanding"], closes.iloc[prices.session_by(stock["as_of"])]
        implied = stock["market_cap"] / close_then
        if not shares > 0 or abs(implied / shares - 1) > CLEARLY_OTHER:
            shares = implied
        cap = shares * closes.iloc[prices.session_by(day)]
        return None if pd.isna(cap) else float(cap)

    def portfolio(self, day: date, days: int, given: Returns) -> dict[str, float]:
        """Return weights by ticker, by the rules alone. given: returns to use in place of the files'."""
        scores: dict[str, float] = {}
        for etf in self.trending(day, days, given):
            eligible = []
            for rank, ticker in enumerate(self.top_holdings(etf, day)):
                earned = self._return(ticker, day, days, given)
                cap = self.market_cap(ticker, day) if earned is not None else None
                if earned is not None and earned > 0 and cap:
                    eligible.append((-earned, rank, ticker, earned / cap))
            if eligible:
                _, _, ticker, score = min(eligible)
                scores[ticker] = score
        total = sum(scores.values())
        return {ticker: float(score / total) for ticker, score in scores.items()}


def _stocks(folder: Path, per_dollar: pd.Series) -> pd.DataFrame:
    """By ticker, with market caps in dollars."""
    stocks = pd.read_csv(folder / "stocks.csv", parse_dates=["as_of"]).set_index("ticker")
    rates = [per_dollar.asof(day) if str(ticker).endswith(".KS") else 1.0 for ticker, day in stocks["as_of"].items()]
    return stocks.assign(market_cap=stocks["market_cap"] / pd.Series(rates, index=stocks.index))


@dataclass
class Findings:
    """What is not as the files say: differences, and what the publications themselves mark."""

    differences: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    def check(
        self, what: str, actual: float | None, expected: float | None, said: Sequence[Reason], ticker: str
    ) -> bool:
        """Return whether a ticker's figure is as expected. said: why its publication is degraded."""
        if not _apart(actual, expected):
            return True
        found = f"{what}: {actual}, recomputed {expected}"
        if reasons := [reason for reason in said if reason.params.get("ticker") == ticker]:
            self.marked.append(f"{found} ({join(reasons)})")
        else:
            self.differences.append(found)
        return False


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
        findings = Findings()
        for day in days:
            _compare(conn, files, day, findings)
        _compare_record(conn, files, days, findings)
        for line in findings.marked:
            print(f"marked: {line}")
        for line in findings.differences:
            print(line)
        for day in options.show:
            _show(conn, day)
        _count_exclusions(conn, days)
    print(f"{len(days)} sessions, {len(findings.marked)} marked, {len(findings.differences)} differences")
    return 1 if findings.differences else 0


def _compare(conn: Connection, files: Files, day: date, findings: Findings) -> None:
    trending = fetch(conn, "SELECT * FROM analytics_trending_etfs WHERE as_of_date = %(d)s", {"d": day})
    said = _degraded(conn, "trending", day, 0)
    for days in PERIODS:
        given = {}
        for row in trending:
            etf, actual = row["etf_ticker"], row[f"return_{days}d"]
            what = f"{day}: {etf} {days} sessions"
            if not findings.check(what, actual, files.period_return(etf, day, days), said, etf):
                given[etf] = actual
        flag = "is_trending" if days == 20 else f"is_trending_{days}d"
        expected = set(files.trending(day, days, given))
        if (found := {row["etf_ticker"] for row in trending if row[flag]}) != expected:
            findings.differences.append(
                f"{day}: {days} sessions: trending {sorted(found)}, recomputed {sorted(expected)}"
            )
        _compare_portfolio(conn, files, day, days, given, findings)


def _compare_portfolio(
    conn: Connection, files: Files, day: date, days: int, given: dict[str, float | None], findings: Findings
) -> None:
    """given: the returns of ETFs that are not as the files say."""
    said = _degraded(conn, "allocation", day, days)
    returns = {row["ticker"]: row["period_return"] for row in _candidates(conn, day, days)}
    for ticker, actual in returns.items():
        what = f"{day}: {ticker} {days} sessions"
        if not findings.check(what, actual, files.period_return(ticker, day, days), said, ticker):
            given[ticker] = actual
    weights = {row["ticker"]: row["portfolio_weight"] for row in _allocation(conn, day, days)}
    recomputed = files.portfolio(day, days, given)
    if weights.keys() != recomputed.keys() or any(_apart(weights[one], recomputed[one]) for one in weights):
        findings.differences.append(f"{day}: {days} sessions: portfolio {weights}, recomputed {recomputed}")


def _compare_record(conn: Connection, files: Files, days: list[date], findings: Findings) -> None:
    """Compare the followed portfolios, day by day, with a simulation on the files' closes."""
    for period in PERIODS:
        rows = fetch(
            conn,
            "SELECT * FROM analytics_portfolio_performance WHERE period_days = %(p)s ORDER BY trade_date",
            {"p": period},
        )
        published = {
            day: {row["ticker"]: row["portfolio_weight"] for row in _allocation(conn, day, period)} for day in days
        }
        lived = dict(_lived_through(files, published))
        if lived.keys() != (recorded := {row["trade_date"] for row in rows}):
            apart = ", ".join(map(str, sorted(lived.keys() ^ recorded)))
            findings.differences.append(f"{period} sessions: record or recomputation lacks {apart}")
        for row in rows:
            day = row["trade_date"]
            what, expected = f"{day}: {period} sessions", lived.get(day)
            if _apart(row["gross_value"], expected):
                findings.differences.append(f"{what}: record {row['gross_value']}, recomputed {expected}")
            if row["carried_weight"]:
                carried = from_rows(row["carried_reason"])
                known = any(files.has_price(reason.params["ticker"], day) for reason in carried)
                findings_of = findings.differences if known else findings.marked
                findings_of.append(f"{what}: {row['carried_weight']:.2%} carried: {join(carried)}")


def _degraded(conn: Connection, job: str, day: date, days: int) -> list[Reason]:
    [publication] = fetch(
        conn,
        """
        SELECT degraded_reason FROM analytics_publication
        WHERE job = %(job)s AND as_of_date = %(day)s AND period_days = %(days)s
        """,
        {"job": job, "day": day, "days": days},
    )
    return from_rows(publication["degraded_reason"])


def _candidates(conn: Connection, day: date, days: int) -> list[Row]:
    return fetch(
        conn,
        "SELECT * FROM analytics_allocation_candidates WHERE as_of_date = %(day)s AND period_days = %(days)s",
        {"day": day, "days": days},
    )


def _lived_through(files: Files, published: dict[date, dict[str, float]]) -> Iterator[tuple[date, float]]:
    """Session -> value of a portfolio that is bought at the close after each publication and drifts until the next."""
    sessions = files.sessions
    value, held = 1.0, dict[str, float]()
    for before, session in pairwise(session for session in sessions if session >= min(published)):
        if before > min(published):
            gains = {ticker: 1 + _daily(files, ticker, before, session) for ticker in held}
            grown = {ticker: weight * gains[ticker] for ticker, weight in held.items()}
            factor = 1 + sum(grown.values()) - sum(held.values())
            value, held = value * factor, {ticker: weight / factor for ticker, weight in grown.items()}
        held = published.get(before, held)
        yield session, value


def _daily(files: Files, ticker: str, before: date, session: date) -> float:
    """Return the gain between two home sessions, from the ticker's last own price by each of them."""
    prices = files.prices_of(ticker)
    start, end = (prices.adjusted[ticker].ffill().iloc[prices.session_by(day)] for day in (before, session))
    return float(end / start - 1)


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
              AND exclusion_reason -> 0 ->> 'code' <> 'returned_more'
            ORDER BY etf_ticker, holding_rank
            """,
            {"day": day, "days": days},
        )
        for row in excluded:
            print(f"    not {row['ticker']} of {row['etf_ticker']}: {join(from_rows(row['exclusion_reason']))}")


def _count_exclusions(conn: Connection, days: list[date]) -> None:
    rows = fetch(
        conn,
        "SELECT exclusion_reason FROM analytics_allocation_candidates WHERE as_of_date = ANY(%(days)s)",
        {"days": days},
    )
    kinds = Counter(next((each.code for each in from_rows(row["exclusion_reason"])), "selected") for row in rows)
    print("\ncandidates by outcome: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))


if __name__ == "__main__":
    sys.exit(main())
