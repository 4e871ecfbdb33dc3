"""Another version that measures itself: what of its words is taken, and what is said when it cannot."""

from pathlib import Path

import pytest

from ops.bench.versions import version_in
from ops.errors import RunFailed

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
