"""The portfolio of a period as of a session, why each weight is what it is, and whether its data can be trusted."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from config.periods import MONTHLY
from contract.pipeline import Calendar
from contract.portfolios import ActiveAllocations, Candidate, CandidatePart, ExplainedPortfolio, Position
from dashboard import components, grids
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, compact, percent, signed
from dashboard.texts import Text, common, portfolio
from dashboard.texts import ticker as ticker_texts
from dashboard.views import evidence_links, month, selectors, summary

SCORE_UNIT = 1e12
CANDIDATES_IN_SIGHT = 12
POSITIONS_IN_SIGHT = 40
BARS_AT_MOST = 40
NOT_COMPUTABLE = "not_computable"
# Of the candidates: what the ETFs of one position offered, or everything.
CHOSEN, ALL = "position", "all"


def page(client: ApiClient, page: Page) -> list[Component]:
    if selectors.selected(page) == MONTHLY:
        return month.page(client, page)
    allocations = _ask(client, page, "all" if _lists_all(page) else "position")
    calendar = client.calendar()
    shown = _of_period(allocations, page)
    return [
        *components.banners(
            page,
            source=shown.source,
            degraded_reason=components.words(shown.degraded_reasons, page),
            later_holdings=shown.holdings_as_of if shown.holdings_known_later else None,
            session=shown.as_of_date,
        ),
        *summary.concentration(shown.positions, page),
        components.heading(
            page.say(portfolio.TITLE),
            selectors.period_selector(page),
            selectors.session_picker(page, shown.as_of_date, calendar),
        ),
        *_first(client, shown, calendar, page),
        *(_positions(shown, page) if shown.positions else [_empty(shown, page)]),
        _facts(shown, allocations.bars, page),
        _all_candidates(shown, page),
        html.P(page.say(portfolio.METHOD), className="method"),
    ]


def positions(client: ApiClient, page: Page) -> Sequence[Position]:
    """Return the table of positions, as the API gives it."""
    return _of_period(_ask(client, page, "none"), page).positions


def candidates(client: ApiClient, page: Page) -> Sequence[Candidate]:
    return _of_period(_ask(client, page, "all"), page).candidates


def _ask(client: ApiClient, page: Page, part: CandidatePart) -> ActiveAllocations:
    """Ask for the selected period alone: with hundreds of ETFs all candidates of all periods are megabytes."""
    ticker = page.address.choices.get("why")
    return client.allocation(page.address.day("as_of"), int(selectors.selected(page)), part, ticker)


def _lists_all(page: Page) -> bool:
    return page.address.choice("candidates", [CHOSEN, ALL], CHOSEN) == ALL


def _of_period(allocations: ActiveAllocations, page: Page) -> ExplainedPortfolio:
    days = int(selectors.selected(page))
    return next(each for each in allocations.portfolios if each.period_days == days)


def _first(client: ApiClient, shown: ExplainedPortfolio, calendar: Calendar, page: Page) -> list[Component]:
    """Return what is told first of a portfolio that could be computed."""
    if shown.status == NOT_COMPUTABLE:
        return []
    told = client.summary(shown.as_of_date, shown.period_days)
    return [summary.cards(told, shown.positions, calendar, page)]


def _facts(shown: ExplainedPortfolio, bars: dict[str, int], page: Page) -> Component:
    say = page.say
    return components.facts(
        (say(common.SESSION), page.day(shown.as_of_date)),
        (say(portfolio.POSITIONS), str(len(shown.positions))),
        (say(common.CASH), percent(shown.cash_weight)),
        (say(portfolio.HOLDINGS_AS_OF), page.day(shown.holdings_as_of)),
        (say(portfolio.DATA), _completeness(bars, page)),
        (say(common.PRICES), say(common.SOURCES[shown.source])),
        (say(portfolio.PUBLISHED), components.moment(shown.published_at, page)),
    )


def _completeness(bars: dict[str, int], page: Page) -> Component:
    """How many of the bars that the session should have are stored."""
    expected = sum(count for state, count in bars.items() if state != "closed")
    stored = bars.get("stored", 0)
    if not expected:
        return "–"
    told = page.say(portfolio.DATA_OF, stored=stored, expected=expected)
    states = ", ".join(page.say(portfolio.STATES[state], count=count) for state, count in sorted(bars.items()))
    hint = page.say(portfolio.DATA_HINT, states=states)
    return dcc.Link(told, href="/pipeline", title=hint, className="" if stored == expected else "incomplete")


def _empty(shown: ExplainedPortfolio, page: Page) -> Component:
    if shown.status == NOT_COMPUTABLE:
        return components.not_computable(shown.reasons, page)
    why = components.words(shown.reasons, page)
    return components.state(page.say(portfolio.EMPTY_TITLE), why, page.say(portfolio.EMPTY_HINT))


def _positions(shown: ExplainedPortfolio, page: Page) -> list[Component]:
    shares = [(each.ticker, each.portfolio_weight) for each in shown.positions[:BARS_AT_MOST]]
    if rest := shown.positions[BARS_AT_MOST:]:
        others = page.say(portfolio.OTHERS, count=f"{len(rest):,}")
        shares.append((others, sum(each.portfolio_weight for each in rest)))
    cash = (page.say(common.CASH), shown.cash_weight or 0.0)
    return [
        html.Div(
            [
                components.panel(page.say(portfolio.WEIGHTS), components.bars("weights", shares, cash)),
                components.panel(
                    page.say(portfolio.POSITIONS),
                    _cards(shown, page),
                    _grid(shown, page),
                    *_quoted_note(shown, page),
                    tools=[components.download(page, "portfolio")],
                ),
            ],
            className="columns",
        ),
        _why(shown, page),
    ]


def _cards(shown: ExplainedPortfolio, page: Page) -> Component:
    """Show the first positions as a phone can: ticker, weight and the way to the reason first."""
    say = page.say
    return components.cards(
        [
            (
                html.Span(
                    [components.ticker_link(each.ticker, page), " ", html.Strong(percent(each.portfolio_weight))]
                ),
                dcc.Link(say(portfolio.WHY), href=page.address.href(why=each.ticker)),
                [
                    (say(portfolio.PERIOD_RETURN, days=shown.period_days), components.gain(each.period_return)),
                    (say(common.MARKET_CAP), compact(each.market_cap)),
                    (say(portfolio.SOURCE_ETFS), " ".join(each.source_etfs)),
                    (say(common.COMPANY), page.company(each.ticker, each.company_name)),
                    (say(common.SECTOR), page.sector(each.sector)),
                ],
            )
            for each in shown.positions[:POSITIONS_IN_SIGHT]
        ]
    )


def _grid(shown: ExplainedPortfolio, page: Page) -> Component:
    say = page.say
    columns = [
        grids.number("position_rank", say(common.RANK), 60, "d"),
        grids.link("ticker", say(common.TICKER), 110, minWidth=100),
        grids.number("portfolio_weight", say(common.WEIGHT), 90, ".2%", cellClass="ag-right-aligned-cell strong"),
        grids.signed("period_return", say(portfolio.PERIOD_RETURN, days=shown.period_days), 105),
        grids.text("company_name", say(common.COMPANY), 190, flex=1, minWidth=140),
        grids.text("sector", say(common.SECTOR), 150),
        grids.market_cap(say(common.MARKET_CAP), 100),
        grids.number("scaled_score", say(portfolio.SCORE), 90, ".3f", headerTooltip=say(portfolio.SCORE_HINT)),
        grids.text("etfs", say(portfolio.SOURCE_ETFS), 130),
        grids.link("why", say(portfolio.WHY), 80, sortable=False, filter=False),
    ]
    rows = [_row(each, page) for each in shown.positions]
    return grids.table("positions", columns, rows, page, row_id="ticker")


def _row(position: Position, page: Page) -> dict[str, Any]:
    return {
        **grids.cells(position),
        "company_name": page.company(position.ticker, position.company_name),
        "sector": page.sector(position.sector),
        "ticker_href": components.ticker_href(position.ticker, page),
        "cap": compact(position.market_cap) + ("*" if position.market_cap_source == "quoted" else ""),
        "scaled_score": position.score * SCORE_UNIT,
        "etfs": " ".join(position.source_etfs),
        "why": page.say(portfolio.WHY),
        "why_href": page.address.href(why=position.ticker),
    }


def _quoted_note(shown: ExplainedPortfolio, page: Page) -> list[Component]:
    has_quoted = any(each.market_cap_source == "quoted" for each in shown.positions)
    return [html.P(page.say(portfolio.MARKET_CAP_QUOTED), className="note")] if has_quoted else []


# ── why ──────────────────────────────────────────────────────────────────────


def _why(shown: ExplainedPortfolio, page: Page) -> Component:
    """One position's weight, from the ETFs that chose it to the formula with its numbers."""
    tickers = [each.ticker for each in shown.positions]
    ticker = page.address.choice("why", tickers, tickers[0])
    position = shown.positions[tickers.index(ticker)]
    title = page.say(portfolio.WHY_TITLE, ticker=ticker, weight=percent(position.portfolio_weight))
    choices = [components.Choice(each, each, page.address.href(why=each)) for each in _named(tickers, ticker)]
    chosen_by = page.say(portfolio.CHOSEN_BY, etfs=", ".join(position.source_etfs), days=shown.period_days)
    return components.panel(
        title,
        html.P(chosen_by),
        html.Div([_formula(position, shown, page), _origin(position, shown, page)], className="halves"),
        html.Div(
            [
                _offer(etf, [each for each in shown.candidates if each.etf_ticker == etf], ticker, page)
                for etf in position.source_etfs
            ],
            className="offers",
        ),
        tools=[components.selector(page.say(portfolio.WHY), choices, ticker), _to_source(ticker, shown, page)],
        name="why",
    )


def _named(tickers: Sequence[str], ticker: str) -> Sequence[str]:
    """Return the first positions to choose from, with the chosen one; the table has all of them."""
    first = tickers[:BARS_AT_MOST]
    return first if ticker in first else [*first, ticker]


def _to_source(ticker: str, shown: ExplainedPortfolio, page: Page) -> Component:
    """Link to what the weight follows from."""
    there = evidence_links.of_weight(ticker, shown.period_days, shown.as_of_date)
    hint = page.say(portfolio.TO_SOURCE_HINT)
    return dcc.Link(page.say(portfolio.TO_SOURCE), href=there, className="button small", title=hint)


def _formula(position: Position, shown: ExplainedPortfolio, page: Page) -> Component:
    """Return, score, sum of scores and weight, each with its number."""
    say, scores = page.say, [each.score for each in shown.positions]
    total = sum(scores)
    weight = position.score / total
    days = {"start": position.start_session, "end": position.end_session}
    cap = f"${compact(position.market_cap)}"
    lines = [
        (say(portfolio.FORMULA_RETURN, **days), signed(position.period_return)),
        (
            say(portfolio.FORMULA_SCORE),
            f"{position.period_return:.6f} ÷ {cap} × 10¹² = {_scaled(position.score)}",
        ),
        (say(portfolio.FORMULA_SUM, count=len(scores)), _scaled(total)),
        (say(portfolio.FORMULA_WEIGHT), f"{_scaled(position.score)} ÷ {_scaled(total)} = {weight:.2%}"),
    ]
    if abs(weight - position.portfolio_weight) > 1e-9:
        lines.append((say(portfolio.FORMULA_CAPPED), percent(position.portfolio_weight)))
    return html.Dl(
        [html.Div([components.term(name), html.Dd(value)]) for name, value in lines], id="formula", className="formula"
    )


def _scaled(score: float) -> str:
    """Write a score as the table does, in which it is multiplied by 10¹²."""
    return f"{score * SCORE_UNIT:,.3f}"


def _origin(position: Position, shown: ExplainedPortfolio, page: Page) -> Component:
    say = page.say
    chosen = [each for each in shown.candidates if each.ticker == position.ticker and each.is_selected]
    snapshots = [say(portfolio.SNAPSHOT, etf=each.etf_ticker, day=page.day(each.holdings_as_of)) for each in chosen]
    published = f"{say(portfolio.PUBLISHED)}: {page.moment(shown.published_at)}"
    run = [say(portfolio.RUN, run=shown.run_id)] if shown.run_id else []
    prices = f"{say(common.PRICES)}: {say(common.SOURCES[shown.source])}"
    cap = say(portfolio.MARKET_CAP_IS, source=say(ticker_texts.CAP_SOURCES[position.market_cap_source]))
    return html.Div(
        [
            html.H3(say(portfolio.WHERE_FROM)),
            html.Ul([html.Li(line) for line in [*snapshots, prices, cap, published, *run]]),
            html.H3(say(portfolio.RULE)),
            html.P(components.reason(position.allocation_reasons, page)),
        ],
        className="origin",
    )


def _offer(etf: str, offered: Sequence[Candidate], ticker: str, page: Page) -> Component:
    """Show the holdings of one ETF that were looked at: one is chosen, each other one has its reason."""
    say = page.say
    columns = [
        (say(common.RANK), "number soft"),
        (say(common.TICKER), ""),
        (say(portfolio.HOLDING), "number"),
        (say(portfolio.PERIOD_RETURN, days=selectors.selected(page)), "number"),
        (say(common.MARKET_CAP), "number"),
        (say(portfolio.VERDICT), "verdict"),
    ]
    rows = [
        (
            each.holding_rank,
            components.ticker_link(each.ticker, page),
            percent(each.holding_percent),
            html.Span(signed(each.period_return), className=components.sign_class(each.period_return)),
            compact(each.market_cap) if each.market_cap else "–",
            verdict(each, page),
        )
        for each in offered
    ]
    return html.Div([html.H3(say(portfolio.CANDIDATES_OF, etf=etf)), components.table(f"offer-{etf}", columns, rows)])


def verdict(candidate: Candidate, page: Page) -> Component:
    """Tell whether a holding was chosen, or why not."""
    if candidate.is_selected:
        return html.Strong(page.say(portfolio.CHOSEN), className="chosen")
    return components.reason(candidate.exclusion_reasons, page)


def _all_candidates(shown: ExplainedPortfolio, page: Page) -> Component:
    """All that was looked at: the way to it, or a grid. A table of so many cells would hold up the whole view."""
    say, is_open = page.say, _lists_all(page)
    title: list[Component] = [say(portfolio.ALL_CANDIDATES), html.Span(f" {shown.candidate_count:,}", className="soft")]
    there = page.address.href(candidates=None if is_open else ALL)
    if not shown.candidate_count:
        return html.Section([html.H2(title), html.P(say(_why_none(shown)))], className="panel", id="candidates")
    way = dcc.Link(say(portfolio.FOLD if is_open else portfolio.UNFOLD), href=there, className="button small")
    head = html.Div([html.H2(title), way, components.download(page, "candidates")], className="panel-head")
    hint = html.P(say(portfolio.ALL_CANDIDATES_HINT), className="note")
    grid = [_candidate_grid(shown, page)] if is_open else []
    return html.Section([head, hint, *grid], className="panel", id="candidates")


def _candidate_grid(shown: ExplainedPortfolio, page: Page) -> Component:
    say = page.say
    rows = [_candidate_row(each, page) for each in shown.candidates]
    columns = [
        grids.text("etf_ticker", say(portfolio.ETF), 80),
        grids.number("holding_rank", say(common.RANK), 70, "d"),
        grids.link("ticker", say(common.TICKER), 110),
        grids.number("holding_percent", say(portfolio.HOLDING), 110, ".2%"),
        grids.signed("period_return", say(portfolio.PERIOD_RETURN, days=shown.period_days), 120),
        grids.market_cap(say(common.MARKET_CAP), 110),
        grids.text("verdict", say(portfolio.VERDICT), 320, flex=1),
    ]
    return grids.grid("all-candidates", columns, rows, page, rows_shown=CANDIDATES_IN_SIGHT)


def _why_none(shown: ExplainedPortfolio) -> Text:
    return common.NOT_COMPUTABLE_TITLE if shown.status == NOT_COMPUTABLE else portfolio.NO_CANDIDATES


def _candidate_row(candidate: Candidate, page: Page) -> dict[str, Any]:
    return {
        **grids.cells(candidate),
        "ticker_href": components.ticker_href(candidate.ticker, page),
        "cap": compact(candidate.market_cap) if candidate.market_cap else "–",
        "verdict": page.say(portfolio.CHOSEN)
        if candidate.is_selected
        else components.words(candidate.exclusion_reasons, page),
    }
