"""Natively, no service is root where root has started the platform."""

import os
import pwd
from pathlib import Path

import psutil
import pytest

from ops.native import system_user
from ops.native.services import ROOT, read_services
from ops.native.supervisor import Supervisor
from ops.testing import STACK

STAY_UP = {name: service for name, service in read_services().items() if not service.is_one_shot}


def expected(name: str) -> int:
    """Return the number of the user that a service should be. The databases become theirs by themselves."""
    user = STAY_UP[name].user
    return pwd.getpwnam(system_user.NAME if user == ROOT else user).pw_uid if system_user.is_root() else os.geteuid()


@pytest.mark.parametrize("name", STAY_UP)
def test_a_service_and_all_that_it_starts_are_the_system_user(name: str) -> None:
    process = psutil.Process(Supervisor(STACK).state(name).pid)
    family = [process, *process.children(recursive=True)]
    assert {each.uids().effective for each in family} == {expected(name)}


@pytest.mark.parametrize("name", STAY_UP)
def test_it_may_read_more_at_most(name: str) -> None:
    """By one of root's rights, CAP_DAC_READ_SEARCH, and by that only where a folder is closed to it."""
    status = Path(f"/proc/{Supervisor(STACK).state(name).pid}/status").read_text(encoding="ascii")
    rights = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff"))
    assert rights & ~(1 << 2) == 0


def test_whoever_started_it_writes_nothing_where_services_do() -> None:
    """What the start itself makes there, such as Airflow's password, has been given to them."""
    folders = [path for path in STACK.data.iterdir() if path.is_dir() and path.name != "universe"]
    owners = {path.stat().st_uid for path in folders} | {
        path.lstat().st_uid for path in (STACK.data / "airflow").rglob("*")
    }
    assert owners <= {expected("airflow-scheduler"), expected("alerts")}
