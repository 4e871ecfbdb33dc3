"""The front door: what it takes, and how it says no."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from front_door import front_door
from lab.bootstrap import RESAMPLES
from market.invented import LARGEST_HOLDINGS
from market.securities import COMPANIES, FUNDS
from ops import cli, testing
from ops.bench import chaos, history, members, soak
from ops.bench.command import OWN_PLATFORM, PARTS
from ops.documents.interfaces import front_door_commands
from ops.errors import CannotInstall


@pytest.fixture(autouse=True)
def nothing_is_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSTOCK_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status"], "is not running: ./start.sh starts it"),
        (["run", "trending"], "is not running: ./start.sh starts it"),
        (["gaps", "--repoll"], "is not running: ./start.sh starts it"),
        (["closed-days"], "is not running: ./start.sh starts it"),
        (["restatements", "--from", "2026-08-10"], "is not running: ./start.sh starts it"),
        (["screenshots"], "is not running: ./start.sh starts it"),
        (["history"], "is not running: ./start.sh starts it"),
        (["history", "--sessions", "all"], "is not running: ./start.sh starts it"),
        (["history", "--sessions", "0"], "a history has at least one session"),
        (["logs", "kafak"], "did you mean kafka"),
        (["restart", "api", "dashboard"], "is not running: ./start.sh starts it"),
        (["logs", "kafka"], "kafka has not written anything yet"),
        (["backfill", "2026-08-14", "2026-08-10"], "ends (2026-08-10) before it begins (2026-08-14)"),
        (["replay", "2026-08-14", "2026-08-10"], "ends (2026-08-10) before it begins (2026-08-14)"),
        (["replay", "2026-08-10", "2026-08-14"], "is not running: ./start.sh starts it"),
        (["demo", "--market", "/no/such/folder"], "there is no such folder"),
        (["test", "e2e"], "no test ring is called 'e2e'"),
        (["logs", "nosuch"], "there are: "),
        (["backfill"], "backfill takes FROM and TO, or one of --watch and --cancel"),
        (["backfill", "2026-08-10"], "backfill takes FROM and TO, or one of --watch and --cancel"),
        (["backfill", "--watch", "--cancel"], "backfill takes FROM and TO, or one of --watch and --cancel"),
        (["bench", "--rows", "0"], "--rows 0: give a number of at least 1"),
        (["bench", "consume", "--short", "--rounds", "2"], "is not running: ./start.sh starts it"),
        (["backfill", "--watch"], "is not running: ./start.sh starts it"),
    ],
)
def test_a_problem_is_one_message_and_exit_code_1(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "arguments", [["run", "trending", "--as-of", "20260821x"], ["logs"], ["history", "--sessions", "x"]]
)
def test_wrong_use_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: ./start.sh" in capsys.readouterr().err


def test_a_start_tells_its_requests_before_it_starts_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told_before: list[str] = []
    monkeypatch.setattr("ops.native.control.up", lambda only: told_before.append(capsys.readouterr().out) or 0)

    assert cli.main(["up"]) == 0
    assert "the first start: 15 requests to Yahoo, at least 1 min: 15 histories of ETFs" in told_before[0]


def test_a_misspelt_command_is_answered_with_its_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["stauts"])
    assert "no command is called 'stauts': did you mean status" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["stauts"], 2, "error: no command is called 'stauts': did you mean status"),
        (["stauts", "--help"], 2, "error: no command is called 'stauts': did you mean status"),
        (["backfill", "2026-13-01"], 2, "'2026-13-01' is not a date: write it as YYYY-MM-DD"),
        (["demo", "--nosuch"], 2, "unrecognized arguments: --nosuch"),
        (["status"], 1, "is not running: ./start.sh starts it"),
        (["logs", "kafka"], 1, "is not running: ./start.sh starts it"),
    ],
)
def test_nothing_is_installed_to_refuse_a_command(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    refused = front_door(tmp_path, *arguments)
    assert refused.returncode == code
    assert refused.stderr.count(said) == 1
    assert not (tmp_path / "checkout" / ".actstock" / "venv").exists()


def test_help_needs_the_standard_library_alone() -> None:
    """So that it can be asked for before anything is installed."""
    command = [sys.executable, "-S", "-m", "ops", "bench", "--help"]
    shown = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    assert "consume, members, chain" in shown


def test_the_last_lines_of_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "api.log").write_text("one\ntwo\nthree\n")
    assert cli.main(["logs", "api", "-n", "2"]) == 0
    assert capsys.readouterr().out == "two\nthree\n"


@pytest.mark.parametrize(
    ("code", "tests", "skipped", "problems"),
    [
        (0, 12, 0, []),
        (0, 12, 1, ["unit: 1 of 12 tests were skipped"]),
        (1, 12, 0, ["unit: pytest ended with code 1"]),
        (5, 0, 0, ["unit: no test ran (pytest ended with code 5)"]),
    ],
)
def test_a_ring_is_good_only_when_it_ran_and_skipped_nothing(
    code: int, tests: int, skipped: int, problems: list[str]
) -> None:
    assert testing.problems_of("unit", code, tests, skipped) == problems


def test_a_ring_whose_packages_are_not_to_be_had_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "LAB_LOCKS", [PROJECT_ROOT / "requirements" / "none.txt"])
    monkeypatch.setattr(testing, "LAB_PACKAGES", tmp_path)
    with pytest.raises(CannotInstall, match=r"requirements/none\.txt: "):
        testing._lab()


def test_every_folder_of_tests_is_in_a_ring() -> None:
    named = {word for words in testing.FOLDERS.values() for word in words}
    assert {f"test/{path.name}" for path in (PROJECT_ROOT / "test").glob("*_tests")} | {"api/tests"} <= named


def test_what_a_command_does_not_know_is_told_with_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["backfill", "--from", "2026-08-10", "--to", "2026-08-14"])
    said = capsys.readouterr().err
    assert said.startswith("usage: ./start.sh backfill") and "unrecognized arguments: --from --to" in said
    with pytest.raises(SystemExit, match="2"):
        cli.main(["--nosuch"])
    assert capsys.readouterr().err.startswith("usage: ./start.sh [-h]")


def test_the_numbers_in_help_are_those_of_their_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The front door imports nothing to tell its help, so it types them."""
    monkeypatch.setenv("COLUMNS", "500")  # no word is broken
    told = {parser.prog.split()[-1]: " ".join(parser.format_help().split()) for parser, _ in front_door_commands()}
    assert f"of the invented market ({len(FUNDS)})" in told["demo"]
    assert f"of the invented market ({len(COMPANIES)})" in told["demo"]
    assert f"are listed and candidates ({LARGEST_HOLDINGS}, and as now" in told["demo"]
    assert f"of the bootstrap ({RESAMPLES:,})" in told["lab"]
    assert f"members: rounds ({members.USUAL.rounds}," in told["bench"]
    assert f"chaos: of each fault ({chaos.ROUNDS})" in told["bench"]
    assert soak.SESSIONS == history.SESSIONS
    assert f"history, soak: sessions ({soak.SESSIONS})" in told["bench"]
    usual, own = told["bench"].partition(" PART ")[2].partition(" (on a stack of their own")[0].split(" (all); ")
    assert {*usual.split(", ")} == {*PARTS} - OWN_PLATFORM
    assert {*own.split(", ")} == OWN_PLATFORM


def test_a_check_of_the_lab_is_refused_in_containers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACTSTOCK_PLATFORM", "containers")
    assert cli.main(["lab", "--check"]) == 1
    assert "lab --check needs packages that the containers do not have" in capsys.readouterr().err
