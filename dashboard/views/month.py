"""The month's merged portfolio, what it changes, and the trades that follow."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import dcc, html

from contract.pipeline import Calendar
from contract.portfolios import MonthlyPortfolio, MonthlyPosition, MonthlyTrades, Trade
from dashboard import components, figures, grids
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent
from dashboard.texts import common, month
from dashboard.views import evidence_links, selectors, track_record
from utils.dates import next_last_sunday

CAPITAL = 100_000.0
LARGEST_CAPITAL = 1e9  # more than the smaller companies could sell
SIDES = {"buy": month.BUY, "sell": month.SELL, "keep": month.KEEP}
# Of the shares traded in an ordinary session: more than that moves the price against whoever trades.
LARGEST_SHARE_OF_VOLUME = 0.1
SHOWN_LARGE = 5
CAPITAL_INPUT = "capital"
CAPITAL_PROBLEM = "capital-problem"


def page(client: ApiClient, page: Page) -> list[Component]:
    shown = client.monthly(page.address.day("as_of"))
    calendar = client.calendar()
    expired = _expired(shown, calendar, page)
    has_trades = shown.rebalance_date and not expired
    trades = client.monthly_trades(page.address.day("as_of"), _capital(page)) if has_trades else None
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
        *([_trades(trades, page)] if trades and trades.trades else []),
        html.P(page.say(month.METHOD), className="method"),
    ]


def positions(client: ApiClient, page: Page) -> Sequence[MonthlyPosition]:
    return client.monthly(page.address.day("as_of")).positions


def trades(client: ApiClient, page: Page) -> Sequence[Trade]:
    return client.monthly_trades(page.address.day("as_of"), _capital(page)).trades


def _capital(page: Page) -> float:
    return page.address.amount("capital", CAPITAL, LARGEST_CAPITAL)


def _expired(shown: MonthlyPortfolio, calendar: Calendar, page: Page) -> list[Component]:
    """Return the warning that the newest month has run out, by the newest session that is published."""
    newest, later = calendar.sessions[-1:], [day for day in calendar.rebalances if day.as_of_date > _day_of(shown)]
    if not (shown.valid_until and newest) or later or newest[0].as_of_date <= shown.valid_until:
        return []
    text = page.say(
        month.EXPIRED, day=page.day(shown.valid_until), next=page.day(next_last_sunday(newest[0].as_of_date))
    )
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
    chart = figures.weights(shares, page.palette, page.say(common.CASH))
    return html.Div(
        [
            components.panel(page.say(common.WEIGHT), components.graph("weights", chart)),
            components.panel(
                page.say(month.POSITIONS),
                _cards(shown, page),
                _grid(shown, page),
                tools=[components.download(page, "month")],
            ),
        ],
        className="columns",
    )


def _cards(shown: MonthlyPortfolio, page: Page) -> Component:
    say = page.say
    return components.cards(
        [
            (
                html.Span([components.ticker_link(each.ticker), " ", html.Strong(percent(each.final_weight))]),
                dcc.Link(
                    " ".join(components.periods(each.source_periods, page)),
                    href=evidence_links.of_month(each.ticker, _day_of(shown)),
                ),
                [
                    (say(month.BEFORE), percent(each.previous_weight)),
                    (say(month.CHANGE), components.gain(each.final_weight - (each.previous_weight or 0.0))),
                    (say(month.SCORE), f"{each.score:.1f}"),
                    (say(common.COMPANY), each.company_name or "–"),
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
        grids.link("periods", say(month.SOURCE_PERIODS), 140, headerTooltip=say(month.SOURCE_PERIODS_HINT)),
    ]
    return grids.grid(
        "positions", columns, [_row(each, shown, page) for each in shown.positions], page, row_id="ticker"
    )


def _row(position: MonthlyPosition, shown: MonthlyPortfolio, page: Page) -> dict[str, Any]:
    return {
        **grids.cells(position),
        "ticker_href": f"/ticker/{position.ticker}",
        "change": position.final_weight - (position.previous_weight or 0.0),
        "periods": " ".join(components.periods(position.source_periods, page)),
        "periods_href": evidence_links.of_month(position.ticker, _day_of(shown)),
    }


# ── trades ───────────────────────────────────────────────────────────────────


def _trades(trades: MonthlyTrades, page: Page) -> Component:
    """Show what to buy and sell for a capital, its cost, and the prices behind it."""
    say = page.say
    session = page.day(trades.as_of_date)
    hint = month.TRADES_HINT if trades.previous_rebalance_date else month.FIRST_TRADES_HINT
    amounts = {"bought": trades.bought, "sold": trades.sold, "cost": trades.cost}
    sums = {name: f"${amount:,.2f}" for name, amount in amounts.items()}
    total = say(month.TOTAL, **sums, cash=f"${trades.cash_left:,.2f}", rate=f"{trades.cost_rate:.2%}")
    capital = html.Label(
        [
            html.Span(say(month.CAPITAL), className="unseen"),
            "$ ",
            # Text, so that what is no number reaches us and can be answered.
            dcc.Input(
                id=CAPITAL_INPUT,
                type="text",
                inputMode="numeric",
                value=amount_text(_capital(page)),
                debounce=True,
                className="amount",
            ),
        ]
    )
    return components.panel(
        say(month.TRADES),
        html.P(id=CAPITAL_PROBLEM, className="problem", role="alert"),
        html.P(total, id="trade-sums", className="strong"),
        *_too_small(trades.trades, page),
        *_too_large(trades.trades, page),
        _trade_cards(trades.trades, page),
        _trade_grid(trades.trades, page),
        html.P(say(hint, session=session), className="note"),
        tools=[capital, components.download(page, "trades")],
    )


def _too_small(trades: Sequence[Trade], page: Page) -> list[Component]:
    """Tell how many positions the sum is too small for."""
    wanted = [trade for trade in trades if trade.target_weight and trade.price_usd]
    without = [trade for trade in wanted if not trade.target_shares]
    if not without:
        return []
    dearest = max(trade.price_usd or 0.0 for trade in wanted)
    told = page.say(month.TOO_SMALL, count=len(without), positions=len(wanted), price=f"{dearest:,.2f}")
    return [html.P(told, className="problem", role="note")]


def _too_large(trades: Sequence[Trade], page: Page) -> list[Component]:
    """Tell which trades are more than a market can take without moving, the largest first."""
    large = sorted(
        (trade for trade in trades if (trade.share_of_volume or 0.0) > LARGEST_SHARE_OF_VOLUME),
        key=lambda trade: -(trade.share_of_volume or 0.0),
    )
    if not large:
        return []
    named = ", ".join(f"{trade.ticker} {trade.share_of_volume:,.0%}" for trade in large[:SHOWN_LARGE])
    more = page.say(month.AND_MORE, count=len(large) - SHOWN_LARGE) if len(large) > SHOWN_LARGE else ""
    told = page.say(month.TOO_LARGE, limit=f"{LARGEST_SHARE_OF_VOLUME:.0%}", trades=named + more)
    return [html.P(told, className="problem", role="note", id="too-large")]


def capital_of(typed: str | None) -> float | None:
    """Return the sum that was typed, or None when it is none.

    >>> capital_of(" $25,000.50 "), capital_of("-10"), capital_of("abc"), capital_of("1e12")
    (25000.5, None, None, None)
    """
    try:
        capital = float((typed or "").replace(",", "").strip(" $"))
    except ValueError:
        return None
    return capital if 1 <= capital <= LARGEST_CAPITAL else None


def amount_text(amount: float) -> str:
    """Write a sum as it is typed: whole dollars, or cents where there are some.

    >>> amount_text(1000000.5), amount_text(100000.0)
    ('1000000.50', '100000')
    """
    return f"{amount:.0f}" if amount == int(amount) else f"{amount:.2f}"


def _trade_grid(trades: Sequence[Trade], page: Page) -> Component:
    say = page.say
    columns = [
        grids.link("ticker", say(common.TICKER), 110, minWidth=100),
        grids.text("side_text", say(month.SIDE), 90),
        grids.number("shares", say(month.SHARES), 100, "+,d", cellClass="ag-right-aligned-cell strong"),
        grids.number("held_shares", say(month.HELD), 95, ",d"),
        grids.number("target_shares", say(month.TARGET), 95, ",d"),
        grids.number("price_usd", say(month.PRICE), 110, ",.2f"),
        grids.number("value", say(month.VALUE), 120, ",.2f"),
        grids.number("cost", say(month.COST), 95, ",.2f"),
        grids.number("held_weight", say(month.HELD_WEIGHT), 120, ".2%"),
        grids.number("target_weight", say(common.WEIGHT), 95, ".2%"),
        grids.text("company_name", say(common.COMPANY), 190, flex=1, minWidth=140),
    ]
    return grids.grid("trades", columns, [_trade_row(each, page) for each in trades], page, row_id="ticker")


def _trade_cards(trades: Sequence[Trade], page: Page) -> Component:
    say = page.say
    return components.cards(
        [
            (
                html.Span([components.ticker_link(each.ticker), " ", html.Strong(_order(each, page))]),
                "",
                [
                    (say(month.PRICE), "–" if each.price_usd is None else f"{each.price_usd:,.2f}"),
                    (say(month.VALUE), "–" if each.value is None else f"{each.value:,.2f}"),
                    (say(month.HELD), "–" if each.held_shares is None else f"{each.held_shares:,}"),
                    (say(month.TARGET), "–" if each.target_shares is None else f"{each.target_shares:,}"),
                ],
            )
            for each in trades
        ]
    )


def _order(trade: Trade, page: Page) -> str:
    side = page.say(SIDES[trade.side] if trade.side else month.NO_PRICE)
    return f"{side} {abs(trade.shares):,}" if trade.shares else side


def _trade_row(trade: Trade, page: Page) -> dict[str, Any]:
    side = SIDES[trade.side] if trade.side else month.NO_PRICE
    return {**grids.cells(trade), "ticker_href": f"/ticker/{trade.ticker}", "side_text": page.say(side)}
