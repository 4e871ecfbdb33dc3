"""What a reader wants to know of a portfolio first: what changed, how it has done, whether the runs are well."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from dash import dcc, html

from config.stages import BEGINS, HISTORY, STAGES
from contract.pipeline import Calendar, SessionState
from contract.portfolios import FollowedReturn, Position
from contract.summary import Summary
from dashboard import components, figures
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent, typeset
from dashboard.texts import Text, summary
from dashboard.views import pipeline_grid, selectors, track_record
from utils.errors import ActstockError

RUNS = "runs"
RUNS_CLOCK = "runs-clock"
RUNS_EVERY_MS = 20_000
NAMED_AT_MOST = 3
# A change that the shown digits cannot tell from none.
SMALLEST_CHANGE = 0.00005
# From here on the portfolio is mostly a bet on one company.
CONCENTRATED_FROM = 0.25
FRIDAY = 4
# The schedule whose run is about the session of its own day.
SAME_DAY = "controller"
# What of several stages is told of the whole run: the first that there is.
WORST_FIRST = ("failed", "late", "running")
UNFINISHED = "unfinished"
# What the stages publish, and which of them do. The last of them is what a session is for.
ALLOCATION = "allocation"
STAGE_JOBS = {job: number for number, job in enumerate(STAGES, start=1) if job in ("trending", ALLOCATION)}


class Change(NamedTuple):
    """A ticker's weight before and now, as fractions; 0 where it is not in the portfolio."""

    ticker: str
    before: float
    now: float

    @property
    def difference(self) -> float:
        return self.now - self.before


def changes(old: Mapping[str, float], now: Sequence[Position]) -> list[Change]:
    """Return what differs between two portfolios, the largest difference first.

    old: weights by ticker
    """
    new = {each.ticker: each.portfolio_weight for each in now}
    found = [Change(ticker, old.get(ticker, 0.0), new.get(ticker, 0.0)) for ticker in {**old, **new}]
    moved = [each for each in found if abs(each.difference) >= SMALLEST_CHANGE]
    return sorted(moved, key=lambda each: (-abs(each.difference), each.ticker))


def share_moved(found: Iterable[Change]) -> float:
    """Return the part of a portfolio that changes hands: what is bought or what is sold, whichever is more.

    The rest of the larger side comes from cash, or becomes cash.

    >>> share_moved([Change("A", 0.0, 0.75)]), share_moved([Change("A", 0.75, 0.25), Change("B", 0.25, 0.75)])
    (0.75, 0.5)
    """
    differences = [each.difference for each in found]
    return max(sum(max(each, 0.0) for each in differences), sum(max(-each, 0.0) for each in differences))


def cards(known: Summary, shown: Sequence[Position], calendar: Calendar, page: Page) -> Component:
    """Show what changed, how it has done and the runs, side by side."""
    return html.Div([_changed(known, shown, page), _done(known, page), _runs(calendar, page)], className="first-cards")


def concentration(positions: Sequence[Position], page: Page) -> list[Component]:
    """Return the warning that one stock is a large part of the portfolio."""
    largest = max(positions, key=lambda each: each.portfolio_weight, default=None)
    if largest is None or largest.portfolio_weight < CONCENTRATED_FROM:
        return []
    told = page.say(summary.CONCENTRATED, ticker=largest.ticker, weight=percent(largest.portfolio_weight))
    return [html.Div(told, className="banner degraded", role="note", id="concentration")]


# ── what changed ─────────────────────────────────────────────────────────────


def _changed(known: Summary, shown: Sequence[Position], page: Page) -> Component:
    before, weights = known.previous_session, known.previous_weights
    told = [_note(summary.NO_EARLIER, page)] if weights is None else _differences(changes(weights, shown), page)
    title = page.say(summary.CHANGED, day=page.short_day(before)) if before else page.say(summary.WHAT_CHANGED)
    return components.panel(title, *told, selectors.trades_link(page), name="changed")


def _note(text: Text, page: Page) -> Component:
    return html.P(page.say(text), className="note")


def _differences(found: Sequence[Change], page: Page) -> list[Component]:
    """Show who came, who went, whose weight moved most, and how much of the portfolio moves."""
    if not found:
        return [_note(summary.NOTHING_CHANGED, page)]
    stayed = [each for each in found if each.before and each.now]
    lines = [
        (summary.ENTERED, [_entered(each, page) for each in found if not each.before]),
        (summary.LEFT, [_left(each, page) for each in found if not each.now]),
        (summary.UP_MOST, [_moved(each, page) for each in stayed if each.difference > 0]),
        (summary.DOWN_MOST, [_moved(each, page) for each in stayed if each.difference < 0]),
    ]
    named = [html.Div([components.term(page.say(name)), html.Dd(_few(each, page))]) for name, each in lines if each]
    told = page.say(summary.MOVED, share=percent(share_moved(found)))
    return [html.Dl(named, className="named-lines"), html.P(told, className="note")]


def _entered(change: Change, page: Page) -> Component:
    return html.Span([components.ticker_link(change.ticker, page), f" {percent(change.now)}"])


def _left(change: Change, page: Page) -> Component:
    return html.Span([components.ticker_link(change.ticker, page), f" {percent(change.before)}"])


def _moved(change: Change, page: Page) -> Component:
    points = page.say(summary.POINTS, change=typeset(f"{100 * change.difference:+.2f}"))
    return html.Span([components.ticker_link(change.ticker, page), f" {points}"])


def _few(told: Sequence[Component], page: Page) -> list[Component]:
    """Show the first of them, separated by commas, and how many more there are."""
    first = [part for each in told[:NAMED_AT_MOST] for part in (each, ", ")][:-1]
    more = len(told) - NAMED_AT_MOST
    return [*first, f" {page.say(summary.AND_MORE, count=more)}"] if more > 0 else first


# ── how it has done ──────────────────────────────────────────────────────────


def _done(known: Summary, page: Page) -> Component:
    record = known.record
    line = [_sparkline(record, known.benchmark, page)] if record and record.session_count else []
    told = track_record.line(record, known.benchmark, page)
    return components.panel(page.say(summary.DONE), *line, told, name="done")


def _sparkline(record: FollowedReturn, benchmark: str, page: Page) -> Component:
    image = figures.sparkline(record.net, record.benchmark, page.palette)
    return html.Img(src=image, alt=page.say(summary.SPARKLINE, benchmark=benchmark), className="sparkline")


# ── the runs ─────────────────────────────────────────────────────────────────


def _runs(known: Calendar, page: Page) -> Component:
    clock = dcc.Interval(id=RUNS_CLOCK, interval=RUNS_EVERY_MS)
    return components.panel(page.say(summary.RUNS), html.Div(runs(known, page), id=RUNS), clock, name="current")


def newest_runs(client: ApiClient, page: Page) -> list[Component]:
    """Show the runs as they are now, or that they are not known."""
    try:
        return runs(client.calendar(), page)
    except ActstockError:
        return [_note(summary.RUNS_AWAY, page), components.named_lines(_next(page))]


def runs(known: Calendar, page: Page) -> list[Component]:
    """Show how the last run went, and when the next one begins."""
    session, coming = known.last_run, _next(page, known.coming_sessions)
    if session is None:
        return [_note(summary.NO_RUN, page), components.named_lines(coming)]
    last = last_run(session)
    of_all = page.say(summary.OF_STAGES, done=last.stages, all=len(STAGES))
    told = [
        pipeline_grid.mark(last.state, page),
        *([f", {of_all}"] if last.state == UNFINISHED else []),
        ", ",
        page.say(summary.OF_SESSION, day=page.short_day(session.as_of_date)),
        html.Br(),
        components.moment(last.moment, page),
    ]
    whole = dcc.Link(told, href="/pipeline", className="plain")
    return [components.named_lines((page.say(summary.LAST_RUN), whole), *_history(session, page), coming)]


def _next(page: Page, coming: Sequence[date] = ()) -> tuple[str, Component]:
    return page.say(summary.NEXT_RUN), components.moment(next_run(page.schedule, page.now, coming), page)


def _history(session: SessionState, page: Page) -> list[tuple[str, Component]]:
    """Return how far a history is that is being computed."""
    running = (run for run in session.runs if run.dag_id == HISTORY and run.state == "running")
    return [(page.say(summary.HISTORY), components.reason(run.reasons, page)) for run in running]


class LastRun(NamedTuple):
    """How the stages of a session went as a whole, the last moment that is known of them, and how many have run."""

    state: str
    moment: datetime | None
    stages: int


def last_run(session: SessionState) -> LastRun:
    """Return how a session went: it is through once all its stages have run, or its portfolios are published.

    Of each stage its newest run counts. Without a run: whether something is published all the same, and so the stages
    up to it have run.
    """
    newest = {run.dag_id: run for run in reversed(session.runs) if run.dag_id in STAGES.values()}
    published = {each.job: each.published_at for each in session.publications if each.job in STAGE_JOBS}
    is_through = len(newest) == len(STAGES) or ALLOCATION in published
    if not newest:
        done = "published" if is_through else UNFINISHED if published else "none"
        stages = max((STAGE_JOBS[job] for job in published), default=0)
        return LastRun(done, max(published.values(), default=None), stages)
    states = {run.state for run in newest.values()}
    state = next((each for each in WORST_FIRST if each in states), "green" if is_through else UNFINISHED)
    return LastRun(state, max(run.ended_at or run.started_at for run in newest.values()), len(newest))


def next_run(schedule: str, now: datetime, sessions: Sequence[date] = ()) -> datetime:
    """Return when the next run about a session that is new begins: about the next weekday where no session is known.

    The staggered stages run on the weekday after a session. sessions: those to come, oldest first

    >>> friday = datetime(2026, 8, 21, 12, tzinfo=UTC)
    >>> [f"{next_run(mode, friday):%a %H:%M}" for mode in ("staggered", "controller")]
    ['Mon 09:00', 'Fri 21:30']
    >>> after_labor_day = [date(2026, 9, 4), date(2026, 9, 8), date(2026, 9, 9)]
    >>> monday = datetime(2026, 9, 7, 12, tzinfo=UTC)
    >>> [f"{next_run(mode, monday, after_labor_day):%a %H:%M}" for mode in ("staggered", "controller")]
    ['Wed 09:00', 'Tue 21:30']
    """
    minute, hour = map(int, BEGINS[schedule].split()[:2])
    days = sessions if schedule == SAME_DAY else map(_weekday_after, sessions)
    moments = (datetime.combine(day, time(hour, minute), UTC) for day in days)
    known = next((moment for moment in moments if moment > now), None)
    return known or _next_weekday(datetime.combine(now.astimezone(UTC), time(hour, minute), UTC), now)


def _weekday_after(day: date) -> date:
    """Return the weekday after a day.

    >>> _weekday_after(date(2026, 8, 21)), _weekday_after(date(2026, 8, 24))
    (datetime.date(2026, 8, 24), datetime.date(2026, 8, 25))
    """
    return day + timedelta(days=7 - day.weekday() if day.weekday() >= FRIDAY else 1)


def _next_weekday(coming: datetime, now: datetime) -> datetime:
    while coming <= now or coming.weekday() > FRIDAY:
        coming += timedelta(days=1)
    return coming
