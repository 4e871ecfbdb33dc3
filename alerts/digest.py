"""What was published for a session, as one message: `python -m alerts.digest SESSION` prints it as JSON.

A process of its own, as `alerts.due` is.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from typing import cast

import msgspec

from alerts import texts
from alerts.channels import Message
from config.config import Settings
from contract.portfolios import Performance, Portfolio, PortfolioPerformance
from contract.reasons import ShownReason, data_of
from dashboard.texts import Language, Text
from dashboard.texts.common import SOURCES
from dashboard.texts.performance import OF_DAYS, OF_MONTH
from dashboard.texts.reasons import KOREAN
from database.db_helper import Connection, connect
from database.queries import portfolios, track_record
from database.queries.portfolios import Earlier
from utils.dates import traded_on
from utils.reasons import SENTENCES, join

# Less than that is no trade, but the last digit of a weight.
SMALLEST_TRADE = 0.0005


def main() -> None:
    settings = Settings.from_env()
    with closing(connect(settings.database)) as conn:
        message = digest(conn, date.fromisoformat(sys.argv[1]), settings.alerts.language)
    sys.stdout.buffer.write(msgspec.json.encode(message))


def digest(conn: Connection, session: date, language: str) -> Message:
    """Return the message about a session: its portfolios, what changed since those before, trades and record.

    Before a portfolio is what was last decided: one that was not computable changes nothing.
    """
    chosen = cast(Language, language)
    now = portfolios.allocations(conn, session)
    earlier = {each.period_days: portfolios.earlier(conn, each.period_days, session) for each in now}
    lines = [*_head(now, session, chosen), ""]
    for portfolio in now:
        lines += [*portfolio_lines(portfolio, earlier[portfolio.period_days], chosen), ""]
    lines += [
        *_trades(now, earlier, session, chosen),
        "",
        *record_lines(track_record.performance(conn, session), chosen),
    ]
    return Message(texts.DIGEST.in_(chosen, session=session), "\n".join(lines).rstrip())


def _head(now: Sequence[Portfolio], session: date, language: Language) -> Iterator[str]:
    source = SOURCES[now[0].source].in_(language)
    yield texts.PORTFOLIOS.in_(language, session=session, source=source)


def portfolio_lines(now: Portfolio, before: Earlier | None, language: Language) -> Iterator[str]:
    """Yield a portfolio's positions, each with its weight and what it was before."""
    name = _name(now.period_days, language)
    yield name if now.positions else f"{name}: {_reasons(now, language)}"
    was = before.weights if before and now.status != "not_computable" else {}
    for position in now.positions:
        change = _change(position.ticker, position.portfolio_weight, was, before, language)
        yield f"  {position.ticker} {position.portfolio_weight:.1%}{change}"
    gone = [ticker for ticker in was if ticker not in weights(now)]
    if gone:
        yield texts.GONE.in_(language, tickers=", ".join(f"{ticker} ({was[ticker]:.1%})" for ticker in gone))
    if now.cash_weight:
        yield texts.CASH.in_(language, weight=f"{now.cash_weight:.1%}")
    if now.degraded_reasons:
        yield texts.DEGRADED.in_(language, reasons=_join(now.degraded_reasons, language))


def _change(ticker: str, weight: float, was: Mapping[str, float], before: Earlier | None, language: Language) -> str:
    if before is None or abs(weight - was.get(ticker, 0.0)) < SMALLEST_TRADE:
        return ""
    return texts.WAS.in_(language, weight=f"{was[ticker]:.1%}") if ticker in was else texts.NEW.in_(language)


def weights(portfolio: Portfolio) -> dict[str, float]:
    return {each.ticker: each.portfolio_weight for each in portfolio.positions}


def _trades(
    now: Sequence[Portfolio], earlier: Mapping[int, Earlier | None], session: date, language: Language
) -> Iterator[str]:
    yield texts.TRADES.in_(language, session=traded_on(session))
    for portfolio in now:
        name = _name(portfolio.period_days, language)
        if portfolio.status == "not_computable":
            yield f"  {name}: {texts.NO_DECISION.in_(language)}"
            continue
        before = earlier[portfolio.period_days]
        sides = trades(before.weights if before else {}, weights(portfolio))
        said = [_side(words, sign, sides, language) for words, sign in ((texts.BUY, 1), (texts.SELL, -1))]
        yield f"  {name}: {'; '.join(filter(None, said)) or texts.NO_TRADE.in_(language)}"


def trades(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Return what is to be bought (positive) and sold of each ticker, as a share of the portfolio.

    >>> trades({"GS": 0.5, "MU": 0.25}, {"MU": 0.25, "GE": 0.5})
    {'GE': 0.5, 'GS': -0.5}
    """
    changes = {ticker: now.get(ticker, 0.0) - before.get(ticker, 0.0) for ticker in sorted({*before, *now})}
    return {ticker: change for ticker, change in changes.items() if abs(change) >= SMALLEST_TRADE}


def _side(words: Text, sign: int, changes: Mapping[str, float], language: Language) -> str:
    mine = [f"{ticker} {abs(change):.1%}" for ticker, change in changes.items() if change * sign > 0]
    return words.in_(language, tickers=", ".join(mine)) if mine else ""


def record_lines(record: Performance, language: Language) -> Iterator[str]:
    """Yield what each followed portfolio has come to, in the last session and in all."""
    if not record.portfolios or record.as_of_date is None:
        yield texts.NO_RECORD.in_(language, reasons=_join(record.reasons, language))
        return
    yield texts.RECORD.in_(language, session=record.as_of_date)
    for each in record.portfolios:
        yield f"  {_name(each.period_days, language)}: {_came_to(each, record.benchmark, language)}"


def _came_to(followed: PortfolioPerformance, benchmark: str, language: Language) -> str:
    known = followed.known_net
    last = known[-1] / known[-2] - 1 if len(known) > 1 else None
    return texts.CAME_TO.in_(
        language,
        last=_percent(last),
        total=_percent(followed.total_return_net),
        since=followed.first_session,
        benchmark=benchmark,
        other=_percent(followed.benchmark_return),
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2%}"


def _name(period_days: int, language: Language) -> str:
    return OF_DAYS.in_(language, days=period_days) if period_days else OF_MONTH.in_(language)


def _reasons(portfolio: Portfolio, language: Language) -> str:
    return _join(portfolio.reasons, language) or portfolio.status


def _join(reasons: Sequence[ShownReason], language: Language) -> str:
    return join(data_of(reasons), KOREAN if language == "ko" else SENTENCES) or ""


if __name__ == "__main__":
    main()
