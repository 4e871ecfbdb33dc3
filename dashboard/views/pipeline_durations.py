"""How long each stage takes, and whether that changes from session to session."""

from collections.abc import Sequence
from datetime import date
from statistics import median
from typing import NamedTuple

from dash import html

from contract.pipeline import SessionState, StageRun
from dashboard import components, figures
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import pipeline
from dashboard.views.pipeline_grid import COLUMNS, cell_of


class Duration(NamedTuple):
    session: date
    seconds: float


def durations(sessions: Sequence[SessionState], column: int) -> list[Duration]:
    """Return how long the newest finished run of a stage took in each session, oldest first.

    A run that had nothing to do, failed or is not over says nothing of how long the stage takes.
    """
    found = []
    for session in sorted(sessions, key=lambda each: each.as_of_date):
        done = next((run for run in cell_of(session, column).runs if run.state == "green" and run.ended_at), None)
        if done:
            found.append(Duration(session.as_of_date, _seconds(done)))
    return found


def _seconds(run: StageRun) -> float:
    assert run.ended_at is not None, "only finished runs are timed"
    return (run.ended_at - run.started_at).total_seconds()


def panel(sessions: Sequence[SessionState], page: Page) -> Component:
    say = page.say
    timed = [(column, found) for column in COLUMNS if (found := durations(sessions, column))]
    if not timed:
        return components.panel(say(pipeline.DURATIONS), html.P(say(pipeline.NO_DURATIONS)))
    columns = [
        (say(pipeline.STAGE), ""),
        (say(pipeline.NEWEST_RUN), "number strong"),
        (say(pipeline.USUAL), "number"),
        (say(pipeline.LONGEST), "number"),
        (say(pipeline.TREND), ""),
    ]
    rows = [_row(say(pipeline.STAGES[column]), found, page) for column, found in timed]
    return components.panel(say(pipeline.DURATIONS), components.table("durations", columns, rows))


def _row(name: str, found: Sequence[Duration], page: Page) -> Sequence[Component]:
    seconds = [each.seconds for each in found]
    return (
        html.Span(name, title=components.meaning(name)),
        duration(seconds[-1], page),
        duration(median(seconds), page),
        duration(max(seconds), page),
        _trend(name, found, page),
    )


def _trend(name: str, found: Sequence[Duration], page: Page) -> Component:
    """Show the course as a line, once there are two points."""
    if len(found) < 2:
        return "–"
    seconds = [each.seconds for each in found]
    told = page.say(
        pipeline.TREND_OF,
        stage=name,
        first=page.day(found[0].session),
        before=duration(seconds[0], page),
        last=page.day(found[-1].session),
        now=duration(seconds[-1], page),
    )
    image = figures.sparkline(seconds, seconds, page.palette)
    return html.Img(src=image, alt=told, title=told, width=figures.SPARK_WIDTH, height=figures.SPARK_HEIGHT)


def duration(seconds: float, page: Page) -> str:
    """Return a length of time in the reader's words.

    >>> from dashboard.address import Address
    >>> [duration(seconds, Page(Address(), (5,))) for seconds in (7.4, 95, 7260)]
    ['7 s', '1 min 35 s', '121 min 0 s']
    """
    minutes, rest = divmod(round(seconds), 60)
    return (
        page.say(pipeline.MINUTES, minutes=minutes, seconds=rest)
        if minutes
        else page.say(pipeline.SECONDS, seconds=rest)
    )
