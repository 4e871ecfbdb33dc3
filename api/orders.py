"""The trades from what a reader owns to one of the four portfolios, at the newest closes. Nothing of it is kept."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from api import rebalancing
from api.rebalancing import NOTHING, Plan, Position, Rules, cents
from config.currencies import MINOR_UNITS
from config.exchanges import class_share
from config.periods import MONTHLY
from config.universe import universe
from contract.common import Source, Status
from contract.orders import LeftOut, Order, Outside, OwnedTrades
from contract.reasons import Reasons, data_of, shown
from database.db_helper import Connection
from database.queries import portfolios, stocks
from database.queries.newest_closes import NewestClose, newest_closes
from utils.dates import next_last_sunday, valid_until
from utils.errors import NotPublished
from utils.reasons import Reason, join, reason

# An older close says too little of what a share is worth now.
OLDEST_PRICE = timedelta(days=10)
SIDES = ("sell", "buy", "keep")
KOREAN_CODE = re.compile(r"\d{5}[0-9A-Z]")


@dataclass(frozen=True)
class Owned:
    """A position as the reader says it. currency: empty where they do not say it."""

    ticker: str
    shares: Decimal
    currency: str = ""


@dataclass(frozen=True)
class Target:
    """One of the portfolios as it is to be held now."""

    period: str
    as_of_date: date
    status: Status
    reasons: Reasons
    source: Source | None
    weights: Mapping[str, float]
    rebalance_date: date | None = None
    valid_until: date | None = None
    next_rebalance: date | None = None
    is_expired: bool = False


@dataclass(frozen=True)
class Wishes:
    """How the reader wants to trade. outside: what becomes of positions that the portfolio does not have."""

    cash: Decimal
    is_fractional: bool
    band: Decimal
    outside: Outside

    @property
    def rules(self) -> Rules:
        return Rules(Decimal(str(universe().cost_rate)), self.band, self.is_fractional)


def owned_positions(written: str) -> list[Owned]:
    """Read positions as the route takes them. Several of one ticker and currency are one.

    >>> [(each.ticker, str(each.shares), each.currency) for each in owned_positions("NVDA:1.5,MU:10:USD,nvda:2")]
    [('NVDA', '3.5', ''), ('MU', '10', 'USD')]
    """
    shares: dict[tuple[str, str], Decimal] = {}
    for each in filter(None, written.split(",")):
        ticker, count, *currency = each.split(":")
        key = (ticker.upper(), "".join(currency))
        shares[key] = shares.get(key, NOTHING) + Decimal(count)
    return [Owned(ticker, count, currency) for (ticker, currency), count in shares.items()]


def trades(conn: Connection, period: str, positions: str, wishes: Wishes) -> OwnedTrades:
    """Return the orders from what is owned to the newest portfolio of a period."""
    newest = stocks.newest_session(conn)
    target = _target(conn, period, newest)
    owned = owned_positions(positions)
    names = {name for each in owned for name in _spellings(each.ticker)}
    closes = newest_closes(conn, sorted(names | target.weights.keys()))
    session = newest or target.as_of_date
    held, left_out = _held(owned, closes, session, target)
    if wishes.outside == "keep":
        held = {ticker: shares for ticker, shares in held.items() if ticker in target.weights}
    left_out += _not_wanted(target, closes, session, {each.ticker for each in left_out})
    counted = _counted(held, target, closes, {each.ticker for each in left_out})
    return _answer(counted, closes, target, wishes, left_out, session)


def _target(conn: Connection, period: str, newest: date | None) -> Target:
    if period == MONTHLY:
        return _month(conn, newest)
    found = portfolios.allocation(conn, int(period), None)
    weights = {each.ticker: each.portfolio_weight for each in found.positions}
    return Target(period, found.as_of_date, found.status, found.reasons, found.source, weights)


def _month(conn: Connection, newest: date | None) -> Target:
    """Return the month's portfolio, which is cash when it has run out.

    One that is not computable is no decision: what was decided before it runs out all the same.
    """
    month = portfolios.monthly(conn, None)
    if month is None or month.as_of_date is None or month.rebalance_date is None or month.valid_until is None:
        raise NotPublished(reason("no_rebalance"))
    decided_before = month.previous_rebalance_date if month.status == "not_computable" else None
    last_session = valid_until(decided_before) if decided_before else month.valid_until
    is_expired = newest is not None and newest > last_session
    return Target(
        MONTHLY,
        month.as_of_date,
        month.status,
        month.reasons,
        month.source,
        {} if is_expired else {each.ticker: each.final_weight for each in month.positions},
        month.rebalance_date,
        last_session,
        next_last_sunday(month.rebalance_date),
        is_expired,
    )


def _spellings(ticker: str) -> list[str]:
    """Return how a ticker may be stored: a class share with a hyphen, a Korean code with its market.

    >>> _spellings("BRK.B"), _spellings("005930"), _spellings("VOD.L")
    (['BRK.B', 'BRK-B'], ['005930', '005930.KS', '005930.KQ'], ['VOD.L'])
    """
    if hyphened := class_share(ticker):
        return [ticker, hyphened]
    if KOREAN_CODE.fullmatch(ticker):
        return [ticker, f"{ticker}.KS", f"{ticker}.KQ"]
    return [ticker]


def _held(
    owned: Sequence[Owned], closes: Mapping[str, NewestClose], session: date, target: Target
) -> tuple[dict[str, Decimal], list[LeftOut]]:
    """Return what can be counted of what is owned by its stored ticker, and what cannot with the reason.

    A ticker with a line that cannot be counted is left out with all its lines: how much of it is owned is not known.
    """
    lines: dict[str, list[tuple[Decimal, Reason | None]]] = {}
    for each in owned:
        ticker = next((name for name in _spellings(each.ticker) if name in closes), each.ticker)
        why = _why_not(closes.get(ticker), session) or _other_currency(each, closes[ticker])
        lines.setdefault(ticker, []).append((each.shares, why))
    left = {ticker: of_ticker for ticker, of_ticker in lines.items() if any(why for _, why in of_ticker)}
    held = {
        ticker: sum((shares for shares, _ in of_ticker), NOTHING)
        for ticker, of_ticker in lines.items()
        if ticker not in left
    }
    return held, [
        # What the portfolio has of a ticker is in one line alone.
        _left_out(ticker, shares, 0.0 if nth else target.weights.get(ticker, 0.0), why or reason("other_line_left_out"))
        for ticker, of_ticker in left.items()
        for nth, (shares, why) in enumerate(of_ticker)
    ]


def _why_not(close: NewestClose | None, session: date) -> Reason | None:
    """Tell why a ticker cannot be traded at its newest close, or return None when it can."""
    if close is None:
        return reason("not_collected")
    if close.price_usd is None or close.price_usd <= 0:
        return reason("no_rate", rate=close.currency, session=close.trade_date.isoformat())
    if close.trade_date < session - OLDEST_PRICE:
        return reason("price_too_old", session=close.trade_date.isoformat())
    return None


def _other_currency(owned: Owned, close: NewestClose) -> Reason | None:
    if owned.currency and _unit(owned.currency) != _unit(close.currency):
        return reason("other_currency_owned", given=owned.currency, stored=close.currency)
    return None


def _unit(currency: str) -> str:
    """Return a currency of its own where a source quotes a hundredth of it."""
    return MINOR_UNITS.get(currency.upper(), currency.upper())


def _left_out(ticker: str, held: Decimal, weight: float, why: Reason) -> LeftOut:
    return LeftOut(ticker, float(held), weight, join([why]) or "", shown([why]))


def _counted(
    held: Mapping[str, Decimal], target: Target, closes: Mapping[str, NewestClose], left_out: Container[str]
) -> list[Position]:
    tickers = [*held, *(ticker for ticker in target.weights if ticker not in held)]
    return [
        Position(
            ticker,
            held.get(ticker, NOTHING),
            Decimal(str(closes[ticker].price_usd)),
            Decimal(str(target.weights.get(ticker, 0.0))),
        )
        for ticker in tickers
        if ticker not in left_out
    ]


def _not_wanted(target: Target, closes: Mapping[str, NewestClose], session: date, told: Iterable[str]) -> list[LeftOut]:
    """Return the portfolio's positions that cannot be bought for want of a price."""
    return [
        _left_out(ticker, NOTHING, weight, why)
        for ticker, weight in target.weights.items()
        if ticker not in told and (why := _why_not(closes.get(ticker), session))
    ]


def _answer(
    positions: Sequence[Position],
    closes: Mapping[str, NewestClose],
    target: Target,
    wishes: Wishes,
    left_out: list[LeftOut],
    session: date,
) -> OwnedTrades:
    rules = wishes.rules
    capital = rebalancing.capital_of(positions, wishes.cash)
    is_decided = target.status != "not_computable" or target.is_expired
    planned = rebalancing.plan(positions, wishes.cash, rules) if is_decided else Plan({}, frozenset())
    orders = [_order(each, closes[each.ticker], planned, capital, rules) for each in positions]
    orders.sort(key=lambda each: (SIDES.index(each.side), -each.value, -each.target_value, each.ticker))
    sums = _sums(orders)
    return OwnedTrades(
        period=target.period,
        as_of_date=target.as_of_date,
        rebalance_date=target.rebalance_date,
        valid_until=target.valid_until,
        next_rebalance=target.next_rebalance,
        is_expired=target.is_expired,
        status=target.status,
        reason=join(data_of(target.reasons)),
        reasons=target.reasons,
        source=target.source,
        price_session=session,
        cash=float(wishes.cash),
        owned_value=float(capital - wishes.cash),
        capital=float(capital),
        **{name: float(amount) for name, amount in sums.items()},
        cash_left=float(wishes.cash + sums["sold"] - sums["bought"] - sums["cost"]),
        cost_rate=float(rules.cost_rate),
        band=float(rules.band),
        is_fractional=rules.is_fractional,
        outside=wishes.outside,
        smallest_capital=_number(rebalancing.smallest_capital(positions, rules)),
        off_target=_off_target(orders, target) if is_decided and capital else 0.0,
        orders=orders,
        left_out=left_out,
    )


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _order(position: Position, close: NewestClose, planned: Plan, capital: Decimal, rules: Rules) -> Order:
    shares = planned.shares.get(position.ticker, NOTHING)
    value = cents(abs(shares) * position.price)
    after = position.held_value + (value if shares > 0 else -value)
    return Order(
        ticker=position.ticker,
        company_name=close.company_name,
        side="buy" if shares > 0 else "sell" if shares < 0 else "keep",
        shares=float(shares),
        held_shares=float(position.held),
        target_shares=float(position.held + shares),
        price_usd=float(position.price),
        price_date=close.trade_date,
        currency=close.currency,
        close_price=close.close_price,
        rate_date=close.rate_date or close.trade_date,
        value=float(value),
        cost=float(rules.cost(value)),
        held_value=float(position.held_value),
        target_value=float(after),
        held_weight=float(position.held_value / capital) if capital else 0.0,
        weight=float(after / capital) if capital else 0.0,
        target_weight=float(position.weight),
        is_in_band=position.ticker in planned.in_band,
        share_of_volume=float(abs(shares)) / close.volume if shares and close.volume else None,
    )


def _sums(orders: Sequence[Order]) -> dict[str, Decimal]:
    """Return the sums of the orders, each of which is in whole cents, by their fields' names."""

    def total(amounts: Iterable[float]) -> Decimal:
        return sum((Decimal(str(amount)) for amount in amounts), NOTHING)

    return {
        "bought": total(each.value for each in orders if each.side == "buy"),
        "sold": total(each.value for each in orders if each.side == "sell"),
        "cost": total(each.cost for each in orders),
    }


def _off_target(orders: Sequence[Order], target: Target) -> float:
    """Return half of the sum of all differences in weight, of cash and of what is left out as well."""
    weights = {each.ticker: each.weight for each in orders}
    apart = [
        weights.get(ticker, 0.0) - target.weights.get(ticker, 0.0)
        for ticker in sorted(weights.keys() | target.weights.keys())
    ]
    return (sum(map(abs, apart)) + abs(sum(apart))) / 2
