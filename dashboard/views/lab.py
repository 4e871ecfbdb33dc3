"""Does the rule have an edge? What the lab has found."""

from collections.abc import Sequence
from typing import Any

from dash import html

from contract.lab import LabReport, LabVariant
from dashboard import components, figures, grids
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import lab
from dashboard.texts.reasons import reason_in


def page(client: ApiClient, page: Page) -> list[Component]:
    shown = client.lab(page.address.day("as_of"))
    say = page.say
    return [
        *components.banners(page, source=shown.source),
        components.heading(say(lab.QUESTION)),
        html.P(html.Strong(reason_in(page.language, [shown.verdict])[0]), id="verdict"),
        *[html.P(reason_in(page.language, [note])[0], className="method") for note in shown.notes],
        _facts(shown, page),
        *([_costs(shown, page), _variants(shown, page)] if shown.variants else []),
        html.P(say(lab.METHOD, benchmark=shown.benchmark), className="method"),
    ]


def variants(client: ApiClient, page: Page) -> Sequence[LabVariant]:
    return client.lab(page.address.day("as_of")).variants


def _facts(shown: LabReport, page: Page) -> Component:
    say = page.say
    return components.facts(
        (say(lab.SINCE), page.day(shown.first)),
        (say(lab.UNTIL), page.day(shown.last)),
        (say(lab.SESSIONS), f"{shown.sessions:,}"),
        (say(lab.MORE), f"{shown.more_sessions:,}"),
        (say(lab.JUDGED), str(shown.judged)),
        (say(lab.BY_LUCK), _ratio(shown.expected_best)),
        (say(lab.CHOSEN), _ratio(shown.in_sample)),
        (say(lab.HELD), _ratio(shown.out_of_sample)),
        (say(lab.OVERFITTING), "–" if shown.overfitting is None else f"{shown.overfitting:.0%}"),
    )


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _costs(shown: LabReport, page: Page) -> Component:
    say = page.say
    columns = [(say(lab.COST), ""), (say(lab.P_VALUE), "number"), (say(lab.OUT_OF_SAMPLE), "number")]
    rows = [(f"{each.cost_bp:g} bp", f"{each.p_value:.4f}", _ratio(each.out_of_sample)) for each in shown.costs]
    hint = html.P(say(lab.COSTS_HINT), className="method")
    return components.panel(say(lab.COSTS), components.table("costs", columns, rows), hint)


def _variants(shown: LabReport, page: Page) -> Component:
    chart = figures.intervals([each for each in shown.variants if not each.has_hindsight], page.palette)
    return html.Div(
        [
            components.panel(page.say(lab.INTERVALS), components.graph("intervals", chart)),
            components.panel(
                page.say(lab.VARIANTS, cost=f"{shown.cost_bp:g}"),
                _grid(shown, page),
                tools=[components.download(page, "lab")],
            ),
        ]
    )


def _grid(shown: LabReport, page: Page) -> Component:
    say = page.say
    columns = [
        grids.text("name", say(lab.VARIANT), 330, flex=1, minWidth=220),
        grids.signed("excess", say(lab.EXCESS), 110),
        grids.signed("lower", say(lab.LOWER), 100),
        grids.signed("upper", say(lab.UPPER), 100),
        grids.number("sharpe", say(lab.SHARPE), 85, ".2f"),
        grids.number("p_value", say(lab.OWN_P), 75, ".3f"),
        grids.number("deflated", say(lab.DEFLATED), 115, ".1%"),
        grids.number("break_even_bp", say(lab.BREAK_EVEN), 115, ".0f"),
        grids.number("turnover", say(lab.TURNOVER), 115, ".1f"),
        grids.number("worst_year", say(lab.WORST), 95, "d"),
        grids.signed("worst_excess", say(lab.WORST_EXCESS), 100),
        grids.number("sessions_needed", say(lab.NEEDS), 115, ",d"),
    ]
    rows = sorted(shown.variants, key=lambda each: (each.has_hindsight, -each.excess))
    return grids.grid("variants", columns, [_row(each, page) for each in rows], page, row_id="name")


def _row(each: LabVariant, page: Page) -> dict[str, Any]:
    marks = [page.say(lab.SEED)] if each.is_seed else []
    marks += [page.say(lab.HINDSIGHT)] if each.has_hindsight else []
    values = {name: getattr(each, name) for name in LabVariant.__struct_fields__}
    return values | {"name": f"{each.name} ({', '.join(marks)})" if marks else each.name}
