"""The analysis computed again in plain pandas, to compare the Spark jobs with. Imports nothing of the platform."""

from dataclasses import dataclass
from typing import Any

import exchange_calendars
import pandas as pd

HOME, KOREA = "XNYS", "XKRX"
CALENDAR_START = "2020-01-02"
# Sessions of the calendar package on which Korea was closed: an election and holidays made after it was published.
CLOSED = {KOREA: ["2026-06-03", "2026-07-17", "2027-05-03", "2027-07-19"]}
RATE_AGE = pd.Timedelta(days=5)
Values = dict[str, dict[pd.Timestamp, float]]  # ticker -> session -> value


@dataclass
class Collected:
    """The collected tables as frames. Dates are Timestamps."""

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
        self.snapshots = self._snapshots(collected.holdings)
        self.sessions = {HOME: _sessions(HOME), KOREA: _sessions(KOREA)}
        etf_returns = self._returns(_wide(collected.etfs, "adj_close"), HOME)
        self.etf_returns: dict[int, Values] = {days: _by_ticker(frame) for days, frame in etf_returns.items()}
        self._korean_day = self._korean_sessions()
        self._read_stocks(collected.stocks)

    def _snapshots(self, holdings: pd.DataFrame) -> dict[str, dict[pd.Timestamp, list[Any]]]:
        """Return each ETF's largest holdings by the day of the snapshot, in order."""
        largest = holdings[holdings["holding_rank"] <= self.strategy.top].sort_values(
            ["collected_date", "holding_rank"]
        )
        snapshots: dict[str, dict[pd.Timestamp, list[Any]]] = {}
        row: Any
        for row in largest.itertuples():
            snapshots.setdefault(row.etf_ticker, {}).setdefault(row.collected_date, []).append(row)
        return snapshots

    def _returns(self, prices: pd.DataFrame, exchange: str) -> dict[int, pd.DataFrame]:
        on_sessions = prices.reindex(self.sessions[exchange].index)
        return {days: on_sessions / on_sessions.shift(days) - 1 for days in self.strategy.periods}

    def _korean_sessions(self) -> pd.Series:
        """Return for each home session the last Korean one that had closed by its close."""
        korean = self.sessions[KOREA]
        at = korean.searchsorted(self.sessions[HOME], side="right") - 1
        return pd.Series(korean.index[at], index=self.sessions[HOME].index)

    def _read_stocks(self, stocks: pd.DataFrame) -> None:
        is_rate = stocks["quote_type"] == "CURRENCY"
        equities = stocks[~is_rate].copy()
        rate = _rates_of(equities, stocks[is_rate])
        equities["price"] = equities["adj_close"] / rate
        equities["cap"] = (equities["market_cap"] / rate).round()
        korean = equities["ticker"].str.endswith(".KS")
        self.sectors = equities.drop_duplicates("ticker").set_index("ticker")["sector"]
        self.stock_returns: dict[int, Values] = {}
        home = self._returns(_wide(equities[~korean], "price"), HOME)
        foreign = self._returns(_wide(equities[korean], "price"), KOREA)
        for days in self.strategy.periods:
            self.stock_returns[days] = _by_ticker(home[days].join(self._at_home(foreign[days])))
        caps = _wide(equities[~korean], "cap").reindex(self.sessions[HOME].index)
        korean_caps = _wide(equities[korean], "cap").reindex(self.sessions[KOREA].index)
        self.caps = _by_ticker(caps.join(self._at_home(korean_caps)))

    def _at_home(self, korean: pd.DataFrame) -> pd.DataFrame:
        return korean.reindex(self._korean_day).set_index(self._korean_day.index)

    def trending(self, day: pd.Timestamp, days: int) -> list[str]:
        returns = {etf: values[day] for etf, values in self.etf_returns[days].items()}
        base = returns[self.strategy.benchmark]
        return [etf for etf in self.strategy.candidates if returns[etf] > base and returns[etf] > 0]

    def top_holdings(self, etf: str, day: pd.Timestamp) -> list[Any]:
        """Of the newest snapshot known on the day, else of the first later one."""
        snapshots = self.snapshots.get(etf, {})
        known = [taken for taken in snapshots if taken <= day]
        used = max(known) if known else min(snapshots, default=None)
        return snapshots[used] if used else []

    def candidates(self, day: pd.Timestamp, days: int) -> list[dict[str, Any]]:
        """Return every holding considered, with its return, its cap and whether its ETF chooses it."""
        found = []
        for etf in self.trending(day, days):
            rows = [self._candidate(day, days, holding) for holding in self.top_holdings(etf, day)]
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
            "return": self.value(self.stock_returns[days], day, ticker),
            "cap": self.value(self.caps, day, ticker),
            "selected": False,
        }

    @staticmethod
    def value(values: Values, day: pd.Timestamp, ticker: str) -> float:
        return values.get(ticker, {}).get(day, float("nan"))

    def portfolio(self, candidates: list[dict[str, Any]]) -> tuple[dict[str, Any], float]:
        """Return score, weight and ETFs by ticker, and the cash."""
        chosen = [row for row in candidates if row["selected"]]
        scores = {row["ticker"]: row["return"] / row["cap"] for row in chosen}
        portfolio = {
            ticker: {
                "score": score,
                "weight": score / sum(scores.values()),
                "etfs": sorted(row["etf"] for row in chosen if row["ticker"] == ticker),
            }
            for ticker, score in scores.items()
        }
        return portfolio, 0.0 if portfolio else 1.0

    def sector_average(self, day: pd.Timestamp, days: int, tickers: set[str], sector: str) -> float:
        same = [ticker for ticker in tickers if self.sectors.get(ticker) == sector]
        return float(pd.Series([self.value(self.stock_returns[days], day, ticker) for ticker in same]).mean())


def collected(rows: dict[Any, list[tuple[Any, ...]]]) -> Collected:
    """Build the frames from rows by table (see market_rows)."""
    frames = {table.name: pd.DataFrame(values, columns=table.columns) for table, values in rows.items()}
    for frame in frames.values():
        for column in {"trade_date", "collected_date"} & set(frame.columns):
            frame[column] = pd.to_datetime(frame[column])
    return Collected(
        etfs=frames["collected_daily_etf_ohlc"],
        stocks=frames["collected_daily_stock_history"],
        holdings=frames["collected_etf_holdings"],
    )


def _rates_of(equities: pd.DataFrame, rates: pd.DataFrame) -> pd.Series:
    """Return the units of each row's currency per dollar: its own day's rate, else the last within five days."""
    known = rates[["ticker", "trade_date", "close_price"]].sort_values("trade_date")
    wanted = pd.DataFrame({"trade_date": equities["trade_date"], "ticker": equities["currency"] + "=X"})
    wanted = wanted.rename_axis("row").reset_index().sort_values("trade_date")
    found = pd.merge_asof(wanted, known, on="trade_date", by="ticker", tolerance=RATE_AGE)
    rate = found.set_index("row")["close_price"].reindex(equities.index)
    return rate.where(equities["currency"] != "USD", 1.0)


def _sessions(exchange: str) -> pd.Series:
    """Return the closing time of each session."""
    closes: pd.Series = exchange_calendars.get_calendar(exchange, start=CALENDAR_START).closes
    return closes.drop(pd.to_datetime(CLOSED.get(exchange, [])), errors="ignore")


def _wide(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.pivot(index="trade_date", columns="ticker", values=column)


def _by_ticker(wide: pd.DataFrame) -> Values:
    values: Any = wide.to_dict()
    return dict(values)
