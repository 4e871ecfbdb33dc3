"""The trades that a rebalance asks for, in whole shares: from last month's portfolio as it stands now to this month's.

Last month's portfolio was bought at its weights at the close of the session after its rebalance and left alone: its
weights have drifted with the prices up to the session that this month is decided on. Shares are counted at that
session's closes, in US dollars. What shares, cost and rounding leave is cash, and it is never negative.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from math import floor

from config.universe import universe
from database.db_helper import Connection, Row
from database.queries import portfolios
from database.queries.returns import Stretch, between
from utils.dates import session_after, session_at

NO_PRICE = "no price is stored of it by then"


def monthly(conn: Connection, rebalance_date: date | None, capital: float) -> Row | None:
    """The trades of a rebalance, the newest when none is named; None without one."""
    month = portfolios.monthly(conn, rebalance_date)
    if month is None:
        return None
    rows = [*month["positions"], *month["removed"]]
    gains = _gains(conn, rows, month["previous_rebalance_date"], month["as_of_date"])
    held = drifted(_previous(month), gains)
    targets = {row["ticker"]: row["final_weight"] for row in month["positions"]}
    trades = trades_of(rows, held, targets, capital, universe().cost_rate)
    dates = ("rebalance_date", "previous_rebalance_date", "as_of_date", "source")
    return {
        **{name: month[name] for name in dates},
        "capital": capital,
        "cost_rate": universe().cost_rate,
        **_sums(trades, capital),
        "trades": trades,
    }


def _previous(month: Row) -> dict[str, float]:
    """Last month's weights: those of the positions that stayed, and of those that left."""
    stayed = {row["ticker"]: row["previous_weight"] for row in month["positions"] if row["previous_weight"]}
    return stayed | {row["ticker"]: row["final_weight"] for row in month["removed"]}


def _gains(conn: Connection, rows: Sequence[Row], bought_for: date | None, as_of: date) -> dict[str, float | None]:
    """Each ticker's return from the close at which last month was bought to that of the session."""
    if bought_for is None:
        return {}
    entry = session_after(bought_for, 1)
    stretches = [
        Stretch(
            row["ticker"],
            "held",
            *(session_at(row["ticker"], session) for session in (entry, as_of)),
        )
        for row in rows
    ]
    return {row["ticker"]: row["period_return"] for row in between(conn, stretches)}


def drifted(weights: Mapping[str, float], gains: Mapping[str, float | None]) -> dict[str, float]:
    """w_i (1 + r_i) / sum of all; a position without a return stands where it stood.

    >>> drifted({"NVDA": 0.5, "MU": 0.5}, {"NVDA": 0.5, "MU": -0.5})
    {'NVDA': 0.75, 'MU': 0.25}
    """
    grown = {ticker: weight * (1 + (gains.get(ticker) or 0.0)) for ticker, weight in weights.items()}
    total = sum(grown.values())
    return {ticker: value / total for ticker, value in grown.items()}


def trades_of(
    rows: Sequence[Row], held: Mapping[str, float], targets: Mapping[str, float], capital: float, cost_rate: float
) -> list[Row]:
    """One row a position of either month: shares held and wanted, and what is traded; none without a price."""
    prices = {row["ticker"]: row["price_usd"] for row in rows if row["price_usd"]}
    # At most this much is paid: whole shares move a trade by less than one share from the exact one.
    moved = sum(capital * abs(targets.get(each, 0.0) - held.get(each, 0.0)) + price for each, price in prices.items())
    investable = max(capital - cost_rate * moved, 0.0)
    return [
        _trade(row, held.get(row["ticker"], 0.0), targets.get(row["ticker"], 0.0), capital, investable, cost_rate)
        for row in rows
    ]


def _trade(row: Row, held: float, target: float, capital: float, investable: float, cost_rate: float) -> Row:
    price = row["price_usd"]
    known = {name: row[name] for name in ("ticker", "company_name", "price_usd", "price_date")}
    weights = {"held_weight": held, "target_weight": target}
    if not price:
        nothing = dict.fromkeys(("held_shares", "target_shares", "shares", "value", "cost"))
        return {**known, **weights, **nothing, "side": None, "missing_reason": NO_PRICE}
    held_shares, target_shares = floor(capital * held / price), floor(investable * target / price)
    shares = target_shares - held_shares
    return {
        **known,
        **weights,
        "held_shares": held_shares,
        "target_shares": target_shares,
        "shares": shares,
        "side": "buy" if shares > 0 else "sell" if shares < 0 else "keep",
        "value": abs(shares) * price,
        "cost": cost_rate * abs(shares) * price,
        "missing_reason": None,
    }


def _sums(trades: Sequence[Row], capital: float) -> Row:
    priced = [trade for trade in trades if trade["side"]]
    cost = sum(trade["cost"] for trade in priced)
    return {
        "bought": sum(trade["value"] for trade in priced if trade["side"] == "buy"),
        "sold": sum(trade["value"] for trade in priced if trade["side"] == "sell"),
        "cost": cost,
        "cash_left": capital - cost - sum(trade["target_shares"] * trade["price_usd"] for trade in priced),
    }
