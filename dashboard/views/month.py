"""The month's merged portfolio, and what it changes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import dcc, html

from contract.pipeline import Calendar
from contract.portfolios import MonthlyPortfolio, MonthlyPosition
from dashboard import components, grids
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent
from dashboard.texts import common, month
from dashboard.views import evidence_links, selectors, track_record
from utils.dates import next_last_sunday


def page(client: ApiClient, page: Page) -> list[Component]:
    shown = client.monthly(page.address.day("as_of"))
    calendar = client.calendar()
    expired = _expired(shown, calendar, page)
    return [
        *expired,
        *_banners(shown, page),
        components.heading(
            page.say(month.TITLE),
            selectors.period_selector(page),
            *([selectors.rebalance_picker(page, day, calendar)] if (day := shown.rebalance_date) else []),
        ),
        *([_facts(shown, page), html.P(track_record.link(page), className="record")] if shown.rebalance_date else []),
        _positions(shown, page) if shown.positions else _empty(shown, page),
        html.P(page.say(month.METHOD), className="method"),
    ]


def positions(client: ApiClient, page: Page) -> Sequence[MonthlyPosition]:
    return client.monthly(page.address.day("as_of")).positions


def _expired(shown: MonthlyPortfolio, calendar: Calendar, page: Page) -> list[Component]:
    """Return the warning that the newest month has run out, by the newest session that is published.

    The next one is made even if its Sunday has passed.
    """
    newest = calendar.sessions[-1:]
    later = [day for day in calendar.rebalances if day.is_computable and day.as_of_date > _day_of(shown)]
    if not (shown.valid_until and newest) or later or newest[0].as_of_date <= shown.valid_until:
        return []
    following = next_last_sunday(max(_day_of(shown), *(day.as_of_date for day in calendar.rebalances)))
    text = page.say(month.EXPIRED, day=page.day(shown.valid_until), next=page.day(following))
    return [html.Div(text, className="banner degraded", role="note")]


def _day_of(shown: MonthlyPortfolio) -> date:
    return shown.rebalance_date or date.max


def _banners(shown: MonthlyPortfolio, page: Page) -> list[Component]:
    """Return the warnings about the month's data, as for a session."""
    later = max(filter(None, (shown.holdings_as_of, shown.as_of_date)), default=None)
    not_in_record = page.say(month.NOT_IN_RECORD, session=page.day(shown.record_as_of))
    return [
        *components.banners(
            page,
            source=shown.source,
            degraded_reason=components.words(shown.degraded_reasons, page),
            later_holdings=later if later != shown.as_of_date else None,
            session=shown.as_of_date,
        ),
        *(
            [html.Div(not_in_record, className="banner degraded", role="note")]
            if shown.record_as_of and not shown.is_in_record
            else []
        ),
    ]


def _facts(shown: MonthlyPortfolio, page: Page) -> Component:
    say = page.say
    return components.facts(
        (say(month.REBALANCED), page.day(shown.rebalance_date)),
        (say(month.VALID_UNTIL), page.day(shown.valid_until)),
        (say(month.SESSION), page.day(shown.as_of_date)),
        (say(month.POSITIONS), str(len(shown.positions))),
        (say(month.REMOVED), _tickers(shown.removed)),
        (say(common.PRICES), say(common.SOURCES[shown.source]) if shown.source else "–"),
    )


def _tickers(positions: Sequence[MonthlyPosition]) -> Component:
    return ", ".join(each.ticker for each in positions) or "–"


def _empty(shown: MonthlyPortfolio, page: Page) -> Component:
    if shown.status == "not_computable":
        return components.not_computable(shown.reasons, page)
    why = components.words(shown.reasons, page)
    return components.state(page.say(month.EMPTY_TITLE), why, page.say(month.EMPTY_HINT))


def _positions(shown: MonthlyPortfolio, page: Page) -> Component:
    shares = [(each.ticker, each.final_weight) for each in shown.positions]
    no_cash = (page.say(common.CASH), 0.0)
    return html.Div(
        [
            components.panel(page.say(common.WEIGHT), components.bars("weights", shares, no_cash)),
            components.panel(
                page.say(month.POSITIONS),
                _cards(shown, page),
                _grid(shown, page),
                tools=[selectors.trades_link(page), components.download(page, "month")],
            ),
        ],
        className="columns",
    )


def _cards(shown: MonthlyPortfolio, page: Page) -> Component:
    say = page.say
    return components.cards(
        [
            (
                html.Span([components.ticker_link(each.ticker, page), " ", html.Strong(percent(each.final_weight))]),
                dcc.Link(
                    " ".join(components.periods(each.source_periods, page)),
                    href=evidence_links.of_month(each.ticker, _day_of(shown)),
                ),
                [
                    (say(month.BEFORE), percent(each.previous_weight)),
                    (say(month.CHANGE), components.gain(each.final_weight - (each.previous_weight or 0.0))),
                    (say(month.SCORE), f"{each.score:.1f}"),
                    (say(common.COMPANY), page.company(each.ticker, each.company_name)),
                ],
            )
            for each in shown.positions
        ]
    )


def _grid(shown: MonthlyPortfolio, page: Page) -> Component:
    say = page.say
    columns = [
        grids.number("final_rank", say(common.RANK), 60, "d"),
        grids.link("ticker", say(common.TICKER), 110, minWidth=100),
        grids.number("final_weight", say(common.WEIGHT), 95, ".2%", cellClass="ag-right-aligned-cell strong"),
        grids.number("previous_weight", say(month.BEFORE), 105, ".2%"),
        grids.signed("change", say(month.CHANGE), 95),
        grids.number("previous_rank", say(month.RANK_BEFORE), 90, "d"),
        grids.text("company_name", say(common.COMPANY), 190, flex=1, minWidth=140),
        grids.text("sector", say(common.SECTOR), 150),
        grids.number("score", say(month.SCORE), 80, ".1f", headerTooltip=say(month.SCORE_HINT)),
        grids.link("periods", say(month.SOURCE_PERIODS), 140),
    ]
    rows = [_row(each, shown, page) for each in shown.positions]
    return grids.table("positions", columns, rows, page, row_id="ticker")


def _row(position: MonthlyPosition, shown: MonthlyPortfolio, page: Page) -> dict[str, Any]:
    return {
        **grids.cells(position),
        "company_name": page.company(position.ticker, position.company_name),
        "sector": page.sector(position.sector),
        "ticker_href": components.ticker_href(position.ticker, page),
        "change": position.final_weight - (position.previous_weight or 0.0),
        "periods": " ".join(components.periods(position.source_periods, page)),
        "periods_href": evidence_links.of_month(position.ticker, _day_of(shown)),
    }
