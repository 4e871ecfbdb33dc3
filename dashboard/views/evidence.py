"""One weight down to the source: the formula, each input row in its version, its message, and the source's answer."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from dash import dcc, html

from contract.evidence import (
    EtfEvidence,
    PositionEvidence,
    PriceRow,
    ReturnEvidence,
    Version,
    WeightEvidence,
)
from dashboard import components
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, compact, percent, signed
from dashboard.texts import common, evidence, portfolio
from dashboard.views import evidence_links, evidence_month
from dashboard.views import portfolio as portfolio_view
from utils.errors import InvalidInput
from utils.reasons import reason

MOST_REVISIONS = 1_000_000
SHARE_OF_ALL = 1.0


class _Input(NamedTuple):
    """A row that was read, as the tables show it. answer_digest: of what the source sent."""

    name: str
    day: str
    value: str
    version: Version
    answer_digest: str | None


def _input(name: str, day: date, value: str, version: Version) -> _Input:
    return _Input(name, day.isoformat(), value, version, version.answer_digest)


def page(client: ApiClient, page: Page) -> list[Component]:
    ticker, session = page.address.subject.upper(), page.address.day("as_of")
    revision = int(page.address.amount("revision", 1, MOST_REVISIONS)) if "revision" in page.address.choices else None
    if ticker and (month := page.address.day("rebalance")):
        return evidence_month.page(client, page, ticker, month, revision)
    period = page.address.choice("period", [str(days) for days in page.periods], str(max(page.periods)))
    if not ticker or session is None:
        raise InvalidInput(reason("no_weight_named"))
    shown = client.weight_evidence(session, int(period), ticker, revision)
    own = next(each for each in shown.positions if each.ticker == ticker)
    return [
        *components.banners(page, source=own.end.source if own.end else None),
        _heading(shown, page),
        _facts(shown, page),
        components.panel(page.say(evidence.FORMULA), _formula(own, shown, page)),
        components.panel(
            page.say(evidence.INPUTS),
            html.P(page.say(evidence.INPUTS_HINT), className="note"),
            _table("inputs", _of_position(own, page), page),
        ),
        _all_positions(shown, page),
        *(_of_etf(etf, shown, page) for etf in shown.etfs),
        evidence_links.folded(
            page.say(evidence.BENCHMARK, benchmark=shown.benchmark.ticker),
            _table("benchmark", _bars(shown.benchmark, page), page),
        ),
        evidence_links.publications([each for each in (shown.publication, shown.trending) if each], page),
    ]


# ── what it is ───────────────────────────────────────────────────────────────


def _heading(shown: WeightEvidence, page: Page) -> Component:
    say = page.say
    title = say(evidence.HEADING, ticker=shown.ticker, weight=percent(shown.weight), days=shown.period_days)
    back = f"/?period={shown.period_days}&as_of={shown.as_of_date}&why={shown.ticker}"
    return components.heading(
        title,
        *evidence_links.revision_selector(shown.revisions, shown.publication, page),
        dcc.Link(say(evidence.BACK), href=back, className="button small"),
    )


def _facts(shown: WeightEvidence, page: Page) -> Component:
    say = page.say
    return components.facts(
        (say(common.SESSION), page.day(shown.as_of_date)),
        (say(common.WEIGHT), percent(shown.weight)),
        (say(common.CASH), percent(shown.formula.cash_weight)),
        *evidence_links.facts(shown.revisions, shown.publication, page),
    )


def _formula(own: PositionEvidence, shown: WeightEvidence, page: Page) -> Component:
    say, total, cap = page.say, shown.formula.score_sum, shown.formula.max_position_weight
    share = own.score / total if total else 0.0
    lines = [
        *((say(evidence.DOLLAR_CLOSE, day=day), _conversion(bar, page)) for day, bar in _ends(own)),
        (say(evidence.FORMULA_RETURN), signed(own.period_return)),
        (say(evidence.FORMULA_CAP), f"${own.market_cap:,}"),
        (
            say(portfolio.FORMULA_SCORE),
            f"{own.period_return:.10f} ÷ {own.market_cap:,} × 10¹² = {_scaled(own.score, 10)}",
        ),
        (say(portfolio.FORMULA_SUM, count=len(shown.positions)), _scaled(total, 10)),
        (say(evidence.AT_MOST), _cap(cap, page)),
        (say(evidence.FORMULA_WEIGHT), f"{_scaled(own.score, 10)} ÷ {_scaled(total, 10)} = {share:.8%}"),
    ]
    if abs(share - own.portfolio_weight) > 1e-9:
        lines.append((say(portfolio.FORMULA_CAPPED), f"{own.portfolio_weight:.8%}"))
    return evidence_links.formula(lines)


def _scaled(score: float, digits: int) -> str:
    """Write a score as everywhere else: times 10¹²."""
    return f"{score * portfolio_view.SCORE_UNIT:,.{digits}f}"


def _cap(cap: float | None, page: Page) -> str:
    if cap is None:
        return page.say(evidence.UNKNOWN_CAP)
    return percent(cap) if cap < SHARE_OF_ALL else page.say(evidence.NO_CAP)


def _ends(returned: ReturnEvidence) -> Iterable[tuple[date, PriceRow | None]]:
    return ((returned.start_session, returned.start), (returned.end_session, returned.end))


def _conversion(bar: PriceRow | None, page: Page) -> str:
    """Show how a price becomes dollars."""
    if bar is None:
        return page.say(evidence.NOT_STORED)
    if bar.rate is None:
        return f"${bar.adj_close:,.4f}"
    dollars = bar.adj_close / bar.rate.close_price
    return f"{bar.adj_close:,.4f} {bar.currency} ÷ {bar.rate.close_price:,.4f} = ${dollars:,.6f}"


# ── the rows that were read ──────────────────────────────────────────────────


def _bars(returned: ReturnEvidence, page: Page) -> list[_Input]:
    """Return the adjusted closes at both ends of a window, each with the rate that converts it."""
    found = []
    for _, bar in _ends(returned):
        if bar is not None:
            name = page.say(evidence.BAR, ticker=bar.ticker)
            value = f"{bar.adj_close:,.4f} {bar.currency}"
            found.append(_input(name, bar.trade_date, value, bar.version))
            if rate := bar.rate:
                name = page.say(evidence.RATE, ticker=rate.ticker)
                found.append(_input(name, rate.trade_date, f"{rate.close_price:,.4f}", rate.version))
    return found


def _of_position(own: PositionEvidence, page: Page) -> list[_Input]:
    inputs = _bars(own, page)
    if own.end and own.end.market_cap:
        name = page.say(evidence.CAP_OF, ticker=own.ticker)
        value = f"{compact(own.end.market_cap)} {own.end.currency}"
        cap = _input(name, own.end.trade_date, value, own.end.version)
        # The share count is from an answer of its own.
        inputs.append(cap._replace(answer_digest=own.end.quote_digest or cap.answer_digest))
    return inputs


def _table(name: str, inputs: Sequence[_Input], page: Page) -> Component:
    say = page.say
    columns = [
        (say(evidence.ROW), ""),
        (say(common.SESSION), ""),
        (say(evidence.VALUE), "number"),
        (say(evidence.KNOWN_AT), ""),
        (say(evidence.LINK), ""),
        (say(evidence.MESSAGE), ""),
        (say(evidence.ANSWER), ""),
    ]
    rows = [
        (
            each.name,
            each.day,
            each.value,
            page.moment(each.version.known_at),
            _place(each.version, page),
            _message(each.version, page),
            _answer(each.answer_digest, page),
        )
        for each in inputs
    ]
    return components.table(name, columns, rows)


def _place(version: Version, page: Page) -> Component:
    place = page.say(evidence.LINK_OF, chain=version.chain, position=version.position)
    return html.Span([f"{version.position} ", evidence_links.short_digest(version.digest)], title=place)


def _message(version: Version, page: Page) -> Component:
    at = version.kafka
    if at is None:
        return html.Span(page.say(evidence.NOT_KEPT), className="soft")
    return html.Code(f"{at.topic}/{at.partition}/{at.offset}")


def _answer(digest: str | None, page: Page) -> Component:
    if digest is None:
        return html.Span(page.say(evidence.NOT_KEPT), className="soft")
    return html.A(html.Code(digest[: evidence_links.SHORT]), href=f"/answers/{digest}", title=digest)


# ── what is folded away ──────────────────────────────────────────────────────


def _all_positions(shown: WeightEvidence, page: Page) -> Component:
    say = page.say
    columns = [
        (say(common.RANK), "number soft"),
        (say(common.TICKER), ""),
        (say(portfolio.PERIOD_RETURN, days=shown.period_days), "number"),
        (say(common.MARKET_CAP), "number"),
        (say(portfolio.SCORE), "number"),
        (say(common.WEIGHT), "number"),
    ]
    rows: list[tuple[Component, ...]] = [
        (
            each.position_rank,
            components.ticker_link(each.ticker, page),
            components.gain(each.period_return),
            compact(each.market_cap),
            _scaled(each.score, 6),
            percent(each.portfolio_weight),
        )
        for each in shown.positions
    ]
    total = _scaled(shown.formula.score_sum, 6)
    rows.append(("", say(evidence.SUM), "", "", total, percent(1 - shown.formula.cash_weight)))
    others = [each for each in shown.positions if each.ticker != shown.ticker]
    inputs = [each for other in others for each in _of_position(other, page)]
    return evidence_links.folded(
        say(evidence.POSITIONS, count=len(shown.positions)),
        components.table("scores", columns, rows),
        _table("other-inputs", inputs, page),
    )


def _of_etf(etf: EtfEvidence, shown: WeightEvidence, page: Page) -> Component:
    say = page.say
    told = say(
        evidence.ETF_RETURNS,
        etf=etf.etf_ticker,
        own=signed(etf.period_return),
        benchmark=shown.benchmark.ticker,
        other=signed(etf.benchmark_return),
    )
    holdings = [
        _input(
            say(evidence.HOLDING, etf=etf.etf_ticker, rank=each.holding_rank, ticker=each.stock_ticker),
            each.collected_date,
            percent(each.holding_percent),
            each.version,
        )
        for each in etf.holdings
    ]
    return evidence_links.folded(
        say(evidence.ETF, etf=etf.etf_ticker),
        html.P(told),
        _table(f"etf-{etf.etf_ticker}", [*_bars(etf, page), *holdings], page),
        html.H3(say(evidence.REJECTED)),
        _verdicts(etf, shown, page),
    )


def _verdicts(etf: EtfEvidence, shown: WeightEvidence, page: Page) -> Component:
    say = page.say
    columns = [
        (say(common.RANK), "number soft"),
        (say(common.TICKER), ""),
        (say(portfolio.PERIOD_RETURN, days=shown.period_days), "number"),
        (say(common.MARKET_CAP), "number"),
        (say(portfolio.VERDICT), "verdict"),
    ]
    rows = [
        (
            each.holding_rank,
            components.ticker_link(each.ticker, page),
            components.gain(each.period_return),
            compact(each.market_cap) if each.market_cap else "–",
            portfolio_view.verdict(each, page),
        )
        for each in etf.candidates
    ]
    return components.table(f"verdicts-{etf.etf_ticker}", columns, rows)
