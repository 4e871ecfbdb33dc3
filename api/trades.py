"""The trades that a rebalance asks for, in whole shares: from last month's portfolio as it stands now to this month's.

Last month's portfolio was bought at its weights at the close of the session after its rebalance and left alone: its
weights have drifted with the prices up to the session that this month is decided on. Shares are counted at that
session's closes as they were traded, before any later split, in US dollars. What shares, cost and rounding leave is
cash, and it is never negative.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from math import floor

from config.universe import universe
from contract.portfolios import MonthlyPortfolio, MonthlyPosition, MonthlyTrades, Trade
from contract.reasons import shown
from database.db_helper import Connection
from database.queries import portfolios
from database.queries.returns import TickerWindow, between
from utils.dates import session_after, session_at
from utils.reasons import reason

NO_PRICE = reason("no_price_by_then")


def monthly(conn: Connection, rebalance_date: date | None, capital: float) -> MonthlyTrades | None:
    """Return the trades of a rebalance, the newest when none is named; None without one."""
    month = portfolios.monthly(conn, rebalance_date)
    if month is None:
        return None
    rows = [*month.positions, *month.removed]
    held = drifted(_previous(month), _gains(conn, month))
    targets = {row.ticker: row.final_weight for row in month.positions}
    trades = trades_of(rows, held, targets, capital, universe().cost_rate)
    if month.as_of_date:
        _compare(trades, portfolios.volumes(conn, [trade.ticker for trade in trades], month.as_of_date))
    return MonthlyTrades(
        rebalance_date=month.rebalance_date,
        previous_rebalance_date=month.previous_rebalance_date,
        as_of_date=month.as_of_date,
        source=month.source,
        capital=capital,
        cost_rate=universe().cost_rate,
        **_sums(trades, capital),
        trades=trades,
    )


def _compare(trades: Sequence[Trade], volumes: Mapping[str, float]) -> None:
    """Fill in which part of an ordinary session's volume each trade is. Stored volumes are adjusted for splits."""
    for trade in trades:
        volume = volumes.get(trade.ticker)
        if trade.shares and volume:
            trade.share_of_volume = abs(trade.shares) * trade.split_factor / volume


def _previous(month: MonthlyPortfolio) -> dict[str, float]:
    """Return last month's weights: those of the positions that stayed, and of those that left."""
    stayed = {row.ticker: row.previous_weight for row in month.positions if row.previous_weight}
    return stayed | {row.ticker: row.final_weight for row in month.removed}


def _gains(conn: Connection, month: MonthlyPortfolio) -> dict[str, float | None]:
    """Return each ticker's return from the close at which last month was bought to that of the session."""
    if month.previous_rebalance_date is None or month.as_of_date is None:
        return {}
    entry, as_of = session_after(month.previous_rebalance_date, 1), month.as_of_date
    tickers = [row.ticker for row in (*month.positions, *month.removed)]
    windows = [TickerWindow(ticker, "held", session_at(ticker, entry), session_at(ticker, as_of)) for ticker in tickers]
    return {each.ticker: each.period_return for each in between(conn, windows)}


def drifted(weights: Mapping[str, float], gains: Mapping[str, float | None]) -> dict[str, float]:
    """Return w_i (1 + r_i) / sum of all. A position without a return stands where it stood.

    >>> drifted({"NVDA": 0.5, "MU": 0.5}, {"NVDA": 0.5, "MU": -0.5})
    {'NVDA': 0.75, 'MU': 0.25}
    """
    grown = {ticker: weight * (1 + (gains.get(ticker) or 0.0)) for ticker, weight in weights.items()}
    total = sum(grown.values())
    return {ticker: value / total for ticker, value in grown.items()}


def trades_of(
    rows: Sequence[MonthlyPosition],
    held: Mapping[str, float],
    targets: Mapping[str, float],
    capital: float,
    cost_rate: float,
) -> list[Trade]:
    """Return one trade a position of either month: shares held, wanted and traded; none without a price."""
    prices = {row.ticker: row.price_usd for row in rows if row.price_usd}
    # At most this much is paid: whole shares move a trade by less than one share from the exact one.
    moved = sum(capital * abs(targets.get(each, 0.0) - held.get(each, 0.0)) + price for each, price in prices.items())
    investable = max(capital - cost_rate * moved, 0.0)
    return [
        _trade(row, held.get(row.ticker, 0.0), targets.get(row.ticker, 0.0), capital, investable, cost_rate)
        for row in rows
    ]


def _trade(
    row: MonthlyPosition, held: float, target: float, capital: float, investable: float, cost_rate: float
) -> Trade:
    trade = Trade(
        ticker=row.ticker,
        company_name=row.company_name,
        side=None,
        shares=None,
        held_shares=None,
        target_shares=None,
        price_usd=row.price_usd,
        price_date=row.price_date,
        split_factor=row.split_factor,
        value=None,
        cost=None,
        held_weight=held,
        target_weight=target,
        missing_reason=str(NO_PRICE),
        missing_reasons=shown([NO_PRICE]),
    )
    if not row.price_usd:
        return trade
    trade.held_shares, trade.target_shares = (
        floor(capital * held / row.price_usd),
        floor(investable * target / row.price_usd),
    )
    trade.shares = trade.target_shares - trade.held_shares
    trade.side = "buy" if trade.shares > 0 else "sell" if trade.shares < 0 else "keep"
    trade.value = abs(trade.shares) * row.price_usd
    trade.cost = cost_rate * abs(trade.shares) * row.price_usd
    trade.missing_reason, trade.missing_reasons = None, []
    return trade


def _sums(trades: Sequence[Trade], capital: float) -> dict[str, float]:
    """Return the sums of the priced trades by their fields' names."""
    cost = sum((trade.cost or 0.0 for trade in trades), 0.0)
    return {
        "bought": sum((trade.value or 0.0 for trade in trades if trade.side == "buy"), 0.0),
        "sold": sum((trade.value or 0.0 for trade in trades if trade.side == "sell"), 0.0),
        "cost": cost,
        "cash_left": capital - cost - sum((trade.target_shares or 0) * (trade.price_usd or 0.0) for trade in trades),
    }
