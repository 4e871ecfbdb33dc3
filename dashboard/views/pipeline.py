"""Can the data be trusted: what ran, what is stored, what is late, what went wrong, and where to look further."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from dash import dcc, html

from config.stages import HISTORY
from contract.pipeline import (
    ConsumerLag,
    FailedRequest,
    Gap,
    Gaps,
    Pipeline,
    Quarantined,
    RejectedMessage,
    Restatements,
    SessionState,
    StageRun,
)
from contract.reasons import ShownReason
from dashboard import components, figures
from dashboard.api_client import ApiClient
from dashboard.components import Choice, Component
from dashboard.page import Page
from dashboard.texts import common, pipeline
from dashboard.views import pipeline_durations, pipeline_grid

CLOCK, LIVE = "pipeline-clock", "pipeline-live"
EVERY_MS = 15_000
RANGES = ("10", "20", "60")
SHOWN_GAPS = 500
SHOWN_RESTATEMENTS = 10
# Consumers measure every 15 seconds.
AWAY_AFTER = timedelta(minutes=1)
REPLAY = "./start.sh exec python -m consumer.replay_errors"
# Of prices, the one that says least of real ones first: a page is labelled by the least trustworthy of its rows.
LEAST_TRUSTED = ("simulated", "recorded", "yahoo")


def page(client: ApiClient, page: Page) -> list[Component]:
    """Return the view, and the clock at which it is drawn anew."""
    return [dcc.Interval(id=CLOCK, interval=EVERY_MS), html.Div(live(client, page), id=LIVE)]


def live(client: ApiClient, page: Page) -> list[Component]:
    """Draw what changes by itself. Three calls, one where nothing has run yet."""
    count = page.address.choice("sessions", RANGES, RANGES[0])
    state = client.pipeline(int(count))
    now = datetime.now(UTC)
    heading = _heading(state, count, now, page)
    sessions = state.sessions
    if not sessions:
        return [heading, _empty(page), *_platform(state, now, page)]
    since = sessions[-1].as_of_date
    gaps, restated = client.gaps(since, SHOWN_GAPS), client.restatements(since, SHOWN_RESTATEMENTS)
    return [
        *_banners(sessions, page),
        heading,
        _runs(sessions, page),
        pipeline_durations.panel(sessions, page),
        *_platform(state, now, page),
        html.Div([_gaps(gaps, page), _restated(restated, page)], className="two"),
    ]


def source_of(sessions: Sequence[SessionState]) -> str | None:
    """Whose prices the sessions were computed from; None where nothing is published."""
    found = {each.source for session in sessions for each in session.publications}
    return next((source for source in LEAST_TRUSTED if source in found), None)


def degraded_of(sessions: Sequence[SessionState]) -> tuple[date, Sequence[ShownReason]] | None:
    """Return day and reasons of the newest session with a publication, where that is degraded."""
    newest = next((session for session in sessions if session.publications), None)
    told = [each.degraded_reasons for each in newest.publications] if newest else []
    reasons = next(filter(None, told), None)
    return (newest.as_of_date, reasons) if newest and reasons else None


def consumer_state(consumer: ConsumerLag, now: datetime) -> str:
    """away: its last measurement is too old to say anything; else behind, or current."""
    if now - consumer.measured_at > AWAY_AFTER:
        return "away"
    return "behind" if consumer.lag else "current"


def absences(gaps: Iterable[Gap]) -> list[tuple[date, str, list[ShownReason], list[str]]]:
    """Day, state and reasons, each with the tickers it is about, newest day first; closed markets owe no bar."""
    owed = sorted(
        (gap for gap in gaps if gap.state != "closed"),
        key=lambda gap: (gap.state, gap.reason, gap.ticker),
    )
    owed.sort(key=lambda gap: gap.trade_date, reverse=True)
    same = [list(group) for _, group in groupby(owed, key=lambda gap: (gap.trade_date, gap.state, gap.reason))]
    return [(each[0].trade_date, each[0].state, each[0].reasons, [gap.ticker for gap in each]) for each in same]


def _heading(state: Pipeline, count: str, now: datetime, page: Page) -> Component:
    say, links = page.say, state.links
    ranges = [
        Choice(each, each, page.address.href(sessions=each), say(pipeline.RANGE_HINT, count=each)) for each in RANGES
    ]
    outside = [(pipeline.AIRFLOW, links.airflow), (pipeline.SPARK, links.spark_master)]
    return components.heading(
        say(pipeline.TITLE),
        components.selector(say(pipeline.RANGE), ranges, count),
        *(html.A(f"{say(name)} ↗", href=href, target="_blank", rel="noopener") for name, href in outside),
        html.Span(
            [
                f"{say(pipeline.SEEN, moment=page.moment(now))} · ",
                html.A(say(pipeline.REFRESH), href=page.address.href()),
                f" · {say(pipeline.REFRESHES, seconds=EVERY_MS // 1000)}",
            ],
            className="soft",
            id="seen",
        ),
    )


def _banners(sessions: Sequence[SessionState], page: Page) -> list[Component]:
    degraded = degraded_of(sessions)
    told = f"{page.day(degraded[0])}: {components.words(degraded[1], page)}" if degraded else ""
    return components.banners(page, source=source_of(sessions), degraded_reason=told)


def _empty(page: Page) -> Component:
    say = page.say
    return components.state(say(pipeline.EMPTY_TITLE), say(pipeline.EMPTY_DETAIL), say(pipeline.EMPTY_HINT))


def _runs(sessions: Sequence[SessionState], page: Page) -> Component:
    say = page.say
    others = pipeline_grid.other_runs(sessions)
    return components.panel(
        say(pipeline.RUNS),
        pipeline_grid.grid(sessions, page),
        html.P(say(pipeline.RUNS_NOTE), className="note"),
        pipeline_grid.legend(page),
        *([_others(others, page)] if others else []),
    )


def _others(runs: Sequence[StageRun], page: Page) -> Component:
    say = page.say
    columns = [
        (say(pipeline.SESSION), ""),
        (say(pipeline.DAG), ""),
        (say(pipeline.STATE), ""),
        (say(pipeline.REASON), "prose"),
        (say(pipeline.TIME), "soft"),
    ]
    rows = [
        (
            page.day(run.as_of_date),
            _name_of(run, page),
            pipeline_grid.mark(run.state, page),
            components.words(run.reasons, page),
            pipeline_grid.run_times(run, page),
        )
        for run in runs
    ]
    title = f"{say(pipeline.OTHER_RUNS)} ({len(runs)})"
    return html.Details([html.Summary(title), components.table("other-runs", columns, rows)], id="other-runs-all")


def _name_of(run: StageRun, page: Page) -> Component:
    if run.dag_id == HISTORY:
        return page.say(pipeline.HISTORY)
    return html.A(run.dag_id, href=run.airflow_url, target="_blank", rel="noopener")


def _platform(state: Pipeline, now: datetime, page: Page) -> list[Component]:
    """Show the parts that do not depend on the sessions shown."""
    return [
        html.Div([_consumers(state.consumers, now, page), _tables(state, page)], className="two"),
        _requests(state, page),
        _quarantined(state.quarantined, page),
        _errors(state, page),
    ]


def _consumers(consumers: Sequence[ConsumerLag], now: datetime, page: Page) -> Component:
    say = page.say
    if not consumers:
        return components.panel(say(pipeline.CONSUMERS), html.P(say(pipeline.NO_CONSUMERS)))
    columns = [
        (say(pipeline.GROUP), ""),
        (say(pipeline.PARTITION), "number"),
        (say(pipeline.STATE), ""),
        (say(pipeline.LAG), "number strong"),
        (say(pipeline.STORED_UP_TO), "number"),
        (say(pipeline.END), "number"),
        (say(pipeline.MEASURED), "soft"),
    ]
    states = [consumer_state(each, now) for each in consumers]
    rows = [
        (
            html.Span(each.consumer_group, title=each.topic),
            str(each.partition_id),
            _consumer_mark(known, page),
            f"{each.lag:,}",
            f"{each.committed_offset:,}",
            f"{each.end_offset:,}",
            page.moment(each.measured_at),
        )
        for each, known in zip(consumers, states, strict=True)
    ]
    away = sorted({each.consumer_group for each, known in zip(consumers, states, strict=True) if known == "away"})
    note = say(pipeline.AWAY_NOTE, groups=", ".join(away), services=" ".join(f"consumer-{group}" for group in away))
    return components.panel(
        say(pipeline.CONSUMERS),
        *([html.P(note, className="banner degraded", role="note")] if away else []),
        components.table("consumers", columns, rows),
    )


def _consumer_mark(state: str, page: Page) -> Component:
    symbol, text, colour = {
        "current": ("✓", pipeline.CURRENT, "green"),
        "behind": ("◔", pipeline.BEHIND, "late"),
        "away": ("✕", pipeline.AWAY, "failed"),
    }[state]
    return html.Span(
        [html.Span(symbol, className="symbol", **components.aria(hidden="true")), page.say(text)],
        className=f"mark {colour}",
    )


def _tables(state: Pipeline, page: Page) -> Component:
    say = page.say
    columns = [
        (say(pipeline.TABLE), ""),
        (say(pipeline.ROWS), "number"),
        (say(pipeline.NEWEST), ""),
        (say(pipeline.FETCHED), "soft"),
    ]
    rows = [
        (
            html.Code(each.table_name),
            f"{each.row_count:,}",
            page.day(each.newest_date),
            page.moment(each.fetched_at),
        )
        for each in state.tables
    ]
    return components.panel(say(pipeline.TABLES), components.table("tables", columns, rows))


def _requests(state: Pipeline, page: Page) -> Component:
    say = page.say
    hours = state.requests_by_hour
    if not hours:
        return components.panel(say(pipeline.REQUESTS), html.P(say(pipeline.NO_REQUESTS)))
    names = {
        "answered": say(pipeline.ANSWERED),
        "limited": say(pipeline.LIMITED),
        "failed": say(pipeline.FAILED),
    }
    totals = {
        "requests": f"{sum(each.requests for each in hours):,}",
        "limited": f"{sum(each.limited for each in hours):,}",
        "failed": f"{sum(each.failed for each in hours):,}",
    }
    by_hour = figures.requests(hours, "hour", names, page.palette)
    by_day = figures.requests(state.requests_by_day, "day", names, page.palette)
    charts = [
        html.Div([html.H3(say(pipeline.BY_HOUR)), components.graph("requests-by-hour", by_hour)]),
        html.Div([html.H3(say(pipeline.BY_DAY)), components.graph("requests-by-day", by_day)]),
    ]
    return components.panel(
        say(pipeline.REQUESTS),
        html.P(say(pipeline.REQUEST_TOTALS, **totals), className="note"),
        html.Div(charts, className="halves"),
        *_failed_requests(state.failed_requests, page),
    )


def _failed_requests(failed: Sequence[FailedRequest], page: Page) -> list[Component]:
    """List what was not answered, folded away: which request, of which run, with what status."""
    if not failed:
        return []
    say = page.say
    columns = [
        (say(pipeline.TIME), "soft"),
        (say(pipeline.ENDPOINT), ""),
        (say(common.TICKER), ""),
        (say(pipeline.STATUS), "number"),
        (say(pipeline.RUN), "prose"),
    ]
    rows = [
        (
            page.moment(each.requested_at),
            html.Code(each.endpoint),
            each.symbol or "–",
            str(each.http_status or say(pipeline.NO_ANSWER)),
            each.run_id or "–",
        )
        for each in failed
    ]
    summary = html.Summary([say(pipeline.FAILED_REQUESTS), html.Span(f" {len(failed)}", className="soft")])
    return [html.Details([summary, components.table("failed-requests", columns, rows)], id="failed-requests-all")]


def _quarantined(waiting: Quarantined, page: Page) -> Component:
    say = page.say
    if not waiting.bars:
        return components.panel(say(pipeline.QUARANTINED), html.P(say(pipeline.NO_QUARANTINED)))
    columns = [
        (say(pipeline.SESSION), ""),
        (say(common.TICKER), ""),
        (say(pipeline.REASON), "prose"),
        (say(pipeline.RECEIVED), "soft"),
    ]
    rows = [
        (
            page.day(each.trade_date),
            components.ticker_link(each.ticker, page),
            components.words(each.reasons, page),
            page.moment(each.received_at),
        )
        for each in waiting.bars
    ]
    more = say(pipeline.MORE_QUARANTINED, shown=f"{len(rows):,}", total=f"{waiting.total:,}")
    note = say(pipeline.QUARANTINED_NOTE, replay=REPLAY)
    return components.panel(
        f"{say(pipeline.QUARANTINED)}: {waiting.total:,}",
        components.table("quarantined", columns, rows),
        html.P([note, *([" ", more] if len(rows) < waiting.total else [])], className="note"),
    )


def _errors(state: Pipeline, page: Page) -> Component:
    say = page.say
    if not state.errors:
        return components.panel(say(pipeline.ERRORS), html.P(say(pipeline.NO_ERRORS)))
    counts = [
        (say(pipeline.TOPIC), ""),
        (say(pipeline.REJECTED), "number"),
        (say(pipeline.WAITING), "number strong"),
        (say(pipeline.RECEIVED), "soft"),
    ]
    by_topic = [
        (each.topic, f"{each.rejected:,}", f"{each.waiting:,}", page.moment(each.newest_at)) for each in state.errors
    ]
    messages = [
        (say(pipeline.NUMBER), "number"),
        (say(pipeline.TOPIC), ""),
        (say(common.TICKER), ""),
        (say(pipeline.REASON), "prose"),
        (say(pipeline.STATE), ""),
        (say(pipeline.RECEIVED), "soft"),
    ]
    return components.panel(
        say(pipeline.ERRORS),
        components.table("error-counts", counts, by_topic),
        html.P(say(pipeline.REPLAY_NOTE, list=REPLAY), className="note"),
        components.table("errors", messages, [_message(each, page) for each in state.newest_errors]),
    )


def _message(message: RejectedMessage, page: Page) -> tuple[Component, ...]:
    say = page.say
    raw = html.Details(
        [html.Summary(say(pipeline.RAW)), html.Code(message.raw_value or "–")], id=f"message-{message.id}"
    )
    is_waiting = message.replayed_at is None
    return (
        str(message.id),
        html.Span(
            message.topic,
            title=f"{say(pipeline.ADDRESS)} {message.partition_id}@{message.kafka_offset}",
        ),
        message.message_key or "–",
        [components.words(message.reasons, page), raw],
        html.Span(
            say(pipeline.WAITS if is_waiting else pipeline.CLOSED_MESSAGE),
            className=f"mark {'late' if is_waiting else 'green'}",
        ),
        page.moment(message.received_at),
    )


def _gaps(gaps: Gaps, page: Page) -> Component:
    say = page.say
    found = absences(gaps.gaps)
    if not found:
        return components.panel(say(pipeline.GAPS), html.P(say(pipeline.NO_GAPS)))
    columns = [
        (say(pipeline.SESSION), ""),
        (say(pipeline.STATE), ""),
        (say(pipeline.TICKERS), "prose"),
        (say(pipeline.REASON), "prose"),
    ]
    rows = [
        (page.day(day), say(pipeline.GAP_STATES[state]), ", ".join(tickers), components.words(reasons, page))
        for day, state, reasons, tickers in found
    ]
    shown = len(gaps.gaps)
    more = say(pipeline.MORE_GAPS, shown=f"{shown:,}", total=f"{gaps.total:,}")
    return components.panel(
        say(pipeline.GAPS),
        components.table("gaps", columns, rows),
        html.P([say(pipeline.GAPS_NOTE), *([" ", more] if shown < gaps.total else [])], className="note"),
    )


def _restated(restated: Restatements, page: Page) -> Component:
    say = page.say
    if not restated.restatements:
        return components.panel(say(pipeline.RESTATED), html.P(say(pipeline.NO_RESTATED)))
    columns = [
        (say(common.TICKER), ""),
        (say(pipeline.CHANGE), ""),
        (say(pipeline.SESSIONS), ""),
        (say(pipeline.FACTOR), "number"),
        (say(pipeline.RECEIVED), "soft"),
    ]
    rows = [
        (
            components.ticker_link(each.ticker, page),
            say(pipeline.CHANGES[each.change]),
            page.day(each.last_session)
            if each.first_session == each.last_session
            else say(pipeline.FROM_TO, start=page.day(each.first_session), end=page.day(each.last_session)),
            f"{each.price_factor:.6g}",
            page.moment(each.recorded_at),
        )
        for each in restated.restatements
    ]
    shown = len(rows)
    more = say(pipeline.MORE_RESTATED, shown=f"{shown:,}", total=f"{restated.total:,}")
    return components.panel(
        say(pipeline.RESTATED),
        components.table("restatements", columns, rows),
        *([html.P(more, className="note")] if shown < restated.total else []),
    )
