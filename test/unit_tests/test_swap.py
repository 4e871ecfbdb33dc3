"""What a restore has prepared takes its place all at once, also when it is interrupted in between."""

from pathlib import Path

import pytest

from ops.native import swap
from ops.native.stack import Stack


@pytest.fixture
def prepared(tmp_path: Path) -> dict[Path, Path]:
    """Prepare two files: one has a place that is taken, the other one's folder is not there yet."""
    moves = {tmp_path / "a.new": tmp_path / "a", tmp_path / "b.new": tmp_path / "folder" / "b"}
    for new in moves:
        new.write_text("new")
    (tmp_path / "a").write_text("old")
    return moves


def look(prepared: dict[Path, Path], kept: list[Path]) -> None:
    assert [place.read_text() for place in prepared.values()] == ["new", "new"]
    assert [path.read_text() for path in kept] == ["old"]
    assert not any(new.exists() for new in prepared)


def test_what_was_there_is_kept(tmp_path: Path, prepared: dict[Path, Path]) -> None:
    stack = Stack(tmp_path)
    look(prepared, swap.swap(stack, prepared))
    assert swap.finish(stack) == []


@pytest.mark.parametrize("renames", range(3))
def test_an_interruption_is_made_up_for(
    tmp_path: Path, prepared: dict[Path, Path], renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, rename, left = Stack(tmp_path), Path.rename, [renames + 1]  # the list itself is renamed first

    def stop(path: Path, target: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", stop)
        swap.swap(stack, prepared)
    look(prepared, swap.finish(stack))
