"""The measurement with faults: what counts as lost, doubled and wrong, whom it strikes, and what it shows."""

import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from config.config import PROJECT_ROOT
from config.stages import REBALANCE
from database.schema_reader import schema
from ops import testing
from ops.bench import chaos, chaos_faults, chaos_field, chaos_rows, chaos_stack, soak
from ops.bench.chaos_disk import Disk
from ops.bench.chaos_faults import DISK_FULL, Fault
from ops.bench.chaos_field import Field
from ops.bench.chaos_rounds import KeptRounds, Round
from ops.bench.chaos_rows import Difference
from ops.bench.command import PARTS, _chosen
from ops.containers.container_testing import PORT_OFFSET
from ops.errors import CannotStart, NotRunning, UnknownName
from ops.native.compose import PORT, ports, read_compose
from ops.native.stack import Stack
from utils.dates import sessions_between
from utils.errors import BrokerUnavailable, InvalidMessage
from utils.messages import EtfDailyBar, HoldingsSnapshot, Message, StockDailyBar, from_json

TRUTH = Counter({("bars", "SPY 1", "a"): 1, ("bars", "SPY 2", "b"): 1, ("versions", "SPY 1", "a"): 1})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (TRUTH, "0 lost, 0 doubled, 0 wrong"),
        (TRUTH - Counter([("bars", "SPY 2", "b")]), "1 lost, 0 doubled, 0 wrong: bars SPY 2"),
        (TRUTH + Counter([("versions", "SPY 1", "a")]), "0 lost, 1 doubled, 0 wrong: versions SPY 1"),
        (TRUTH + Counter([("bars", "DIA 1", "z")]), "0 lost, 1 doubled, 0 wrong: bars DIA 1"),
        (
            TRUTH - Counter([("bars", "SPY 2", "b")]) + Counter([("bars", "SPY 2", "z")]),
            "0 lost, 0 doubled, 1 wrong: bars SPY 2",
        ),
        (Counter(), "3 lost, 0 doubled, 0 wrong: bars SPY 1, bars SPY 2, versions SPY 1"),
    ],
)
def test_what_rows_lack_and_have_besides(found: Counter[chaos_rows.Row], told: str) -> None:
    difference = Difference.between(TRUTH, found)

    assert str(difference) == told
    assert bool(difference) == (found != TRUTH)


def test_rows_are_compared_without_what_says_when_and_how_they_came() -> None:
    tables = {table.name: table for table in chaos_rows._tables()}
    compared = {name: set(table.columns) - chaos_rows.INCIDENTAL for name, table in tables.items()}

    assert {"collected_daily_etf_ohlc", "analytics_trending_etfs", "evidence_publication"} <= set(tables)
    assert not any(name.startswith("collected_dollar") for name in tables), "a view has no rows of its own"
    assert {"close_price", "split_ratio", "source"} <= compared["collected_daily_etf_ohlc"]
    assert compared["collected_daily_etf_ohlc"].isdisjoint({"fetched_at", "run_id", "kafka_offset", "answer_digest"})
    assert {"status", "degraded_reason"} <= compared["analytics_publication"]


def test_a_publication_that_was_made_good_has_two_revisions() -> None:
    rows = Counter({("evidence_publication", "trending", "a"): 1, ("analytics_publication", "trending", "b"): 1})

    assert list(chaos_rows.without_revisions(rows)) == [("analytics_publication", "trending", "b")]


def test_what_a_run_more_may_look_up_is_compared_apart() -> None:
    """A source that was at fault is asked in a run more."""
    compared = [dict(chaos_rows._compared(table)) for table in chaos_rows._tables()]
    of_table = {name: set(columns) for each in compared for name, columns in each.items()}
    labels = {name: columns for name, columns in of_table.items() if name.startswith(chaos_rows.LABELS_OF)}

    assert labels["sectors of collected_daily_stock_history"] == {"sector", "sector_source"}
    assert labels["sectors of analytics_portfolio_allocation"] == {"sector"}
    assert {"close_price", "market_cap"} <= of_table["collected_daily_stock_history"]
    assert of_table["collected_daily_stock_history"].isdisjoint(chaos_rows.LABELS)
    assert "sectors of analytics_sector_trending" not in labels, "there the sector is what a row is about"
    rows = Counter({("sectors of bars", "KO", "a"): 1, ("bars", "KO", "b"): 1, ("sectors of links", "KO", "c"): 1})
    assert list(chaos_rows.without_labels(rows)) == [("bars", "KO", "b")]


def test_the_parts_of_hours_are_measured_when_they_are_asked_for() -> None:
    assert set(PARTS) - set(_chosen([])) == {"history", "chaos", "soak"}
    assert _chosen(["chaos", "api"]) == ["api", "chaos"]


def test_faults_are_chosen_by_name() -> None:
    known = {name: Fault(name, lambda *_: "") for name in ("kill -9 api", "kafka frozen")}

    assert [fault.name for fault in chaos.choose(known, [])] == list(known)
    assert [fault.name for fault in chaos.choose(known, ["kafka frozen"])] == ["kafka frozen"]
    with pytest.raises(UnknownName, match="did you mean kafka frozen"):
        chaos.choose(known, ["kafka frozn"])


def test_what_is_shown_and_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    lost, right = Difference(lost=63), Difference()
    played = [Round("topic made anew", 1, 400.0, lost, "rows are missing"), Round("topic made anew", 2, 90.0, right)]

    chaos.show(played)
    assert " ".join(capsys.readouterr().out.splitlines()[1].split()) == "topic made anew 2 63 0 0 1 245 400"
    assert [(target.figure, target.is_reached) for target in chaos.targets(played)] == [
        (63, False),
        (0, True),
        (0, True),
        (1, False),
    ]


class TestRoundsOfManyRuns:
    """Two kinds of faults, two rounds of each, on a stack where nothing goes wrong."""

    @pytest.fixture
    def struck(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, int]]:
        struck: list[tuple[str, int]] = []
        served = SimpleNamespace(last_session=date(2026, 8, 21))
        field = SimpleNamespace(market=SimpleNamespace(market=lambda: served), without_noise=nullcontext, disk=None)

        def play_round(_: Any, session: date, truth: Any, fault: Fault, number: int, usual: float) -> Round:
            if len(struck) == self.stop_after:
                raise KeyboardInterrupt
            struck.append((fault.name, number))
            return Round(fault.name, number, 1.5, Difference(wrong=2, examples=("bars SPY",)), "a word")

        monkeypatch.setattr(chaos, "chaos_field", lambda _: nullcontext(field))
        monkeypatch.setattr(chaos, "undisturbed", lambda *_: (TRUTH, 20.0))
        monkeypatch.setattr(chaos, "kinds", lambda _: {name: Fault(name, lambda *_: "") for name in ("a", "b")})
        monkeypatch.setattr(chaos, "play_round", play_round)
        monkeypatch.setattr(chaos, "ROUNDS_FILE", tmp_path / "chaos" / "rounds.jsonl")
        return struck

    stop_after = -1

    def test_one_of_each_kind_comes_before_the_next(self, struck: list[tuple[str, int]]) -> None:
        targets = chaos.measure(2, [])

        assert struck == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
        assert [target.figure for target in targets] == [0, 0, 8, 4]

    def test_what_is_over_is_kept_when_it_is_interrupted(
        self, struck: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.stop_after = 3
        with pytest.raises(KeyboardInterrupt):
            chaos.measure(2, [])
        self.stop_after = -1
        targets = chaos.measure(2, [], is_resumed=True)

        assert struck == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
        assert [target.figure for target in targets] == [0, 0, 8, 4]
        assert "3 of 5 rounds are of earlier runs: 2" in capsys.readouterr().out

    def test_without_being_resumed_it_begins_anew_and_earlier_rounds_stay(self, struck: list[tuple[str, int]]) -> None:
        chaos.measure(1, ["b"])
        chaos.measure(1, ["a"])

        assert struck == [("b", 1), ("a", 1)]
        [aside] = [path for path in chaos.ROUNDS_FILE.parent.iterdir() if path != chaos.ROUNDS_FILE]
        rounds = [KeptRounds(path).read() for path in (aside, chaos.ROUNDS_FILE)]
        assert [[(each.fault, each.number) for each in kept] for kept in rounds] == [
            [("none", 0), ("b", 1)],
            [("none", 0), ("a", 1)],
        ]

    def test_earlier_rounds_count_where_they_are_asked_for(self, struck: list[tuple[str, int]]) -> None:
        chaos.measure(2, [])
        targets = chaos.measure(1, ["b"], is_resumed=True)

        assert len(struck) == 4
        assert [target.figure for target in targets] == [0, 0, 2, 1]

    def test_a_kind_that_cannot_be_made_here_is_named_and_no_other_is(
        self, struck: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        chaos.measure(1, ["a"])
        assert "left out" not in capsys.readouterr().out
        chaos.measure(1, [])
        assert f"left out, for want of a disk of its own: {DISK_FULL}" in capsys.readouterr().out

    def test_a_wrong_name_loses_no_round(self, struck: list[tuple[str, int]]) -> None:
        chaos.measure(1, ["a"])
        with pytest.raises(UnknownName):
            chaos.measure(1, ["c"])
        assert len(KeptRounds(chaos.ROUNDS_FILE).read()) == 2

    def test_a_line_that_was_cut_off_is_no_round(self, struck: list[tuple[str, int]]) -> None:
        chaos.measure(1, ["a"])
        chaos.ROUNDS_FILE.write_bytes(chaos.ROUNDS_FILE.read_bytes()[:-5])
        chaos.measure(1, ["a"], is_resumed=True)

        assert struck == [("a", 1), ("a", 1)]
        assert [each.fault for each in KeptRounds(chaos.ROUNDS_FILE).read()] == ["none", "none", "a"]

    def test_a_file_of_something_else_is_named(self, struck: list[tuple[str, int]]) -> None:
        chaos.ROUNDS_FILE.parent.mkdir()
        chaos.ROUNDS_FILE.write_text('{"fault": "a"}\n')
        with pytest.raises(CannotStart, match=r"rounds\.jsonl has something else than rounds .*: move it away"):
            chaos.measure(1, [], is_resumed=True)
        assert not struck


class TestOneChain:
    """A stack that only notes what is done to it."""

    def strike(self, fault: Fault, ends: list[str | None], is_right: bool = True) -> tuple[str | None, list[str]]:
        noted: list[str] = []

        def start_chain(session: str) -> str:
            noted.append(f"chain of {session}")
            return "run"

        field: Any = SimpleNamespace(
            start_chain=start_chain,
            end_of=lambda run: ends.pop(0),
            rescue=lambda run: noted.append(f"rescue of {run}"),
            airflow=lambda: SimpleNamespace(dags=lambda: {chaos.REPOLL: False}, trigger=lambda *_: noted.append("ask")),
        )
        session: Any = "2026-08-21"
        _, problem = chaos.strike(field, session, fault, Random(1), 0.0, lambda: is_right)
        return problem, noted

    def test_that_ends_by_itself_needs_nobody(self) -> None:
        assert self.strike(Fault("any", lambda *_: "done"), [None]) == (None, ["chain of 2026-08-21"])

    def test_that_does_not_is_put_right(self) -> None:
        told = self.strike(Fault("any", lambda *_: "done"), ["the chain ended as failed"])
        assert told == ("the chain ended as failed", ["chain of 2026-08-21", "rescue of run"])

    def test_a_fault_that_cannot_be_undone_is_put_right_too(self) -> None:
        def broken(*_: object) -> str:
            raise BrokerUnavailable("no Kafka")

        assert self.strike(Fault("any", broken), []) == ("no Kafka", ["chain of 2026-08-21", "rescue of run"])

    @pytest.mark.parametrize(("is_right", "more"), [(True, []), (False, ["ask", "chain of 2026-08-21"])])
    def test_the_source_is_asked_again_for_what_it_lacked(self, is_right: bool, more: list[str]) -> None:
        fault = Fault("wrong answers", lambda *_: "done", is_of_source=True)
        assert self.strike(fault, [None, None, None], is_right) == (None, ["chain of 2026-08-21", *more])


def test_an_airflow_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    away = [NotRunning("no answer"), NotRunning("no answer")]

    def airflow(_: Field) -> Any:
        if away:
            raise away.pop()
        return SimpleNamespace(run=lambda run: SimpleNamespace(has_ended=True, state="success"))

    monkeypatch.setattr(Field, "airflow", airflow)
    monkeypatch.setattr(Field, "rest", lambda *_: None)
    monkeypatch.setattr(chaos_field, "POLL_SECONDS", 0)
    run: Any = None

    assert Field(Stack(tmp_path)).end_of(run) is None
    away.append(NotRunning("no answer"))
    assert Field(Stack(tmp_path), patience_seconds=-1).end_of(run) == "no answer"


def test_stacks_that_run_side_by_side_share_no_port() -> None:
    published = {
        int(found["first"])
        for service in read_compose()["services"].values()
        for found in map(PORT.search, service.get("ports", []))
        if found
    }
    natively = (0, testing.PORTS_BESIDE, chaos_stack.PORTS_BESIDE)
    taken = [port + offset for offset in natively for port in ports().values()]
    taken += [port + PORT_OFFSET for port in published]
    assert sorted(taken) == sorted(set(taken))
    assert max(taken) < 32768, "the kernel gives out the ports from there on"


@pytest.mark.parametrize("kind", [EtfDailyBar, HoldingsSnapshot, StockDailyBar])
@pytest.mark.parametrize("raw", chaos_faults.POISON)
def test_no_contract_takes_poison(kind: type[Message], raw: bytes) -> None:
    with pytest.raises(InvalidMessage):
        from_json(kind, raw)


def test_poison_is_no_row_of_a_chain() -> None:
    rejections = schema()["logs_consumer_error"]
    assert chaos_rows.POISON_KEY in str(chaos_rows._query(rejections, ["topic"]))
    assert chaos_rows.POISON_KEY not in str(chaos_rows._query(schema()["collected_daily_etf_ohlc"], ["volume"]))


def test_only_this_stacks_own_process_is_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of a process that has ended may be anybody's by now."""
    children = [SimpleNamespace(pid=number) for number in (11, 12)]
    monkeypatch.setattr(psutil, "Process", lambda pid: {10: SimpleNamespace(children=lambda: children)}[pid])

    def process(pid: int) -> Any:
        supervisor = SimpleNamespace(pid=lambda: 10, state=lambda name: SimpleNamespace(pid=pid))
        field: Any = SimpleNamespace(supervisor=supervisor)
        return chaos_faults._process(field, "kafka")

    assert process(12) is children[1]
    assert [process(pid) for pid in (0, 13)] == [None, None]


@pytest.mark.parametrize("kill_all", [True, False])
def test_a_process_is_killed_with_or_without_what_it_started(monkeypatch: pytest.MonkeyPatch, kill_all: bool) -> None:
    killed: list[str] = []
    child = SimpleNamespace(kill=partial(killed.append, "child"))
    process = SimpleNamespace(kill=partial(killed.append, "itself"), children=lambda recursive: [child])
    monkeypatch.setattr(chaos_faults, "_process", lambda *_: process)
    chance: Any = SimpleNamespace(random=lambda: 0.0 if kill_all else 1.0)
    nowhere: Any = None

    chaos_faults._kill(nowhere, chance, "airflow-scheduler")

    assert killed == (["itself", "child"] if kill_all else ["itself"])


def test_a_service_is_frozen_with_what_it_started_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    with subprocess.Popen(["bash", "-c", "sleep 60 & wait"]) as running:
        process = psutil.Process(running.pid)
        while not process.children():
            time.sleep(0.01)
        family = [process, *process.children()]

        def look(_: float = 0) -> None:
            # A signal takes a moment to arrive.
            wanted = psutil.STATUS_SLEEPING if seen else psutil.STATUS_STOPPED
            until = time.monotonic() + 10
            while (found := {each.status() for each in family}) != {wanted} and time.monotonic() < until:
                os.sched_yield()
            seen.append(found)

        monkeypatch.setattr(chaos_faults, "_process", lambda *_: process)
        monkeypatch.setattr(time, "sleep", look)
        nowhere: Any = None
        told = chaos_faults._freeze(nowhere, Random(1), ["postgres"])
        look()
        for each in family:
            each.kill()
    assert seen == [{psutil.STATUS_STOPPED}, {psutil.STATUS_SLEEPING}]
    assert told.startswith("2 processes of postgres frozen for ")


class TestFullDisk:
    """A disk that only notes what is done to it, and a real one where this user may mount one."""

    @pytest.fixture
    def noted(self) -> list[str]:
        return []

    def disk(self, noted: list[str], fails_at: int | None = None) -> Any:
        def keep_free(room: int, seconds: float) -> None:
            noted.append(f"{room} bytes free")
            if len(noted) == fails_at:
                raise KeyboardInterrupt

        return SimpleNamespace(
            keep_free=keep_free,
            widen=lambda: noted.append("room"),
            unmount=lambda: noted.append("unmounted"),
        )

    def field(self, noted: list[str]) -> Any:
        def not_ready() -> list[str]:
            noted.append("looked")
            return ["postgres", "kafka"]

        settings = SimpleNamespace(collector=SimpleNamespace(disk_free_mb=1000))
        return SimpleNamespace(settings=settings, not_ready=not_ready)

    def test_collection_has_too_little_room_first_then_rows_then_the_log(
        self, noted: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chaos_faults, "_use_up_log", lambda _: noted.append("log used up"))

        told = chaos_faults._fill_disk(self.field(noted), Random(1), self.disk(noted))

        full = ["0 bytes free", "log used up", "0 bytes free"]
        assert noted == [f"{500 * 2**20} bytes free", *full, "looked", "room"]
        assert told.endswith("not ready at its end: postgres, kafka")

    @pytest.mark.parametrize("fails_at", [1, 2, 4])
    def test_there_is_room_again_whenever_it_is_interrupted(
        self, noted: list[str], monkeypatch: pytest.MonkeyPatch, fails_at: int
    ) -> None:
        monkeypatch.setattr(chaos_faults, "_use_up_log", lambda _: noted.append("log used up"))
        with pytest.raises(KeyboardInterrupt):
            chaos_faults._fill_disk(self.field(noted), Random(1), self.disk(noted, fails_at))
        assert (len(noted), noted[-1]) == (fails_at + 1, "room")

    def test_without_a_disk_of_its_own_there_is_no_such_kind(self) -> None:
        def known(disk: Any) -> dict[str, Fault]:
            field: Any = SimpleNamespace(services=lambda: ["kafka"], service_of=str, disk=disk)
            return chaos_faults.kinds(field)

        assert set(known(self.disk([]))) - set(known(None)) == {DISK_FULL}
        with pytest.raises(UnknownName):
            chaos.choose(known(None), [DISK_FULL])

    @pytest.fixture
    def stack_noted(self, noted: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
        monkeypatch.setattr(chaos_stack, "TOOLS", tmp_path)
        monkeypatch.setattr(chaos_stack, "SETTINGS", {})
        monkeypatch.setattr(chaos_stack, "start", lambda _: noted.append("started"))
        monkeypatch.setattr(chaos_stack, "stop", lambda _: noted.append("stopped"))
        return noted

    def test_the_disk_goes_behind_the_stack_however_it_ends(
        self, stack_noted: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Disk, "mounted", lambda _: self.disk(stack_noted))
        with pytest.raises(KeyboardInterrupt), chaos_stack.chaos_field(wants_disk=True) as field:
            assert field.disk
            raise KeyboardInterrupt
        assert stack_noted == ["stopped", "started", "stopped", "unmounted"]

    def test_why_it_has_none_is_told_and_all_else_goes_on(
        self, stack_noted: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refused(_: Path) -> Disk:
            raise CannotStart("Operation not permitted")

        monkeypatch.setattr(Disk, "mounted", refused)
        with chaos_stack.chaos_field(wants_disk=True) as field:
            assert field.disk is None
        assert "'disk full' is left out: Operation not permitted" in capsys.readouterr().out
        with chaos_stack.chaos_field():
            pass
        assert "left out" not in capsys.readouterr().out

    def test_a_real_one_is_full_and_has_room_again_and_nobody_else_sees_it(self, tmp_path: Path) -> None:
        """Where none can be mounted it is told why. It goes with its last process, which is killed here."""
        may_mount = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
        command = [sys.executable, "-c", ON_A_DISK, str(tmp_path / "data")]
        with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout
            told = running.stdout.readline().strip()
            assert list((tmp_path / "data").iterdir()) == []
            assert "actstock-chaos" not in Path("/proc/mounts").read_text()
            running.kill()
        full = "1000 bytes written, No space left on device, 1000 bytes written"
        assert told == (full if may_mount else "no disk")


# Tells what it can write where there is room, where there is none, and where there is some again.
ON_A_DISK = """
import sys, time
from pathlib import Path
from ops.bench.chaos_disk import Disk
from ops.errors import CannotStart

def write(name):
    try:
        return f"{(folder / name).write_bytes(bytes(1000))} bytes written"
    except OSError as error:
        return error.strerror

folder = Path(sys.argv[1])
try:
    disk = Disk.mounted(folder)
    told = [write("first")]
    disk.keep_free(0, 0)
    told.append(write("second"))
    disk.widen()
    print(", ".join([*told, write("third")]), flush=True)
except CannotStart:
    print("no disk", flush=True)
time.sleep(60)
"""


def test_a_soak_compares_rows_and_memory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve sessions to the last one of a month, the eleventh with a fault: a row is lost, memory grows by a tenth."""
    done: list[str] = []
    memory = iter([{"api": [100_000_000]}, {"api": [110_000_000]}])
    served = SimpleNamespace(first_session=date(2026, 6, 1), last_session=date(2026, 8, 28))
    airflow = SimpleNamespace(
        dags=lambda: {REBALANCE: False}, trigger=lambda dag, conf: done.append(f"{dag} of {conf['as_of_date']}")
    )
    field: Any = SimpleNamespace(
        market=SimpleNamespace(
            market=lambda: served,
            set_clock=done.append,
            add_fault=lambda fault: done.append(fault["kind"]),
            clear_faults=lambda: done.append("no delay"),
        ),
        begin_anew=lambda: done.append("anew"),
        start_chain=lambda session: done.append(f"chain of {session}"),
        airflow=lambda: airflow,
        end_of=lambda run: None,
        rows=lambda: TRUTH - Counter([("bars", "SPY 2", "b")]),
        without_noise=nullcontext,
        stack=None,
        disk=None,
    )
    monkeypatch.setattr(soak, "chaos_field", lambda _: nullcontext(field))
    monkeypatch.setattr(soak, "kinds", lambda _: {"any": Fault("any", lambda *_: str(done.append("fault") or ""))})
    monkeypatch.setattr(soak, "sizes_at_rest", lambda _: next(memory))
    monkeypatch.setattr(soak, "_replayed", lambda *_: TRUTH)
    monkeypatch.setattr(soak, "LATE_SECONDS", 0)

    targets = soak.measure(12, [])

    days = [str(day) for day in sessions_between(date(2026, 8, 13), date(2026, 8, 28))]
    chains = [what for day in days for what in (day, f"chain of {day}")]
    of_month = ["2026-08-30T14:00:00+00:00", f"{REBALANCE} of 2026-08-30"]
    late = [*chains[:2], "delay", "no delay"]
    assert done == ["anew", *late, *chains[2:-2], "fault", *chains[-2:], *of_month]
    assert [(target.figure, target.is_reached) for target in targets] == [
        (1, False),
        (0, True),
        (0, True),
        (0, True),
        (pytest.approx(110), False),
        (1, False),
    ]
    assert ["api", "100", "110", "grown"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_soak_draws_each_kind_before_any_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[str] = []
    faults = [Fault(name, lambda *_: "") for name in ("a", "b", "c")]
    days = sessions_between(date(2026, 6, 1), date(2026, 8, 28))

    def strike(field: Any, day: date, fault: Fault, *_: Any) -> tuple[float, None]:
        struck.append(fault.name)
        return 1.0, None

    monkeypatch.setattr(soak, "strike", strike)
    monkeypatch.setattr(soak, "_evening", lambda *_: 1.0)
    monkeypatch.setattr(soak, "_end_of_month", lambda *_: None)
    field: Any = SimpleNamespace(market=SimpleNamespace(set_clock=lambda _: None))

    assert len(list(soak._disturbed(field, days, faults, 1.0))) == len(days) // soak.SESSIONS_A_FAULT == 6
    assert Counter(struck) == {"a": 2, "b": 2, "c": 2}
    struck.clear()
    assert len(list(soak._disturbed(field, days[:5], faults, 1.0))) == 3, "each kind, where there are sessions enough"
    assert Counter(struck) == {"a": 1, "b": 1, "c": 1}
