"""Another version that measures itself: what of its words is taken, and what is said when it cannot."""

from pathlib import Path

import pytest

from config.config import PROJECT_ROOT, Settings
from ops.bench import chain
from ops.bench.chain import FIVE_STAGES, LAST_FETCH
from ops.bench.report import Target
from ops.bench.versions import version_in
from ops.errors import RunFailed
from ops.native.stack import Stack

SAYS = """
Wanted and reached
  ✓ the five stages, from trigger to end: 1,056 s, wanted at most 120 s: reached
  ✗ last fetch to published: 61.5 s, wanted at most 60.0 s: missed
"""


def version(folder: Path, *commands: str) -> Path:
    script = folder / "start.sh"
    script.write_text("\n".join(("#!/bin/sh", *commands)), encoding="utf-8")
    script.chmod(0o755)
    return folder


def test_the_figures_of_another_version_are_those_it_says(tmp_path: Path) -> None:
    other = version_in(version(tmp_path, 'test "$*" = "bench chain" || exit 3', f"cat <<'END'{SAYS}END"))

    assert other.seconds_of("chain") == {
        "the five stages, from trigger to end": 1056,
        "last fetch to published": 61.5,
    }


def test_it_does_not_look_for_its_state_where_this_one_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSTOCK_HOME", "/elsewhere")
    other = version_in(version(tmp_path, 'test -z "$ACTSTOCK_HOME" || exit 3', f"cat <<'END'{SAYS}END"))

    assert other.seconds_of("chain")


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        (["echo 'error: the platform is not running' >&2", "exit 1"], "code 1: error: the platform is not running"),
        (["echo nothing"], "code 0: nothing"),
        (["exit 2"], "code 2: no word of why"),
    ],
)
def test_a_version_that_cannot_measure_says_why(tmp_path: Path, commands: list[str], said: str) -> None:
    with pytest.raises(RunFailed, match=said):
        version_in(version(tmp_path, *commands)).seconds_of("chain")


def test_a_folder_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"has no start\.sh"):
        version_in(tmp_path)


def installed(folder: Path, **versions: str) -> None:
    for name, number in versions.items():
        about = folder / f".actstock/venv/lib/python3.11/site-packages/{name}-{number}.dist-info/METADATA"
        about.parent.mkdir(parents=True)
        about.write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {number}\n", encoding="utf-8"
        )


def test_a_version_says_what_is_installed_there(tmp_path: Path) -> None:
    other = version_in(version(tmp_path))
    assert str(other) == f"{tmp_path.name}, pyspark not installed, apache-airflow not installed"
    installed(tmp_path, pyspark="3.5.1", apache_airflow="2.9.3")
    assert str(other) == f"{tmp_path.name}, pyspark 3.5.1, apache-airflow 2.9.3"


@pytest.mark.parametrize(
    ("ours", "reached"), [((40, 5.9), [True, True]), ((400, 6.1), [False, False]), ((40, None), [True])]
)
def test_both_versions_are_measured_in_turn(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ours: tuple[float, float | None],
    reached: list[bool],
) -> None:
    """The other one takes 150 s, of which a third is wanted. One round of ours is disturbed."""
    turns = tmp_path / "turns"
    said = f"  ✓ {FIVE_STAGES}: 150 s, wanted at most 120 s: missed"
    folder = version(tmp_path, f"echo theirs >> {turns}", f"echo '{said}'")
    rounds = iter([ours, (9_000, 900), ours])

    def measure(stack: Stack, settings: Settings) -> list[Target]:
        with turns.open("a") as file:
            file.write("ours\n")
        five, last = next(rounds)
        return [Target(FIVE_STAGES, five, 120), *([Target(LAST_FETCH, last, 6)] if last and ours[1] else [])]

    monkeypatch.setattr(chain, "measure", measure)
    targets = chain.measure_against(Stack(tmp_path), Settings.from_env({}), folder)

    assert [target.is_reached for target in targets] == reached
    assert targets[0].figure == ours[0] / 150
    assert [(target.name, target.wanted) for target in targets[1:]] == [(LAST_FETCH, 6)][: len(targets) - 1]
    assert turns.read_text().split() == ["ours", "theirs"] * 3
    told = capsys.readouterr().out
    assert f"this version: {version_in(PROJECT_ROOT)}; the other one: {version_in(folder)}" in told


def test_what_is_wanted_after_the_last_fetch_is_the_same_of_one_version_alone() -> None:
    target = chain._last_fetch(6.01)
    assert str(target) == "last fetch to published: 6.1 s, wanted at most 6.0 s: missed"
