"""Session by session, how each stage has gone: a symbol, a word, and the reason for who opens the cell."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from dash import dcc, html

from config.stages import REBALANCE
from contract.pipeline import Publication, SessionState, StageRun
from contract.reasons import ShownReason
from dashboard import components
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import common, pipeline

# The stages by their numbers, and what follows from them once a month.
MONTHLY = 6
COLUMNS = (1, 2, 3, 4, 5, MONTHLY)
# What a stage publishes, where it does.
JOBS = {3: "trending", 5: "allocation", MONTHLY: "rebalance"}
SYMBOLS = {
    "green": "✓",
    "running": "▸",
    "late": "◔",
    "skipped": "»",
    "failed": "✕",
    "unfinished": "◌",
    "published": "●",
    "none": "–",
}


class Cell(NamedTuple):
    """One stage of one session: its runs, newest first, and what it has published."""

    runs: Sequence[StageRun]
    publications: Sequence[Publication]

    @property
    def state(self) -> str:
        """The newest run's; without a run, whether something is published all the same."""
        if self.runs:
            return self.runs[0].state
        return "published" if self.publications else "none"

    @property
    def degraded_reasons(self) -> Sequence[ShownReason]:
        return next((each.degraded_reasons for each in self.publications if each.degraded_reasons), ())

    @property
    def is_empty(self) -> bool:
        """Whether all that is published is that there is nothing to hold."""
        return bool(self.publications) and all(each.status == "empty" for each in self.publications)

    @property
    def not_computable_reasons(self) -> Sequence[ShownReason]:
        """Why something of it cannot be told for lack of history. Empty where all can."""
        return next((each.reasons for each in self.publications if each.status == "not_computable"), ())


def cell_of(session: SessionState, column: int) -> Cell:
    return Cell(
        [run for run in session.runs if _column_of(run) == column],
        [each for each in session.publications if each.job == JOBS.get(column)],
    )


def other_runs(sessions: Sequence[SessionState]) -> list[StageRun]:
    """Return the runs of DAGs that are no stage, the newest one of each DAG and session."""
    newest: dict[tuple[date, str], StageRun] = {}
    for session in sessions:
        for run in session.runs:
            if _column_of(run) is None:
                newest.setdefault((session.as_of_date, run.dag_id), run)
    return list(newest.values())


def _column_of(run: StageRun) -> int | None:
    return MONTHLY if run.dag_id == REBALANCE else run.stage


def absent(bars: dict[str, int]) -> int:
    """How many of the bars that were expected are not stored; of a closed market none is expected.

    >>> absent({"stored": 80, "late": 2, "quarantined": 1, "closed": 5})
    3
    """
    return sum(count for state, count in bars.items() if state not in ("stored", "closed"))


def grid(sessions: Sequence[SessionState], page: Page) -> Component:
    say = page.say
    head = [
        _heading(say(pipeline.SESSION)),
        *(_heading(say(pipeline.STAGES[column])) for column in COLUMNS),
        _heading(say(pipeline.BARS), "number"),
    ]
    rows = [
        html.Tr(
            [
                html.Th(_day(session, page), scope="row"),
                *(
                    html.Td(_cell(cell_of(session, column), f"run-{session.as_of_date}-{column}", page))
                    for column in COLUMNS
                ),
                html.Td(bars(session.bars, page), className="number"),
            ]
        )
        for session in sessions
    ]
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], id="stages")
    return html.Div(table, className="scroll stages", tabIndex=0)


def _heading(title: str, kind: str = "") -> Component:
    return html.Th(title, scope="col", className=kind, title=components.meaning(title))


def legend(page: Page) -> Component:
    say = page.say
    return html.Ul(
        [html.Li([mark(state, page), f": {say(pipeline.MEANINGS[state])}"]) for state in SYMBOLS], className="meanings"
    )


def mark(state: str, page: Page) -> Component:
    """Show a state as symbol, word and colour. Each says it alone, for readers who miss the others."""
    return html.Span(
        [
            html.Span(SYMBOLS[state], className="symbol", **components.aria(hidden="true")),
            page.say(pipeline.WORDS[state]),
        ],
        className=f"mark {state}",
    )


def bars(counts: dict[str, int], page: Page) -> Component:
    """Show how many of the expected bars are stored, and how many are absent."""
    if not counts:
        return "–"
    stored, missing = counts.get("stored", 0), absent(counts)
    told = f"{stored:,} / {stored + missing:,}"
    if not missing:
        return told
    return [told, html.Span(page.say(pipeline.ABSENT, count=f"{missing:,}"), className="mark late")]


def run_times(run: StageRun, page: Page) -> str:
    if run.ended_at is None:
        return page.say(pipeline.SINCE, start=page.moment(run.started_at))
    return page.say(pipeline.FROM_TO, start=page.moment(run.started_at), end=page.moment(run.ended_at))


def _day(session: SessionState, page: Page) -> Component:
    day = session.as_of_date
    return dcc.Link(page.short_day(day), href=f"/?as_of={day}", title=page.day(day))


def _cell(cell: Cell, name: str, page: Page) -> Component:
    """name: by which the page's script opens it again after the view was drawn anew."""
    shown: list[Component] = [mark(cell.state, page)]
    if cell.is_empty:
        shown.append(html.Span(page.say(pipeline.EMPTY), className="tag"))
    if cell.not_computable_reasons:
        shown.append(components.doubt(page.say(common.NOT_COMPUTABLE_TAG)))
    if cell.degraded_reasons:
        shown.append(html.Span(["△ ", page.say(pipeline.DEGRADED)], className="tag degraded"))
    if cell.state == "none":
        return shown
    reason = components.words(cell.runs[0].reasons, page) if cell.runs else page.say(pipeline.MEANINGS["published"])
    return html.Details(
        [html.Summary(shown, title=reason or page.say(pipeline.MEANINGS[cell.state])), _details(cell, page)], id=name
    )


def _details(cell: Cell, page: Page) -> Component:
    """Show the details behind a cell."""
    reasons = filter(None, (cell.not_computable_reasons, cell.degraded_reasons))
    told: list[Component] = [html.P(components.reason(each, page), className="degraded") for each in reasons]
    if not cell.runs:
        told.append(html.P(page.say(pipeline.MEANINGS["published"])))
    told += [html.Div(_run(run, page), className="run") for run in cell.runs[:1]]
    if cell.runs[1:]:
        told.append(html.H3(page.say(pipeline.EARLIER)))
        told += [html.Div([mark(run.state, page), *_run(run, page)], className="run") for run in cell.runs[1:]]
    return html.Div(told, className="told")


def _run(run: StageRun, page: Page) -> list[Component]:
    return [
        html.P(components.words(run.reasons, page) or page.say(pipeline.MEANINGS[run.state])),
        html.P(run_times(run, page), className="soft"),
        html.A(page.say(pipeline.OPEN_RUN), href=run.airflow_url, target="_blank", rel="noopener"),
    ]
