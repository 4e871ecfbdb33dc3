"""The analysis once more, in plain pandas: what the Spark jobs are compared with. Imports nothing of the platform."""

from dataclasses import dataclass
from typing import Any

import exchange_calendars
import pandas as pd

HOME, KOREA = "XNYS", "XKRX"
CALENDAR_START = "2020-01-02"


@dataclass
class Collected:
    """The collected tables as frames; dates are Timestamps."""

    etfs: pd.DataFrame  # ticker, trade_date, adj_close
    stocks: pd.DataFrame  # ticker, trade_date, adj_close, close_price, market_cap, sector, quote_type, currency
    holdings: pd.DataFrame  # etf_ticker, stock_ticker, holding_percent, holding_rank, collected_date


@dataclass
class Strategy:
    benchmark: str
    candidates: tuple[str, ...]
    periods: tuple[int, ...] = (5, 10, 20)
    top: int = 5


class Reference:
    """Trending ETFs and portfolios of every session of a history."""

    def __init__(self, collected: Collected, strategy: Strategy) -> None:
        self.strategy = strategy
        self.holdings = collected.holdings[collected.holdings["holding_rank"] <= strategy.top]
        self.sessions = {HOME: _sessions(HOME), KOREA: _sessions(KOREA)}
        self.etf_returns = self._returns(_wide(collected.etfs, "adj_close"), HOME)
        self._korean_day = self._korean_sessions()
        self._read_stocks(collected.stocks)

    def _returns(self, prices: pd.DataFrame, exchange: str) -> dict[int, pd.DataFrame]:
        on_sessions = prices.reindex(self.sessions[exchange].index)
        return {days: on_sessions / on_sessions.shift(days) - 1 for days in self.strategy.periods}

    def _korean_sessions(self) -> pd.Series:
        """For each home session the last Korean one that had closed by its close."""
        korean = self.sessions[KOREA]
        at = korean.searchsorted(self.sessions[HOME], side="right") - 1
        return pd.Series(korean.index[at], index=self.sessions[HOME].index)

    def _read_stocks(self, stocks: pd.DataFrame) -> None:
        is_rate = stocks["quote_type"] == "CURRENCY"
        rates = stocks[is_rate].set_index("trade_date")["close_price"]
        equities = stocks[~is_rate].copy()
        rate = equities["trade_date"].map(rates).where(equities["currency"] != "USD", 1.0)
        equities["price"] = equities["adj_close"] / rate
        equities["cap"] = (equities["market_cap"] / rate).round()
        korean = equities["ticker"].str.endswith(".KS")
        self.sectors = equities.drop_duplicates("ticker").set_index("ticker")["sector"]
        self.stock_returns: dict[int, pd.DataFrame] = {}
        home = self._returns(_wide(equities[~korean], "price"), HOME)
        foreign = self._returns(_wide(equities[korean], "price"), KOREA)
        for days in self.strategy.periods:
            self.stock_returns[days] = home[days].join(self._at_home(foreign[days]))
        self.caps = _wide(equities[~korean], "cap").reindex(self.sessions[HOME].index)
        self.caps = self.caps.join(self._at_home(_wide(equities[korean], "cap").reindex(self.sessions[KOREA].index)))

    def _at_home(self, korean: pd.DataFrame) -> pd.DataFrame:
        return korean.reindex(self._korean_day).set_index(self._korean_day.index)

    def trending(self, day: pd.Timestamp, days: int) -> list[str]:
        returns = self.etf_returns[days].loc[day]
        base = returns[self.strategy.benchmark]
        return [etf for etf in self.strategy.candidates if returns[etf] > base and returns[etf] > 0]

    def top_holdings(self, etf: str, day: pd.Timestamp) -> pd.DataFrame:
        held = self.holdings[self.holdings["etf_ticker"] == etf]
        known = held[held["collected_date"] <= day]
        used = known["collected_date"].max() if len(known) else held["collected_date"].min()
        return held[held["collected_date"] == used].sort_values("holding_rank")

    def candidates(self, day: pd.Timestamp, days: int) -> list[dict[str, Any]]:
        """Every holding looked at, with its return, cap, and whether it is its ETF's choice."""
        found = []
        for etf in self.trending(day, days):
            rows = [self._candidate(day, days, holding) for holding in self.top_holdings(etf, day).itertuples()]
            eligible = [row for row in rows if row["return"] > 0 and row["cap"] > 0]
            if eligible:
                best = min(eligible, key=lambda row: (-row["return"], -row["percent"], row["ticker"]))
                best["selected"] = True
            found += rows
        return found

    def _candidate(self, day: pd.Timestamp, days: int, holding: Any) -> dict[str, Any]:
        ticker = holding.stock_ticker
        return {
            "etf": holding.etf_ticker,
            "ticker": ticker,
            "percent": holding.holding_percent,
            "holdings_as_of": holding.collected_date,
            "return": self._value(self.stock_returns[days], day, ticker),
            "cap": self._value(self.caps, day, ticker),
            "selected": False,
        }

    @staticmethod
    def _value(frame: pd.DataFrame, day: pd.Timestamp, ticker: str) -> float:
        return float(frame.at[day, ticker]) if ticker in frame else float("nan")

    def portfolio(self, candidates: list[dict[str, Any]], cap: float = 1.0) -> tuple[pd.DataFrame, float]:
        """Weights (by ticker, with score and ETFs) and cash."""
        chosen = pd.DataFrame([row for row in candidates if row["selected"]])
        if chosen.empty:
            return pd.DataFrame(columns=["score", "weight", "etfs"]), 1.0
        by_ticker = chosen.groupby("ticker").agg(
            ret=("return", "first"), cap=("cap", "first"), etfs=("etf", lambda etfs: sorted(etfs))
        )
        by_ticker["score"] = by_ticker["ret"] / by_ticker["cap"]
        by_ticker["weight"] = by_ticker["score"] / by_ticker["score"].sum()
        assert cap == 1.0, "the reference knows no cap"
        return by_ticker, 0.0

    def sector_average(self, day: pd.Timestamp, days: int, tickers: set[str], sector: str) -> float:
        same = [ticker for ticker in tickers if self.sectors.get(ticker) == sector]
        return float(pd.Series([self._value(self.stock_returns[days], day, ticker) for ticker in same]).mean())


def collected(rows: dict[Any, list[tuple[Any, ...]]]) -> Collected:
    """From rows by table (see market_rows)."""
    frames = {table.name: pd.DataFrame(values, columns=table.columns) for table, values in rows.items()}
    for frame in frames.values():
        for column in {"trade_date", "collected_date"} & set(frame.columns):
            frame[column] = pd.to_datetime(frame[column])
    return Collected(
        etfs=frames["collected_daily_etf_ohlc"],
        stocks=frames["collected_daily_stock_history"],
        holdings=frames["collected_etf_holdings"],
    )


def _sessions(exchange: str) -> pd.Series:
    """Sessions -> when they close."""
    return exchange_calendars.get_calendar(exchange, start=CALENDAR_START).closes


def _wide(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.pivot(index="trade_date", columns="ticker", values=column)
