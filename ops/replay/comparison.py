"""Where a replay differs from a backfill, and the one reason for each difference, read from what both have stored.

A weight follows from which ETFs trend, which of each one's holdings is chosen, and that one's score; so the reason is
looked for in this order, down to a bar, a snapshot of holdings or a market cap that was another one on that evening.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from database.queries.ledger import HOME_CURRENCY
from ops.replay.publications import Candidate, EveningBar, MonthlyPosition, Portfolio, Publications, Trend
from utils.dates import exchange_of, window_of

# Of a weight or a return. Sources round adjusted closes, so that each later dividend moves returns by less than this.
TOLERANCE = 1e-6
# Relative, of a score or a return: below it, it is the same one.
ROUNDING = 1e-7


class Cause(StrEnum):
    HOLDINGS = "other holdings"
    RESTATED = "bar restated since"
    LATE = "bar not there yet"
    QUARANTINED = "bar in quarantine"
    GONE = "bar gone since"
    MARKET_CAP = "other market cap"
    UNEXPLAINED = "unexplained"


class Why(NamedTuple):
    """is_own: whether it is about what the weight itself is made of, not about the others of its portfolio."""

    cause: Cause
    detail: str
    is_own: bool = True


T = TypeVar("T", bound=Any)
UNEXPLAINED = Why(Cause.UNEXPLAINED, "nothing that is stored says why")


@dataclass(frozen=True)
class Difference:
    """table: trending (values are returns), portfolio or monthly (weights); None = it is not there."""

    table: str
    day: date
    period_days: int | None
    ticker: str
    replayed: float | None
    backfilled: float | None
    why: Why


@dataclass(frozen=True)
class Comparison:
    """`end` is the session on whose evening the backfill was made."""

    replayed: Publications
    backfilled: Publications
    end: date
    benchmark: str

    def differences(self) -> list[Difference]:
        return [*self._trending(), *self._portfolios.values(), *self._monthly()]

    def _trending(self) -> Iterator[Difference]:
        for portfolio in _sorted_union(self.replayed.trends, self.backfilled.trends):
            etfs = _sorted_union(self.replayed.trends.get(portfolio, {}), self.backfilled.trends.get(portfolio, {}))
            for etf in etfs:
                then, now = self.replayed.trend(portfolio, etf), self.backfilled.trend(portfolio, etf)
                if _trends(then) != _trends(now) or _apart(_return_of(then), _return_of(now)):
                    why = self._why_trend(portfolio, etf) or UNEXPLAINED
                    yield Difference("trending", *portfolio, etf, _return_of(then), _return_of(now), why)

    @cached_property
    def _portfolios(self) -> dict[tuple[Portfolio, str], Difference]:
        return {(portfolio, one.ticker): one for portfolio, one in self._positions()}

    def _positions(self) -> Iterator[tuple[Portfolio, Difference]]:
        for portfolio in _sorted_union(self.replayed.positions, self.backfilled.positions):
            tickers = _sorted_union(
                self.replayed.positions.get(portfolio, {}), self.backfilled.positions.get(portfolio, {})
            )
            for ticker in tickers:
                held = self.replayed.held(portfolio, ticker), self.backfilled.held(portfolio, ticker)
                then, now = (position.weight if position else None for position in held)
                if _apart(then, now):
                    why = self._why_position(portfolio, ticker)
                    yield portfolio, Difference("portfolio", *portfolio, ticker, then, now, why)

    def _monthly(self) -> Iterator[Difference]:
        for day in _sorted_union(self.replayed.monthly, self.backfilled.monthly):
            then, now = self.replayed.monthly.get(day, {}), self.backfilled.monthly.get(day, {})
            members = {ticker: (then.get(ticker), now.get(ticker)) for ticker in _sorted_union(then, now)}
            for ticker, (before, after) in members.items():
                weights = before.weight if before else None, after.weight if after else None
                if _apart(*weights):
                    why = self._why_member(ticker, before, after) or self._why_other_members(members)
                    yield Difference("monthly", day, None, ticker, *weights, why)

    def _why_member(self, ticker: str, then: MonthlyPosition | None, now: MonthlyPosition | None) -> Why | None:
        """Explain why a stock is in other portfolios of the rebalance's session, None when it is in the same ones."""
        if then and now and (then.periods, then.as_of) == (now.periods, now.as_of):
            return None
        before, after = (set(member.periods if member else ()) for member in (then, now))
        periods = before ^ after or before
        sessions = {member.as_of for member in (then, now) if member}
        found = [
            self._portfolios.get((Portfolio(session, days), ticker))
            for session in sorted(sessions)
            for days in sorted(periods, reverse=True)
        ]
        return next((one.why for one in found if one), None)

    def _why_other_members(self, members: Mapping[str, tuple[MonthlyPosition | None, MonthlyPosition | None]]) -> Why:
        found = filter(None, (self._why_member(ticker, *sides) for ticker, sides in members.items()))
        return next((why._replace(is_own=False) for why in found), UNEXPLAINED)

    def _why_position(self, portfolio: Portfolio, ticker: str) -> Why:
        """Explain a weight by a changed choice of one of its ETFs, else by what changed the others."""
        held = self.replayed.held(portfolio, ticker), self.backfilled.held(portfolio, ticker)
        own = [self._why_choice(portfolio, etf) for etf in _sorted_union(*(one.etfs for one in held if one))]
        return next(filter(None, own), None) or self._why_others(portfolio)

    def _why_others(self, portfolio: Portfolio) -> Why:
        """Explain the weight of an unchanged score by the change that moved the sum of scores most."""
        etfs = _sorted_union(self.replayed.candidates.get(portfolio, {}), self.backfilled.candidates.get(portfolio, {}))
        for etf in sorted(etfs, key=lambda one: -self._change_of_score(portfolio, one)):
            if why := self._why_choice(portfolio, etf):
                return why._replace(is_own=False)
        return UNEXPLAINED

    def _change_of_score(self, portfolio: Portfolio, etf: str) -> float:
        return abs(_score_of(self.replayed.chosen(portfolio, etf)) - _score_of(self.backfilled.chosen(portfolio, etf)))

    def _why_choice(self, portfolio: Portfolio, etf: str) -> Why | None:
        """Explain why an ETF chose another stock or another score, or None when it did not."""
        if _trends(self.replayed.trend(portfolio, etf)) != _trends(self.backfilled.trend(portfolio, etf)):
            return self._why_trend(portfolio, etf)
        then, now = self.replayed.chosen(portfolio, etf), self.backfilled.chosen(portfolio, etf)
        if _same_choice(then, now):
            return None
        # The list of then, judged by what is known now: does it give the choice of then?
        known = self.backfilled.values(portfolio)
        looked_at = self.replayed.looked_at(portfolio, etf)
        judged = best([replace(known.get(one.ticker, one), percent=one.percent) for one in looked_at])
        if _same_choice(then, judged):
            return self._why_list(portfolio, etf)
        changed = (self._why_value(portfolio, one.ticker) for one in (then, judged) if one)
        return next(filter(None, changed), None)

    def _why_list(self, portfolio: Portfolio, etf: str) -> Why | None:
        then, now = self.replayed.looked_at(portfolio, etf), self.backfilled.looked_at(portfolio, etf)
        if [(one.ticker, one.percent) for one in then] == [(one.ticker, one.percent) for one in now]:
            return None
        return Why(
            Cause.HOLDINGS,
            f"{etf}: {_snapshot(then, besides=now)} then, {_snapshot(now, besides=then)} in the backfill",
        )

    def _why_value(self, portfolio: Portfolio, ticker: str) -> Why | None:
        """Explain why a candidate's return or market cap differs."""
        then, now = self.replayed.values(portfolio)[ticker], self.backfilled.values(portfolio).get(ticker)
        if now is None:
            return None
        if not _same(then.period_return, now.period_return):
            returns = then.period_return, now.period_return
            return self._why_return(ticker, (then.start_session, then.end_session), portfolio.as_of, returns)
        if not _same(then.market_cap, now.market_cap):
            return self._why_market_cap(ticker, then.end_session, portfolio.as_of)
        return None

    def _why_trend(self, portfolio: Portfolio, etf: str) -> Why | None:
        then, now = self.replayed.trend(portfolio, etf), self.backfilled.trend(portfolio, etf)
        window = window_of(*portfolio, exchange_of(etf))
        own = self._why_return(etf, window, portfolio.as_of, (_return_of(then), _return_of(now)))
        return own or self._why_return(self.benchmark, window_of(*portfolio), portfolio.as_of)

    def _why_return(
        self,
        ticker: str,
        window: tuple[date, date],
        evening: date,
        published: tuple[float | None, float | None] = (None, None),
    ) -> Why | None:
        """Explain a return by its end points, if their bars give the published returns (where these are known)."""
        sessions = sorted(window, reverse=True)
        for session in sessions:
            if why := self._why_missing(ticker, session, evening):
                return why
        (end_then, end_now), (start_then, start_now) = (self._prices(ticker, session, evening) for session in sessions)
        if not (end_then and end_now and start_then and start_now):
            return None
        computed = end_then / start_then - 1, end_now / start_now - 1
        agrees = all(said is None or not _apart(value, said) for value, said in zip(computed, published, strict=True))
        if _same(*computed) or not agrees:
            return None
        changes = [
            f"of {session} {before:.10g} then, {after:.10g} now"
            for session, before, after in ((sessions[1], start_then, start_now), (sessions[0], end_then, end_now))
            if not _same(before, after)
        ]
        return Why(Cause.RESTATED, f"{ticker}: adjusted close {', '.join(changes)}")

    def _why_missing(self, ticker: str, session: date, evening: date) -> Why | None:
        """Explain why only one of the two knew a bar, or the rate that converts it."""
        then, now = self._both(ticker, session, evening)
        if then and now:
            is_foreign = not ticker.endswith("=X") and then.currency != HOME_CURRENCY
            return self._why_missing(f"{then.currency}=X", session, evening) if is_foreign else None
        if then:
            rejected = (ticker, session) in self.backfilled.quarantined
            return Why(Cause.QUARANTINED if rejected else Cause.GONE, f"{ticker}: {session} in the replay alone")
        if now:
            rejected = (ticker, session) in self.replayed.quarantined
            return Why(Cause.QUARANTINED if rejected else Cause.LATE, f"{ticker}: {session} was not stored then")
        return None

    def _why_market_cap(self, ticker: str, session: date, evening: date) -> Why | None:
        if why := self._why_missing(ticker, session, evening):
            return why
        then, now = self._both(ticker, session, evening)
        if then is None or now is None:
            return None
        if "quoted" in (then.cap_source, now.cap_source) or None in (then.shares, now.shares):
            return Why(Cause.MARKET_CAP, f"{ticker}: {_cap(then)} then, {_cap(now)} in the backfill")
        if then.shares != now.shares:
            return Why(Cause.MARKET_CAP, f"{ticker}: {then.shares:,} shares on {session} then, {now.shares:,} now")
        if not _same(then.close, now.close):
            return Why(Cause.RESTATED, f"{ticker}: close of {session} {then.close:.10g} then, {now.close:.10g} now")
        rates = self._rates(ticker, session, evening)
        if not _same(*rates):
            return Why(Cause.RESTATED, f"{then.currency}=X: {session} {rates[0]:.10g} then, {rates[1]:.10g} now")
        return None

    def _both(self, ticker: str, session: date, evening: date) -> tuple[EveningBar | None, EveningBar | None]:
        """Return a bar as known on the evening, and as known to the backfill."""
        return (
            self.replayed.known_bar(ticker, session, evening),
            self.backfilled.known_bar(ticker, session, self.end),
        )

    def _prices(self, ticker: str, session: date, evening: date) -> tuple[float | None, float | None]:
        """Return the adjusted closes in dollars, then and now."""
        bars, rates = self._both(ticker, session, evening), self._rates(ticker, session, evening)
        then, now = (bar.adj_close / rate if bar else None for bar, rate in zip(bars, rates, strict=True))
        return then, now

    def _rates(self, ticker: str, session: date, evening: date) -> tuple[float, float]:
        """Return units of the ticker's currency per dollar, then and now, 1 where none is known or needed."""
        bar = self.replayed.known_bar(ticker, session, evening)
        if bar is None or bar.currency == HOME_CURRENCY:
            return 1.0, 1.0
        then, now = self._both(f"{bar.currency}=X", session, evening)
        return (then.close if then else 1.0), (now.close if now else 1.0)


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """Choose as the allocation does: the holding with the highest positive return that has a market cap."""
    eligible = [one for one in candidates if one.score is not None]
    return min(eligible, key=lambda one: (-(one.period_return or 0), -one.percent, one.ticker), default=None)


def count_causes(differences: Iterable[Difference]) -> Counter[tuple[str, Cause]]:
    """Count the differences of each table by cause."""
    return Counter((one.table, one.why.cause) for one in differences)


def _trends(trend: Trend | None) -> bool:
    return trend is not None and trend.is_trending


def _return_of(trend: Trend | None) -> float | None:
    return trend.period_return if trend else None


def _score_of(chosen: Candidate | None) -> float:
    return (chosen.score or 0.0) if chosen else 0.0


def _same_choice(one: Candidate | None, other: Candidate | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.ticker == other.ticker and _same(one.score, other.score)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDING * max(abs(one), abs(other))


def _apart(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) > TOLERANCE


def _snapshot(looked_at: Sequence[Candidate], besides: Sequence[Candidate]) -> str:
    """Describe a list of holdings by its day and by those that the other list lacks."""
    if not looked_at:
        return "no holdings"
    others = {one.ticker for one in besides}
    only_here = [one.ticker for one in looked_at if one.ticker not in others]
    return f"holdings of {looked_at[0].holdings_as_of}{' with ' if only_here else ''}{', '.join(only_here)}"


def _cap(bar: EveningBar) -> str:
    if bar.market_cap is None:
        return "no market cap"
    return f"{bar.market_cap / 1e9:,.2f} bn {bar.currency} ({bar.cap_source})"


def _sorted_union(*groups: Iterable[T]) -> list[T]:
    return sorted(set[T]().union(*groups))
