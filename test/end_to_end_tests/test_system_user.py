"""Natively, what listens or runs the code of jobs is the system user where root has started the platform."""

import os
import pwd

import psutil
import pytest

from ops.native import system_user
from ops.native.services import read_services
from ops.native.supervisor import Supervisor
from ops.testing import STACK

EXPECTED = pwd.getpwnam(system_user.NAME).pw_uid if system_user.is_root() else os.geteuid()
OWNING = [name for name, service in read_services().items() if service.owns is not None]


@pytest.mark.parametrize("name", OWNING)
def test_a_service_and_all_that_it_starts_are_the_system_user(name: str) -> None:
    process = psutil.Process(Supervisor(STACK).state(name).pid)
    family = [process, *process.children(recursive=True)]
    assert {each.uids().effective for each in family} == {EXPECTED}


@pytest.mark.parametrize("name", OWNING)
def test_it_may_read_more_at_most(name: str) -> None:
    """By one of root's rights, CAP_DAC_READ_SEARCH, and by that only where a folder is closed to it."""
    status = psutil.Process(Supervisor(STACK).state(name).pid)
    with open(f"/proc/{status.pid}/status", encoding="ascii") as file:
        rights = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    assert rights & ~(1 << 2) == 0
