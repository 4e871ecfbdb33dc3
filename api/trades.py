"""The trades that a rebalance asks for, in whole shares: from last month's portfolio as it stands now to this month's.

Last month's portfolio was bought at its weights at the close of the session after its rebalance and left alone: its
weights have drifted with the prices up to the session that this month is decided on. It is followed as the record does:
one that runs out before this month is bought is sold, and everything is bought from cash; a month that is not
computable is no decision, and leaves what is held alone. Shares are counted at that session's closes as they were
traded, before any later split, in US dollars. What has no price is not traded, and its worth stays in it. What shares,
cost and rounding leave is cash, and it is never negative.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from math import floor

from config.universe import universe
from contract.portfolios import MonthlyPortfolio, MonthlyPosition, MonthlyTrades, Trade
from contract.reasons import data_of, shown
from database.db_helper import Connection
from database.queries import portfolios
from database.queries.returns import Return, TickerWindow, between
from utils.dates import session_at, traded_on, valid_until
from utils.reasons import join, of_ticker, reason

NO_PRICE = reason("no_price_by_then")


def monthly(conn: Connection, rebalance_date: date | None, capital: float) -> MonthlyTrades | None:
    """Return the trades of a rebalance, the newest when none is named; None without one."""
    month = portfolios.monthly(conn, rebalance_date)
    if month is None:
        return None
    before = _still_held(conn, month)
    gains = _gains(conn, month, [row.ticker for row in before])
    held = drifted(
        {row.ticker: row.final_weight for row in before}, {each.ticker: each.period_return for each in gains}
    )
    trades = _trades(month, before, held, capital)
    for trade in trades:
        trade.is_undrifted = any(each.ticker == trade.ticker and each.period_return is None for each in gains)
    if month.as_of_date:
        _compare(trades, portfolios.volumes(conn, [trade.ticker for trade in trades], month.as_of_date))
    doubts = [of_ticker(each.ticker, [*each.missing, *each.noted]) for each in gains if each.missing or each.noted]
    previous = month.previous_rebalance_date
    return MonthlyTrades(
        rebalance_date=month.rebalance_date,
        previous_rebalance_date=previous,
        previous_valid_until=valid_until(previous) if previous else None,
        previous_is_expired=_has_run_out(month),
        as_of_date=month.as_of_date,
        status=month.status,
        reason=join(data_of(month.reasons)),
        reasons=month.reasons,
        degraded_reason=join(doubts),
        degraded_reasons=shown(doubts),
        source=month.source,
        capital=capital,
        cost_rate=universe().cost_rate,
        **_sums(trades, capital),
        trades=trades,
    )


def _has_run_out(month: MonthlyPortfolio) -> bool:
    """Return whether last month's portfolio is sold before this month's would be bought."""
    if month.previous_rebalance_date is None or month.rebalance_date is None:
        return False
    return valid_until(month.previous_rebalance_date) < traded_on(month.rebalance_date)


def _still_held(conn: Connection, month: MonthlyPortfolio) -> list[MonthlyPosition]:
    """Return last month's positions at the prices of this month's session; none when they are sold."""
    if month.previous_rebalance_date is None or month.as_of_date is None or _has_run_out(month):
        return []
    return portfolios.followed_month(conn, month.previous_rebalance_date, month.as_of_date)


def _trades(
    month: MonthlyPortfolio, before: Sequence[MonthlyPosition], held: Mapping[str, float], capital: float
) -> list[Trade]:
    if month.status == "not_computable":
        return kept(before, held, capital)
    targets = {row.ticker: row.final_weight for row in month.positions}
    rows = [*month.positions, *(row for row in before if row.ticker not in targets)]
    return trades_of(rows, held, targets, capital, universe().cost_rate)


def _compare(trades: Sequence[Trade], volumes: Mapping[str, float]) -> None:
    """Fill in which part of an ordinary session's volume each trade is. Stored volumes are adjusted for splits."""
    for trade in trades:
        volume = volumes.get(trade.ticker)
        if trade.shares and volume:
            trade.share_of_volume = abs(trade.shares) * trade.split_factor / volume


def _gains(conn: Connection, month: MonthlyPortfolio, tickers: Sequence[str]) -> list[Return]:
    """Return each ticker's return from the close at which last month was bought to that of the session."""
    if month.previous_rebalance_date is None or month.as_of_date is None:
        return []
    entry, as_of = traded_on(month.previous_rebalance_date), month.as_of_date
    windows = [TickerWindow(ticker, "held", session_at(ticker, entry), session_at(ticker, as_of)) for ticker in tickers]
    return between(conn, windows)


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
    # What cannot be sold pays for nothing.
    free = max(1.0 - sum(weight for ticker, weight in held.items() if ticker not in prices), 0.0)
    wanted = _within(free, {ticker: targets.get(ticker, 0.0) for ticker in prices})
    investable = _investable(capital, free, held, wanted, prices, cost_rate)
    return [
        _trade(
            row,
            (held.get(row.ticker, 0.0), targets.get(row.ticker, 0.0)),
            (capital * held.get(row.ticker, 0.0), investable * wanted.get(row.ticker, 0.0)),
            cost_rate,
        )
        for row in rows
    ]


def _investable(
    capital: float,
    free: float,
    held: Mapping[str, float],
    wanted: Mapping[str, float],
    prices: Mapping[str, float],
    cost_rate: float,
) -> float:
    """Return the most, to the cent, that can be placed at the wanted weights and leaves money for its own cost."""

    def paid(invested: float) -> float:
        # Whole shares move a trade by less than one share from the exact one.
        traded = sum(abs(invested * wanted[each] - capital * held.get(each, 0.0)) + prices[each] for each in prices)
        return invested * sum(wanted.values()) + cost_rate * traded

    cents = bisect_right(range(floor(capital * 100) + 1), free * capital, key=lambda cents: paid(cents / 100)) - 1
    return max(cents, 0) / 100


def _within(free: float, weights: Mapping[str, float]) -> Mapping[str, float]:
    """Return weights, made smaller alike where they are more than there is money for.

    >>> _within(0.5, {"A": 0.75, "B": 0.25}), _within(0.5, {"A": 0.25})
    ({'A': 0.375, 'B': 0.125}, {'A': 0.25})
    """
    total = sum(weights.values())
    return {ticker: weight * free / total for ticker, weight in weights.items()} if free < min(total, 1.0) else weights


def kept(rows: Sequence[MonthlyPosition], held: Mapping[str, float], capital: float) -> list[Trade]:
    """Return one trade a position that leaves it alone."""
    return [_trade(row, (held[row.ticker],) * 2, (capital * held[row.ticker],) * 2, 0.0) for row in rows]


def _trade(row: MonthlyPosition, weights: tuple[float, float], values: tuple[float, float], cost_rate: float) -> Trade:
    """Return the trade of a position. weights and values are those held and those wanted."""
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
        held_weight=weights[0],
        target_weight=weights[1],
        missing_reason=str(NO_PRICE),
        missing_reasons=shown([NO_PRICE]),
    )
    if not row.price_usd:
        return trade
    trade.held_shares, trade.target_shares = (floor(value / row.price_usd) for value in values)
    trade.shares = trade.target_shares - trade.held_shares
    trade.side = "buy" if trade.shares > 0 else "sell" if trade.shares < 0 else "keep"
    trade.value = abs(trade.shares) * row.price_usd
    trade.cost = cost_rate * abs(trade.shares) * row.price_usd
    trade.missing_reason, trade.missing_reasons = None, []
    return trade


def _sums(trades: Sequence[Trade], capital: float) -> dict[str, float]:
    """Return the sums of the trades by their fields' names. What has no price is worth its weight of the capital."""
    cost = sum((trade.cost or 0.0 for trade in trades), 0.0)
    invested = sum((trade.target_shares or 0) * (trade.price_usd or 0.0) for trade in trades)
    unpriced = capital * sum((trade.held_weight for trade in trades if not trade.price_usd), 0.0)
    return {
        "bought": sum((trade.value or 0.0 for trade in trades if trade.side == "buy"), 0.0),
        "sold": sum((trade.value or 0.0 for trade in trades if trade.side == "sell"), 0.0),
        "cost": cost,
        "cash_left": capital - cost - invested - unpriced,
        "unpriced_value": unpriced,
    }
