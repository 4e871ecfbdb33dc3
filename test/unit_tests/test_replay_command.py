"""The replay command's own decisions: where it refuses, how it estimates, what it says of a server that is away."""

from datetime import date
from pathlib import Path

import pytest

from ops.errors import NotRunning
from ops.native import control
from ops.native.stack import DataSource, Stack
from ops.replay import command
from ops.replay.market_client import MarketServer
from ops.replay.replay import Done


def test_a_replay_takes_a_market_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(control, "running_stack", lambda: Stack(tmp_path, source=DataSource("yahoo")))

    with pytest.raises(NotRunning, match=r"on live Yahoo: \./start\.sh stop, then \./start\.sh demo"):
        command.replay(date(2026, 8, 10), date(2026, 8, 14), afresh=False)


def test_a_replay_is_for_native_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSTOCK_PLATFORM", "containers")

    with pytest.raises(NotRunning, match=r"in containers: \./start\.sh stop, then \./start\.sh --native demo"):
        command.replay(date(2026, 8, 10), date(2026, 8, 14), afresh=False)


def test_a_market_server_that_is_away_is_named() -> None:
    with pytest.raises(NotRunning, match=r"http://127\.0\.0\.1:1 does not answer .*logs market-server"):
        MarketServer("http://127.0.0.1:1", "a token").clock()


def test_progress_estimates_the_rest_at_the_mean_pace(capsys: pytest.CaptureFixture[str]) -> None:
    tell = command.Progress()

    tell(Done(date(2026, 8, 13), [], 30.0, left=20))
    tell(Done(date(2026, 8, 14), ["SPY: no bar [yet]"], 10.0, left=19))

    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["2026-08-13", "30.0", "s", "20", "left,", "about", "10", "min", "0", "s"]
    assert second.split() == [
        "2026-08-14",
        "10.0",
        "s",
        "19",
        "left,",
        "about",
        "6",
        "min",
        "20",
        "s",
        "SPY:",
        "no",
        "bar",
        "[yet]",
    ]
