"""Become ZooKeeper, without the empty log that a full disk leaves: with it, 3.8 never starts again (ZOOKEEPER-2332).

    python -S -m ops.native.zookeeper FOLDER COMMAND ...

It makes a log before it writes the first change to it, so nothing is in an empty one.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn


def run(folder: Path, command: list[str]) -> NoReturn:
    """Replace this process by ZooKeeper's command. folder: its dataDir."""
    for log in folder.glob("version-2/log.*"):
        if not log.stat().st_size:
            print(f"removing {log}, which is empty", file=sys.stderr, flush=True)
            log.unlink()
    os.execvp(command[0], command)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
