"""The benchmark's own arithmetic: what it compares, how it reads the tools' reports, where it says the time went."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from config.universe import universe
from ops.bench import budget, chain, made_days, members, memory, wrk
from ops.bench.bars import answers, bars
from ops.bench.command import PARTS
from ops.bench.consume import require_space, targets
from ops.bench.day_requests import OTHER, SECTORS, Day
from ops.bench.report import Target
from ops.bench.rounds import interleaved, medians
from ops.bench.senders import FORMS
from ops.bench.timeline import AIRFLOW, SPARK, SPARK_START, Span, Stage, by_kind, parts
from ops.errors import RunFailed
from ops.native.stack import Stack
from utils.messages import EtfDailyBar, from_json, to_json
from utils.ranges import count_sessions

BEGAN = datetime(2026, 8, 21, 21, tzinfo=UTC)
WRK_REPORT = """Running 5s test @ http://127.0.0.1:8000/empty
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.51ms    1.20ms  31.02ms   92.11%
  Latency Distribution
     50%    4.31ms
     99%    {p99}
  17741 requests in 5.00s, 2.40MB read
{trouble}Requests/sec:   3547.31
Transfer/sec:    491.09KB
"""


def span(start: float, end: float) -> Span:
    return Span(BEGAN + timedelta(seconds=start), BEGAN + timedelta(seconds=end))


@pytest.mark.parametrize(
    ("target", "is_reached", "text"),
    [
        (Target("rate", 70.0, 70, " %"), True, "rate: 70 %, wanted at least 70 %: reached"),
        (Target("rate", 69.96, 70, " %"), False, "rate: 69 %, wanted at least 70 %: missed"),
        (Target("memory", 4.001, 4, " GB", at_most=True, digits=2), False, "4.01 GB, wanted at most 4.00 GB: missed"),
        (Target("requests", 71, 75, at_most=True), True, "requests: 71, wanted at most 75: reached"),
    ],
)
def test_a_target_says_whether_it_was_reached(target: Target, is_reached: bool, text: str) -> None:
    assert target.is_reached is is_reached
    assert str(target).endswith(text)


def test_ranges_are_compared_with_single_bars_and_these_with_the_other_ways() -> None:
    sent = {"single bars": 20_000.0, "ranges": 90_000.0}
    stored = {
        "ours, single bars": 60_000.0,
        "ours, ranges": 84_000.0,
        "ours, single bars without evidence": 76_000.0,
        "ours, ranges without evidence": 152_000.0,
        "one commit a row": 1_000.0,
        "the bare client polling": 80_000.0,
    }

    assert [(target.figure, target.is_reached) for target in targets(sent, stored)] == [
        (4.5, True),
        (1.4, False),
        (2.0, True),
        (pytest.approx(78.9, abs=0.1), False),
        (60.0, True),
        (75.0, True),
    ]


def test_nothing_is_sent_that_the_disk_has_no_room_for(tmp_path: Path) -> None:
    require_space(1, tmp_path)
    with pytest.raises(RunFailed, match="give fewer --rows"):
        require_space(10**12, tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_carry_the_same_bars(form: str) -> None:
    sent = [raw for answer in answers(600) for _, raw in FORMS[form](answer)]

    assert sum(map(count_sessions, sent)) == 600
    assert len(sent) == {"single bars": 600, "ranges": 3}[form]
    assert [bar for answer in answers(600) for bar in answer] == bars(600)


def test_ways_take_turns_and_the_median_counts() -> None:
    order: list[str] = []
    figures = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 4.0, 6.0])}

    def way(name: str) -> float:
        order.append(name)
        return next(figures[name])

    results = interleaved({name: lambda name=name: way(name) for name in figures}, show=str)  # type: ignore[misc]

    assert "".join(order) == "ababab"
    assert medians(results) == {"a": 2.0, "b": 5.0}


def test_the_measured_bars_are_ones_the_consumer_takes() -> None:
    made = bars(600)

    assert all(from_json(EtfDailyBar, to_json(bar)) == bar for bar in made)
    assert len({(bar.ticker, bar.trade_date) for bar in made}) == 600
    assert bars(600) == made


@pytest.mark.parametrize(("p99", "milliseconds"), [("12.50ms", 12.5), ("1.02s", 1020.0), ("870.00us", 0.87)])
def test_wrks_report_is_read(p99: str, milliseconds: float) -> None:
    load = wrk.read(WRK_REPORT.format(p99=p99, trouble=""))

    assert load.requests_a_second == 3547.31
    assert load.p99_ms == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    "trouble", ["  Non-2xx or 3xx responses: 17741\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"]
)
def test_refused_requests_are_no_figure(trouble: str) -> None:
    with pytest.raises(RunFailed, match=trouble.strip()[:12]):
        wrk.read(WRK_REPORT.format(p99="1.00ms", trouble=trouble))


def test_the_parts_of_a_run_add_up_to_it() -> None:
    collection = Stage("1 benchmark", span(2, 12), {"collect": span(3, 11)})
    analysis = Stage("3 trending", span(14, 34), {"identify_trending": span(15, 33)})
    whole = span(0, 40)

    found = parts(whole, [collection, analysis], [span(-90, -80), span(23, 32)])

    assert sum(part.seconds for part in found) == pytest.approx(whole.seconds)
    seconds = by_kind(found)
    assert (seconds[SPARK_START], seconds[SPARK]) == (9, 9)
    assert seconds[AIRFLOW] == 10 + 2 + 2


def test_the_time_after_the_last_fetch_is_split_where_it_goes() -> None:
    stages = [Stage(str(number), span(0, 1), {}) for number in (1, 2, 3)]
    stages.append(Stage("4", span(1, 20), {"collect": span(2, 13)}))
    stages.append(Stage("5", span(21, 40), {"allocate": span(22, 39)}))

    found = chain.after_the_last_fetch(span(9, 9).start, stages, [span(30, 38)], span(37, 37).start)

    assert [part.seconds for part in found] == [4, 9, 8, 7]


def test_the_chain_takes_a_session_for_which_everything_has_to_be_fetched() -> None:
    stored = [date(2026, 8, 20), date(2026, 8, 21)]

    assert chain.choose(stored, {stored[-1]}, date(2026, 1, 2)) == date(2026, 8, 19)


def test_without_an_earlier_session_the_chain_takes_one_that_is_not_computed() -> None:
    stored = [date(2026, 1, 1) + timedelta(days=number) for number in range(30)]

    assert chain.choose(stored, set(), stored[0]) == stored[-1]
    assert chain.choose(stored, {stored[-1]}, stored[0]) == stored[-2]
    assert chain.choose(stored, set(stored), stored[0]) == stored[-1]


def asked(run_id: str, *requests: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"run_id": run_id, "endpoint": endpoint, "symbol": symbol, "requested_at": BEGAN}
        for endpoint, symbol in requests
    ]


def test_a_day_is_what_the_five_stages_and_the_first_start_asked_for() -> None:
    log = [
        *asked("bootstrap", ("chart", "SPY"), ("chart", "XLV")),
        *asked("2026-08-21__manual__1", ("quoteSummary", "XLV"), ("chart", "NVDA"), ("quoteSummary", "NVDA")),
        *asked("2026-08-20__manual__2", ("chart", "SPY"), ("chart", "KRW=X"), ("getcrumb", "")),
    ]

    first, second = budget.days(log, universe())

    assert first.counts == {"funds' bars": 2, "funds' holdings": 1, "stocks' bars": 1, SECTORS: 1}
    assert second.counts == {"funds' bars": 1, OTHER: 2}
    assert second.of_full_size(3) == 15 + 10 + 40 + 2


@pytest.mark.parametrize(("looked_up", "other", "full"), [(2, 4, 71), (17, 4, 75), (17, 9, 77)])
def test_look_ups_of_a_full_day_take_what_is_left_of_the_budget(looked_up: int, other: int, full: int) -> None:
    day = Day("a small one", {"stocks' bars": 20, SECTORS: looked_up, OTHER: other})

    assert day.of_full_size(lookups=3) == full


def test_a_made_day_has_ten_funds_with_forty_stocks_at_most() -> None:
    held = {f"F{number}": [f"{number}{letter}" for letter in "ABCDE"] for number in range(7)}
    held |= {f"S{number}": ["0A", "1A", "2A", "3A", f"S{number}"] for number in range(7)}

    for at_most, together in ((40, 38), (37, 35)):
        funds = made_days.fullest(held, funds=10, stocks=at_most)
        assert len(funds) == 10
        assert len({stock for fund in funds for stock in held[fund]}) == together


def test_scheduled_stages_are_counted_by_date_and_single_ones_by_hand_not_at_all() -> None:
    log = [
        *asked("scheduled__2026-08-21T09:00:00+00:00", ("chart", "SPY")),
        *asked("scheduled__2026-08-21T10:00:00+00:00", ("chart", "XLV")),
        *asked("manual__2026-08-21T10:30:00+00:00", ("chart", "QQQ")),
        *asked("replay", ("chart", "IWM")),
    ]

    assert [(day.name, day.total) for day in budget.days(log, universe())] == [("scheduled on 2026-08-21", 2)]


def test_the_memory_of_each_service_and_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory, "REST_SECONDS", 0)
    monkeypatch.setattr(memory, "_processes", lambda _: {"api": [psutil.Process()], "kafka": []})
    [target] = memory.measure(Stack(tmp_path))
    shown = capsys.readouterr().out
    assert "api" in shown and "kafka" not in shown
    assert 0.001 < target.figure < 4


def test_a_round_of_members_misses_what_went_wrong_in_it() -> None:
    well = members.Round(100, stored=100, versions=100, partitions=4, shares=[1, 1, 2], ended=0, seconds=30)
    ill = members.Round(100, stored=97, versions=98, partitions=4, shares=[0, 3], ended=1, seconds=30)
    assert all(target.is_reached for target in members.targets([well, well]))
    assert [target.figure for target in members.targets([well, ill])] == [3, 1, 1, 2]
    assert not any(target.is_reached for target in members.targets([well, ill]))


@pytest.mark.parametrize(
    ("is_short", "rounds", "sizes"),
    [
        (False, None, members.Sizes(200_000, 2)),
        (False, 20, members.Sizes(200_000, 20)),
        (True, None, members.Sizes(10_000, 2)),
    ],
)
def test_members_come_and_go_as_often_as_they_are_asked_to(
    monkeypatch: pytest.MonkeyPatch, is_short: bool, rounds: int | None, sizes: members.Sizes
) -> None:
    asked: list[members.Sizes] = []
    monkeypatch.setattr(members, "measure", lambda settings, chosen, logs: asked.append(chosen))
    measured: Any = SimpleNamespace(is_short=is_short, rounds=rounds, settings=None, stack=SimpleNamespace(logs=None))
    _, measure = PARTS["members"]
    measure(measured)
    assert asked == [sizes]
