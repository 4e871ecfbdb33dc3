"""What to trade so that what the reader owns becomes a portfolio. Where what they own is kept is their choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from dash import dcc, html
from msgspec.structs import replace

from contract.orders import LARGEST_CASH, LeftOut, Order, OwnedTrades
from dashboard import components, grids, positions
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent
from dashboard.texts import Text, common
from dashboard.texts import trades as texts
from dashboard.views import selectors
from utils.errors import ActstockError

# What the browser keeps, and what was entered in this tab.
OWNED, ENTERED = "owned", "entered"
SHOWN_ORDERS = "shown-orders"
ORDERS = "orders"
POSITIONS, UPLOAD, CASH, PLACE = "own-positions", "own-upload", "own-cash", "own-place"
SHOW, FORGET, FILE = "own-show", "own-forget", "own-file"
Place = Literal["browser", "platform", "nowhere"]
PLACES: Mapping[Place, Text] = {
    "browser": texts.IN_BROWSER,
    "platform": texts.ON_PLATFORM,
    "nowhere": texts.NOWHERE,
}
LARGEST_FILE = 1_000_000  # bytes
WHOLE, FRACTIONAL = "whole", "fractional"
BANDS = ("0", "0.01", "0.02", "0.05")
# How to trade: what may be chosen, by its name in the address. The first of each is the default.
HOW: Mapping[str, Sequence[str]] = {"shares": (WHOLE, FRACTIONAL), "band": BANDS, "outside": ("sell", "keep")}
SIDES: Mapping[str, Text] = {"buy": texts.BUY, "sell": texts.SELL, "keep": texts.KEEP}
# Of the shares traded in an ordinary session: more than that moves the price against whoever trades.
LARGEST_SHARE_OF_VOLUME = 0.1
NAMED_AT_MOST = 5
EXPORTS: Mapping[str, Text] = {
    "orders": texts.AS_CSV,
    "ibkr-basket": texts.AS_BASKET,
    "ghostfolio-activities": texts.AS_ACTIVITIES,
}


class Kept(msgspec.Struct):
    """What the reader's browser keeps: what they own as they wrote it."""

    positions: str = ""
    cash: str = ""


class Entered(Kept):
    """What was entered, and where it is to be kept.

    saved_at: since when the platform has it. problem: why the platform did not do what it was asked
    """

    place: Place = "browser"
    saved_at: datetime | None = None
    problem: str = ""


# What a tab has after all was forgotten there.
FORGOTTEN = Entered()


@dataclass(frozen=True)
class Asked:
    """What is asked of the API: positions as it takes them, and a sum of cash."""

    reading: positions.Reading
    cash: float


def page(client: ApiClient, page: Page) -> list[Component]:
    say = page.say
    return [
        components.heading(say(texts.TITLE), selectors.period_selector(page, keeps_day=True)),
        html.P(say(texts.LEAD), className="lead"),
        _form(page),
        html.Div(id=ORDERS, role="status"),
        dcc.Store(id=OWNED, storage_type="local"),
        dcc.Store(id=ENTERED, storage_type="session"),
        dcc.Store(id=SHOWN_ORDERS),
        dcc.Download(id=FILE),
        html.P(say(texts.HINT), className="method"),
    ]


def _form(page: Page) -> Component:
    say = page.say
    return components.panel(
        say(texts.OWNED),
        html.Label(
            [
                html.Span(say(texts.PASTE)),
                dcc.Textarea(id=POSITIONS, placeholder=say(texts.EXAMPLE), className="paste", spellCheck=False),
            ]
        ),
        html.Div(
            [
                html.Label(
                    [
                        html.Span(say(texts.CASH), title=say(texts.CASH_LABEL)),
                        dcc.Input(
                            id=CASH,
                            type="text",
                            inputMode="decimal",  # type: ignore[arg-type]  # HTML has it, Dash's types do not
                            placeholder="10000",
                            className="amount",
                        ),
                    ]
                ),
                html.Button(say(texts.SHOW), id=SHOW, className="button"),
                html.Label(
                    [
                        html.Span(say(texts.IMPORT), className="unseen"),
                        dcc.Upload(
                            html.Button(say(texts.IMPORT), className="button small"),
                            id=UPLOAD,
                            max_size=LARGEST_FILE,
                            accept=".csv,.txt,text/csv,text/plain",
                        ),
                    ]
                ),
                html.Button(say(texts.FORGET), id=FORGET, className="button small"),
            ],
            className="own-line",
        ),
        html.Fieldset(
            [
                html.Legend(say(texts.KEEP_IT_WHERE)),
                dcc.RadioItems(
                    id=PLACE,
                    options=[{"label": say(text), "value": place} for place, text in PLACES.items()],
                    value="browser",
                ),
            ],
            className="own-place",
        ),
        html.P(say(texts.KNOWN), className="note"),
    )


def _how(page: Page) -> Component:
    """Show the choices of how to trade. They are in the address, as those of the other views."""
    say = page.say
    return html.Div(
        [
            _choice("shares", texts.SHARES, {WHOLE: say(texts.WHOLE), FRACTIONAL: say(texts.FRACTIONAL)}, page),
            _choice("band", texts.BAND, {each: _band(each, page) for each in BANDS}, page, say(texts.BAND_HINT)),
            _choice("outside", texts.OUTSIDE, {"sell": say(texts.SELL_IT), "keep": say(texts.KEEP_IT)}, page),
        ],
        className="own-line",
    )


def _band(band: str, page: Page) -> str:
    return f"{float(band):.0%}" if float(band) else page.say(texts.NO_BAND)


def _choice(name: str, label: Text, options: Mapping[str, str], page: Page, hint: str = "") -> Component:
    choices = [
        components.Choice(value, text, page.address.href(**{name: value}), hint) for value, text in options.items()
    ]
    selector = components.selector(page.say(label), choices, chosen(name, page))
    return html.Div([html.Span(page.say(label), title=hint or None), selector])


def chosen(name: str, page: Page) -> str:
    """Return one of the choices of how to trade."""
    allowed = HOW[name]
    return page.address.choice(name, allowed, allowed[0])


def asked_of(kept: Kept) -> Asked | None:
    """Return what is asked, or None when the cash is no sum. Cash of the field counts before that of the positions."""
    reading = positions.read(kept.positions)
    typed = kept.cash.replace(",", "").strip(" $")
    try:
        cash = float(typed) if typed else float(reading.cash or 0)
    except ValueError:
        return None
    return Asked(reading, cash) if 0 <= cash <= LARGEST_CASH else None


def kept_on_platform(client: ApiClient, entered: Entered) -> Entered:
    """Have the platform keep what was entered, and return it with when that was, or why it was not."""
    asked = asked_of(entered)
    if asked is None:
        return entered  # the page says that the cash is no sum
    try:
        kept = client.keep_owned_positions(asked.reading.written, asked.cash)
    except ActstockError as error:
        return replace(entered, problem=str(error))
    return replace(entered, saved_at=kept.saved_at)


def forgotten(client: ApiClient, entered: Entered) -> Entered:
    """Have what was entered forgotten where it is kept, and return what is left: all of it where that failed."""
    if entered.place == "platform":
        try:
            client.forget_owned_positions()
        except ActstockError as error:
            return replace(entered, problem=str(error))
    return FORGOTTEN


def current(client: ApiClient, entered: Entered | None, kept: Kept | None) -> Entered | None:
    """Return what is owned: as it was entered in this tab, else as the browser keeps it, else as the platform does.

    Others may have changed since what the platform keeps.
    """
    if kept and entered in (None, FORGOTTEN):
        return Entered(kept.positions, kept.cash)
    if entered and not entered.saved_at:
        return entered
    found = client.owned_positions()
    if entered and entered.saved_at == found.saved_at:
        return entered
    if found.saved_at is None:
        return None
    cash = f"{found.cash:.2f}".removesuffix(".00")
    return Entered(positions.lines_of(found.positions), cash, "platform", found.saved_at)


def orders(client: ApiClient, page: Page, entered: Entered | None) -> tuple[list[Component], Sequence[Order]]:
    """Return the orders of what is owned as the page shows them, and as data."""
    if entered is None or entered == FORGOTTEN:
        return [html.P(page.say(texts.NOTHING_YET), className="note")], []
    asked = asked_of(entered)
    if asked is None:
        typed = entered.cash or positions.read(entered.positions).cash
        told = page.say(texts.CASH_REFUSED, typed=typed, largest=f"{LARGEST_CASH:,.0f}")
        return [html.P(told, className="problem", role="alert")], []
    found = client.owned_trades(
        selectors.selected(page),
        asked.reading.written,
        asked.cash,
        is_fractional=chosen("shares", page) == FRACTIONAL,
        band=float(chosen("band", page)),
        outside=chosen("outside", page),
    )
    invented = components.banners(page, source=found.source)
    shown = [*invented, *_where(entered, asked, page), _how(page), *_answer(found, page)]
    return [*shown, *_problems(asked.reading.problems, page)], found.orders


def _where(entered: Entered, asked: Asked, page: Page) -> list[Component]:
    """Say what the platform keeps for everybody, or why it does not."""
    if entered.problem:
        return [html.P(page.say(texts.NOT_DONE, problem=entered.problem), className="problem", role="alert")]
    if not entered.saved_at:
        return []
    told = page.say(
        texts.KEPT_ON_PLATFORM,
        moment=page.moment(entered.saved_at),
        count=len(asked.reading.shares),
        cash=_dollars(asked.cash),
    )
    return [html.P(told, id="kept-on-platform", className="note")]


def _answer(found: OwnedTrades, page: Page) -> list[Component]:
    say = page.say
    traded = [each for each in found.orders if each.side != "keep"]
    facts = components.facts(
        (say(texts.PORTFOLIO_OF), page.day(found.as_of_date)),
        (say(texts.PRICES_OF), page.day(found.price_session)),
        (say(texts.CAPITAL), _dollars(found.capital)),
        (say(texts.SMALLEST), f"${found.smallest_capital:,.0f}" if found.smallest_capital else "–"),
        (say(texts.ORDERS), str(len(traded))),
        (say(texts.OFF_TARGET), html.Span(percent(found.off_target), title=say(texts.OFF_TARGET_HINT))),
    )
    content = [html.P(_sums(found, page), id="order-sums", className="strong"), *_warnings(found, page)]
    content += [_cards(found.orders, page), _grid(found.orders, page)] if found.orders else []
    panel = components.panel(say(texts.TO_DO), *content, tools=_exports(page) if traded else [], name="orders-panel")
    return [facts, panel, *_left_out(found.left_out, page)]


def _sums(found: OwnedTrades, page: Page) -> str:
    if not found.capital:
        return page.say(texts.NO_MONEY)
    sums = page.say(
        texts.SUMS,
        owned=_dollars(found.owned_value),
        cash=_dollars(found.cash),
        capital=_dollars(found.capital),
        sold=_dollars(found.sold),
        bought=_dollars(found.bought),
        cost=_dollars(found.cost),
        rate=percent(found.cost_rate),
        left=_dollars(found.cash_left),
    )
    return f"{page.say(texts.NO_ORDERS)} {sums}" if _fits(found) else sums


def _fits(found: OwnedTrades) -> bool:
    """Return whether nothing is to be traded since the portfolio is held already, every position of it."""
    is_whole = not any(each.target_weight for each in found.left_out)
    is_held = all(each.target_shares or not each.target_weight for each in found.orders)
    is_idle = bool(found.orders) and all(each.side == "keep" for each in found.orders)
    return found.status == "published" and is_idle and is_whole and is_held


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"


def _warnings(found: OwnedTrades, page: Page) -> list[Component]:
    told = [*_of_portfolio(found, page), *_of_size(found, page), *_of_volume(found.orders, page)]
    told += _of_prices(found, page)
    return [html.P(text, className="problem", role="note") for text in told]


def _of_portfolio(found: OwnedTrades, page: Page) -> list[str]:
    """Tell when the portfolio is cash, or none."""
    reason = components.words(found.reasons, page)
    if found.is_expired:
        return [page.say(texts.EXPIRED, day=page.day(found.valid_until), next=page.day(found.next_rebalance))]
    if found.status == "not_computable":
        return [page.say(texts.NOT_COMPUTABLE, reason=reason)]
    return [page.say(texts.EMPTY, reason=reason)] if found.status == "empty" else []


def _of_size(found: OwnedTrades, page: Page) -> list[str]:
    """Tell how many positions the capital is too small for, and from which one on it is not."""
    if not (found.smallest_capital and found.capital):
        return []
    wanted = [each for each in found.orders if each.target_weight]
    least = 1.0 if found.is_fractional else 0.0
    without = [each for each in wanted if each.target_value < least or not each.target_shares]
    capital = f"${found.smallest_capital:,.0f}"
    if not without:
        return []
    text = texts.SMALLEST_PARTS if found.is_fractional else texts.SMALLEST_WHOLE
    return [page.say(text, count=len(without), positions=len(wanted), capital=capital)]


def _of_volume(orders: Sequence[Order], page: Page) -> list[str]:
    """Tell which orders are more than a market can take without moving, the largest first."""
    large = sorted(((each.share_of_volume or 0.0, each.ticker) for each in orders if each.side != "keep"), reverse=True)
    named = [f"{ticker} {share:,.0%}" for share, ticker in large if share > LARGEST_SHARE_OF_VOLUME]
    if not named:
        return []
    return [page.say(texts.TOO_LARGE, limit=f"{LARGEST_SHARE_OF_VOLUME:.0%}", trades=_some(named, page))]


def _of_prices(found: OwnedTrades, page: Page) -> list[str]:
    """Tell which prices are older than the others, and which are of another currency."""
    old = [f"{each.ticker} {each.price_date}" for each in found.orders if each.price_date < found.price_session]
    foreign = [f"{each.ticker} {each.currency} {each.rate_date}" for each in found.orders if each.currency != "USD"]
    told = [page.say(texts.OLD_PRICES, session=page.day(found.price_session), tickers=_some(old, page))] if old else []
    return [*told, *([page.say(texts.FOREIGN, tickers=_some(foreign, page))] if foreign else [])]


def _some(named: Sequence[str], page: Page) -> str:
    """Name the first few, and count the others."""
    more = page.say(texts.AND_MORE, count=len(named) - NAMED_AT_MOST) if len(named) > NAMED_AT_MOST else ""
    return ", ".join(named[:NAMED_AT_MOST]) + more


def _exports(page: Page) -> list[Component]:
    buttons = [
        html.Button(page.say(text), id={"export": name}, className="button small") for name, text in EXPORTS.items()
    ]
    return [html.Div(buttons, className="exports", role="group", **components.aria(label=page.say(texts.EXPORT)))]


def _cards(orders: Sequence[Order], page: Page) -> Component:
    say = page.say
    return components.cards(
        [
            (
                html.Span([components.ticker_link(each.ticker, page), " ", html.Strong(order_text(each, page))]),
                _dollars(each.value) if each.value else "",
                [
                    (say(texts.PRICE), f"{each.price_usd:,.2f}"),
                    (say(texts.HELD), _count(each.held_shares)),
                    (say(texts.HELD_AFTER), _count(each.target_shares)),
                    (say(common.WEIGHT), f"{percent(each.held_weight)} → {percent(each.weight)}"),
                ],
            )
            for each in orders
        ]
    )


def order_text(order: Order, page: Page) -> str:
    """Return an order in words: `buy 12`."""
    side = page.say(SIDES[order.side])
    return f"{side} {_count(abs(order.shares))}" if order.shares else side


def _count(shares: float) -> str:
    """Return a number of shares with the digits that it has.

    >>> _count(1200.0), _count(0.125)
    ('1,200', '0.125')
    """
    return f"{shares:,.3f}".rstrip("0").rstrip(".")


def _grid(orders: Sequence[Order], page: Page) -> Component:
    say = page.say
    columns = [
        grids.link("ticker", say(common.TICKER), 110, minWidth=100),
        grids.text("side_text", say(texts.SIDE), 85, minWidth=85),
        grids.number("shares", say(texts.ORDERED), 90, "+,~f", cellClass="ag-right-aligned-cell strong"),
        grids.number("held_shares", say(texts.HELD), 80, ",~f"),
        grids.number("target_shares", say(texts.HELD_AFTER), 80, ",~f"),
        grids.number("price_usd", say(texts.PRICE), 95, ",.2f"),
        grids.number("value", say(texts.VALUE), 105, ",.2f"),
        grids.number("cost", say(texts.COST), 80, ",.2f"),
        grids.number("held_weight", say(texts.HELD_WEIGHT), 110, ".2%"),
        grids.number("weight", say(texts.HELD_AFTER), 85, ".2%"),
        grids.number("target_weight", say(texts.TARGET), 85, ".2%"),
        grids.number("share_of_volume", say(texts.VOLUME), 110, ".2%"),
        grids.text("company_name", say(common.COMPANY), 190, flex=1, minWidth=140),
    ]
    return grids.grid("order-grid", columns, [_row(each, page) for each in orders], page, row_id="ticker")


def _row(order: Order, page: Page) -> dict[str, Any]:
    side = page.say(SIDES[order.side])
    band = f" ({page.say(texts.IN_BAND)})" if order.is_in_band else ""
    return {
        **grids.cells(order),
        "shares": order.shares or None,
        "company_name": page.company(order.ticker, order.company_name),
        "ticker_href": components.ticker_href(order.ticker, page),
        "side_text": side + band,
    }


def _left_out(left_out: Sequence[LeftOut], page: Page) -> list[Component]:
    if not left_out:
        return []
    lines = [
        html.Li(
            [
                html.Strong(each.ticker),
                f" {_count(each.held_shares)}" if each.held_shares else "",
                f" {percent(each.target_weight)}" if each.target_weight else "",
                ": ",
                components.reason(each.reasons, page),
            ]
        )
        for each in left_out
    ]
    hint = html.P(page.say(texts.LEFT_OUT_HINT), className="note")
    return [components.panel(page.say(texts.LEFT_OUT), html.Ul(lines, id="left-out"), hint)]


def _problems(problems: Sequence[positions.Problem], page: Page) -> list[Component]:
    if not problems:
        return []
    lines = [html.Li(_problem(each, page)) for each in problems]
    return [components.panel(page.say(texts.PROBLEMS), html.Ul(lines, id="not-read", className="problem"))]


def _problem(problem: positions.Problem, page: Page) -> str:
    why = page.say(problem.text, **problem.values)
    return page.say(texts.LINE, line=problem.line, why=why) if problem.line else why
