"""The commands `backup` and `restore` of ./start.sh. In a container: `python -m ops.backup.command FILE`."""

import sys
from pathlib import Path

from ops.backup.making import back_up
from ops.backup.places import native_place, this_place
from utils.command_line import exit_code_of


def backup(file: Path) -> int:
    from ops.native.control import running_stack  # needs packages of a native installation

    back_up(native_place(running_stack()), file.absolute())
    return 0


def restore(file: Path, is_agreed: bool) -> int:
    from ops.backup.native import restore_native

    return restore_native(file.absolute(), is_agreed)


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: back_up(this_place(), Path(sys.argv[1]))))
