"""Files and folders that take the place of others all at once: an interruption is made up for by the next start.

What a restore has prepared beside its place is listed first, then renamed. What was there is kept beside it.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from ops.native.stack import Stack

PENDING = "swap.json"


def kept_name(path: Path, stamp: str) -> Path:
    return path.with_name(f"{path.name}.before-restore-{stamp}")


def swap(stack: Stack, prepared: Mapping[Path, Path]) -> list[Path]:
    """Put what is prepared (new -> its place) in its place, and return where what was there is now."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    moves = [(str(new), str(place), str(kept_name(place, stamp))) for new, place in prepared.items()]
    stack.run.mkdir(parents=True, exist_ok=True)
    pending = stack.run / PENDING
    unfinished = pending.with_suffix(".new")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(moves, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(pending)
    return finish(stack)


def finish(stack: Stack) -> list[Path]:
    """Do what is left of a swap, and return where what was there is now. Without one nothing is done."""
    pending = stack.run / PENDING
    if not pending.exists():
        return []
    kept = []
    for new, place, aside in (tuple(map(Path, move)) for move in json.loads(pending.read_text(encoding="utf-8"))):
        if new.exists():
            if place.exists():
                place.rename(aside)
            place.parent.mkdir(parents=True, exist_ok=True)
            new.rename(place)
        if aside.exists():
            kept.append(aside)
    pending.unlink()
    return kept
