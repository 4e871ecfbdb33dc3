"""What can go wrong on the machine; str(error) says what, where, and what to do.

OpsError (an ActstockError)
├── CannotInstall    something that is missing could not be fetched
├── CannotStart      a port, the disk, or a service stands in the way
├── CannotStop       a process goes on although it was killed
├── NotRunning       the platform, or a part of it, is not up
├── CannotBackUp     a backup could not be made, and nothing of it is left
├── BackupBroken     what should be restored is no backup, not a whole one, or one of a newer version
├── CannotRestore    a restore failed, and everything is as it was
├── UnknownName      no such service, stage, DAG or test ring
└── RunFailed        a pipeline run, or a ring of tests, ended badly
"""

from collections.abc import Iterable

from config.names import unknown
from utils.errors import ActstockError


class OpsError(ActstockError):
    pass


class CannotInstall(OpsError):
    pass


class CannotStart(OpsError):
    pass


class CannotStop(OpsError):
    pass


class NotRunning(OpsError):
    pass


class RunFailed(OpsError):
    pass


class CannotBackUp(OpsError):
    pass


class BackupBroken(OpsError):
    pass


class CannotRestore(OpsError):
    pass


class UnknownName(OpsError):
    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown(kind, name, known))
