"""Does the rule have an edge? What the lab has found: the verdict first, then what it rests on."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from contract.lab import LabLeg, LabReport, LabVariant
from contract.reasons import shown
from dashboard import components, figures, grids
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent, signed, typeset
from dashboard.texts import common
from dashboard.texts import lab as texts
from utils.errors import NotPublished

NONE = "–"
VARIANT_COLUMNS = tuple(name for name in LabVariant.__struct_fields__ if name != "words")
VERDICTS = {
    "lab_edge": texts.EDGE,
    "lab_no_edge": texts.NO_EDGE,
    "lab_no_edge_held": texts.NO_EDGE,
    "lab_not_enough_data": texts.NOT_ENOUGH,
}


def page(client: ApiClient, page: Page) -> list[Component]:
    heading = components.heading(page.say(texts.QUESTION), *_earlier(page))
    try:
        shown = client.lab(page.address.day("as_of"))
    except NotPublished as error:
        return [heading, _empty(error, page)]
    return [
        *components.banners(page, source=shown.source),
        heading,
        _verdict(shown, page),
        *_seed(shown, page),
        _whole(shown, page),
        *(
            [_intervals(shown, shown, page), _variants(shown, page), _costs(shown, shown, page)]
            if shown.variants
            else []
        ),
        *(_stocks(shown.stocks, shown, page) if shown.stocks else []),
        html.P(page.say(texts.METHOD, benchmark=shown.benchmark, resamples=shown.resamples), className="method"),
    ]


def _figures(shown: LabReport, page: Page) -> list[Component]:
    return [_intervals(shown, shown, page), _variants(shown, page), _costs(shown, shown, page)]


def variants(client: ApiClient, page: Page) -> Sequence[dict[str, Any]]:
    """Return the variants' figures, without their names as data."""
    return [_figures_of(each) for each in client.lab(page.address.day("as_of")).variants]


def _figures_of(each: LabVariant) -> dict[str, Any]:
    return {name: getattr(each, name) for name in VARIANT_COLUMNS}


def _earlier(page: Page) -> list[Component]:
    if "as_of" not in page.address.choices:
        return []
    return [dcc.Link(page.say(common.SHOW_NEWEST), href=page.address.href(as_of=None))]


def _empty(error: NotPublished, page: Page) -> Component:
    why = components.words(shown([error.reason]), page)
    return components.state(page.say(texts.EMPTY_TITLE), why, page.say(texts.EMPTY_HINT))


def _verdict(shown: LabReport, page: Page) -> Component:
    notes = [html.P(components.reason([note], page)) for note in shown.notes]
    return html.Div([*_said(shown, page), *notes], id="verdict", className="panel", role="status")


def _said(leg: LabReport | LabLeg, page: Page) -> list[Component]:
    short = page.say(VERDICTS[leg.verdict.code], cost=leg.verdict.params.get("cost", ""))
    return [html.P(short, className="said"), html.P(components.reason([leg.verdict], page))]


def _stocks(leg: LabLeg, shown: LabReport, page: Page) -> list[Component]:
    """Show the verdict on the stock leg, over sessions of its own."""
    facts = components.facts(*_facts(leg, page))
    said = components.panel(page.say(texts.STOCKS), html.Div(_said(leg, page), id="stocks-verdict"), facts)
    return [said, _intervals(leg, shown, page), _costs(leg, shown, page)]


def _seed(shown: LabReport, page: Page) -> list[Component]:
    """Show the figures of the ETF leg of the rule that the platform publishes by."""
    say = page.say
    found = next((each for each in shown.variants if each.is_seed), None)
    if found is None:
        return []
    facts = components.facts(
        (say(texts.EXCESS), components.gain(found.excess)),
        (say(texts.INTERVAL), _interval(found)),
        (say(texts.SHARPE), _ratio(found.sharpe)),
        (say(texts.DEFLATED), _share(found.deflated)),
        (say(texts.BREAK_EVEN), _basis_points(found.break_even_bp)),
        (say(texts.TURNOVER), f"{found.turnover:.1f}"),
        (say(texts.WORST), _worst(found)),
        (say(texts.SEED_NEEDS), _needs(found.sessions_needed, shown.sessions, page)),
    )
    return [components.panel(say(texts.SEED, cost=f"{shown.cost_bp:g}"), facts)]


def _needs(needed: int | None, sessions: int, page: Page) -> str:
    if needed is None:
        return page.say(texts.NEVER)
    text = texts.MANY if needed > sessions else texts.ENOUGH
    return page.say(text, needed=needed, more=needed - sessions)


def _whole(shown: LabReport, page: Page) -> Component:
    more = (page.say(texts.MORE), f"{shown.more_sessions:,}")
    return components.panel(page.say(texts.WHOLE), components.facts(*_facts(shown, page, more)))


def _facts(leg: LabReport | LabLeg, page: Page, *more: tuple[str, str]) -> list[tuple[str, str]]:
    say = page.say
    return [
        (say(texts.SINCE), page.day(leg.first)),
        (say(texts.UNTIL), page.day(leg.last)),
        (say(texts.SESSIONS), f"{leg.sessions:,}"),
        *more,
        (say(texts.JUDGED), str(leg.judged)),
        (say(texts.BY_LUCK), _ratio(leg.expected_best)),
        (say(texts.CHOSEN), _ratio(leg.in_sample)),
        (say(texts.HELD), _ratio(leg.out_of_sample)),
        (say(texts.OVERFITTING), _share(leg.overfitting)),
    ]


def _interval(found: LabVariant) -> str:
    return NONE if found.lower is None else f"{signed(found.lower)} … {signed(found.upper)}"


def _ratio(value: float | None) -> str:
    return NONE if value is None else typeset(f"{value:.2f}")


def _basis_points(value: float | None) -> str:
    return NONE if value is None else typeset(f"{value:.0f}")


def _worst(found: LabVariant) -> str:
    return f"{found.worst_year}: {signed(found.worst_excess)}"


def _share(value: float | None) -> str:
    return NONE if value is None else percent(value)


def _costs(leg: LabReport | LabLeg, shown: LabReport, page: Page) -> Component:
    say = page.say
    headings = (texts.P_VALUE, texts.OUT_OF_SAMPLE, texts.IS_EDGE)
    columns = [(say(texts.COST), ""), *((say(heading), "number") for heading in headings)]
    rows = [
        (
            f"{each.cost_bp:g} bp",
            f"{each.p_value:.4f}",
            _ratio(each.out_of_sample),
            say(texts.YES if each.is_edge else texts.NO),
        )
        for each in leg.costs
    ]
    hint = html.P(say(texts.COSTS_HINT, benchmark=shown.benchmark), className="method")
    return components.panel(say(texts.COSTS), components.table(_id("costs", leg), columns, rows), hint)


def _intervals(leg: LabReport | LabLeg, shown: LabReport, page: Page) -> Component:
    of_leg = "stocks" if leg is shown.stocks else "etf"
    rows = [
        figures.Interval(_name(each, page), each.excess, each.lower, each.upper, each.is_seed or each.is_whole_rule)
        for each in shown.variants
        if each.leg == of_leg and each.lower is not None and each.upper is not None
    ]
    hint = page.say(texts.INTERVALS_HINT, benchmark=shown.benchmark, judged=leg.judged)
    return components.panel(
        page.say(texts.INTERVALS, benchmark=shown.benchmark),
        components.graph(_id("intervals", leg), figures.intervals(rows, page.palette)),
        html.P(hint, className="method"),
    )


def _id(name: str, leg: LabReport | LabLeg) -> str:
    return f"stocks-{name}" if isinstance(leg, LabLeg) else name


def _variants(shown: LabReport, page: Page) -> Component:
    rows = sorted(shown.variants, key=lambda each: (each.has_hindsight, -each.excess))
    return components.panel(
        page.say(texts.VARIANTS, cost=f"{shown.cost_bp:g}"),
        _cards(rows, page),
        _grid(rows, page),
        tools=[components.download(page, "lab")],
    )


def _cards(rows: Sequence[LabVariant], page: Page) -> Component:
    say = page.say
    return components.cards(
        [
            (
                html.Strong(_name(each, page)),
                "",
                [
                    (say(texts.EXCESS), components.gain(each.excess)),
                    (say(texts.INTERVAL), _interval(each)),
                    (say(texts.SHARPE), _ratio(each.sharpe)),
                    (say(texts.ADJUSTED_P), NONE if each.p_value is None else f"{each.p_value:.3f}"),
                    (say(texts.DEFLATED), _share(each.deflated)),
                    (say(texts.BREAK_EVEN), _basis_points(each.break_even_bp)),
                    (say(texts.TURNOVER), f"{each.turnover:.1f}"),
                    (say(texts.DRAWDOWN), components.gain(each.drawdown)),
                    (say(texts.WORST), _worst(each)),
                    (say(texts.NEEDS), NONE if each.sessions_needed is None else f"{each.sessions_needed:,}"),
                ],
            )
            for each in rows
        ]
    )


def _grid(rows: Sequence[LabVariant], page: Page) -> Component:
    say = page.say
    columns = [
        grids.text("shown", say(texts.VARIANT), 455, flex=1, minWidth=240),
        grids.signed("excess", say(texts.EXCESS), 80),
        grids.signed("lower", say(texts.LOWER), 80),
        grids.signed("upper", say(texts.UPPER), 84),
        grids.number("sharpe", say(texts.SHARPE), 62, ".2f"),
        grids.number("p_value", say(texts.ADJUSTED_P), 56, ".3f"),
        grids.number("deflated", say(texts.DEFLATED), 76, ".1%"),
        grids.number("break_even_bp", say(texts.BREAK_EVEN), 84, ".0f"),
        grids.number("turnover", say(texts.TURNOVER), 76, ".1f"),
        grids.signed("drawdown", say(texts.DRAWDOWN), 80),
        grids.number("worst_year", say(texts.WORST), 62, "d"),
        grids.signed("worst_excess", say(texts.WORST_EXCESS), 80),
        grids.number("sessions_needed", say(texts.NEEDS), 80, ",d"),
    ]
    cells = [_figures_of(each) | {"shown": _name(each, page)} for each in rows]
    return grids.grid("variants", columns, cells, page, row_id="name", is_wrapped=True)


def _name(each: LabVariant, page: Page) -> str:
    """Return the variant's name in the reader's language, with what is special about it."""
    marks = [page.say(texts.IS_SEED)] if each.is_seed else []
    marks += [page.say(texts.IS_WHOLE)] if each.is_whole_rule else []
    marks += [page.say(texts.HINDSIGHT)] if each.has_hindsight else []
    marks += [page.say(texts.OWN_SESSIONS)] if each.leg == "stocks" and each.lower is not None else []
    name = ", ".join(components.words([word], page) for word in each.words)
    return f"{name} ({', '.join(marks)})" if marks else name
