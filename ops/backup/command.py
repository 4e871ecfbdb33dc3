"""The commands `backup` and `restore` of ./start.sh, natively and inside the container `cli`."""

from pathlib import Path

from ops.backup.making import back_up
from ops.backup.native import restore_native
from ops.backup.places import native_place
from ops.native.control import running_stack


def backup(file: Path) -> int:
    back_up(native_place(running_stack()), file.absolute())
    return 0


def restore(file: Path, is_agreed: bool) -> int:
    return restore_native(file.absolute(), is_agreed)
