"""What a demo does after its portfolios."""

from collections.abc import Sequence
from datetime import date

import pytest

from ops.native.stack import DataSource
from ops.pipeline import demo

FRIDAY = date(2026, 8, 21)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let a demo's own steps do nothing, and return the modules that it runs."""
    found: list[list[str]] = []

    class Platform:
        market_url = api_url = api_key = ""

        def show(self) -> None:
            pass

    def run_module(name: str, arguments: Sequence[str]) -> int:
        found.append([name, *arguments])
        return 7

    monkeypatch.setattr(demo, "in_containers", lambda: True)
    monkeypatch.setattr(demo, "running_platform", Platform)
    monkeypatch.setattr(demo, "last_session", lambda _: FRIDAY)
    monkeypatch.setattr("ops.pipeline.runs.connect", lambda _: None)
    monkeypatch.setattr("ops.pipeline.runs.run", lambda *_: None)
    monkeypatch.setattr("ops.pipeline.portfolios.show", lambda *_: None)
    monkeypatch.setattr(demo, "run_module", run_module)
    return found


def test_it_goes_on_to_a_history_that_ends_with_its_session(ran: list[list[str]]) -> None:
    assert demo.demo(None, DataSource("simulated"), quick=False) == 7
    [[name, *words]] = ran
    assert name == "ops.pipeline.history"
    assert words == ["--sessions", "250", "--to", "2026-08-21", "--judge", "--unless-stored"]


def test_a_quick_one_ends_with_the_portfolios(ran: list[list[str]]) -> None:
    assert demo.demo(None, DataSource("simulated"), quick=True) == 0
    assert ran == []


def test_one_of_another_size_names_the_command(ran: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.demo(None, DataSource("simulated", etfs=500, stocks=3000), quick=False) == 0
    assert ran == []
    assert "./start.sh history" in capsys.readouterr().out
