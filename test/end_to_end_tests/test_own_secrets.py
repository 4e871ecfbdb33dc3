"""No running process of the platform holds a secret that its service does not need."""

from pathlib import Path

import psutil
import pytest

from ops.native import compose
from ops.native.environment import service_environment
from ops.native.java import java_home
from ops.native.services import read_services
from ops.native.supervisor import Supervisor
from ops.testing import STACK

KNOWN = service_environment(STACK, java_home())
PRIVATE = {name: KNOWN[name] for name in compose.private_settings() if KNOWN.get(name)}


def held_by(process: psutil.Process) -> set[str]:
    """Return the secrets in the environment of a process and all that it has started."""
    found: set[str] = set()
    for each in (process, *process.children(recursive=True)):
        try:
            environ = Path(f"/proc/{each.pid}/environ").read_bytes()
        except OSError:  # it has ended
            continue
        found |= {name for name, value in PRIVATE.items() if value.encode() in environ}
    return found


@pytest.mark.parametrize("name", read_services())
def test_a_service_holds_its_own_secrets_and_no_other(name: str) -> None:
    state = Supervisor(STACK).state(name)
    if not state.pid:
        assert read_services()[name].is_one_shot, state.name_of_state
        return
    needed = compose.secrets_of(compose.services()[name])
    if "backup" in name:  # of settings that are as private it reads .env, which only a container is told of
        needed &= set(compose.secret_sizes())
    held = held_by(psutil.Process(state.pid))
    assert held <= needed
    # PostgreSQL has no use for its password, but to make a new cluster. The two in Java read theirs from files.
    assert held == needed & set(PRIVATE) or name in ("postgres", "airflow-db", "zookeeper", "kafka")


def test_the_supervisor_itself_holds_none() -> None:
    environ = Path(f"/proc/{Supervisor(STACK).pid()}/environ").read_bytes()
    assert not [name for name, value in PRIVATE.items() if value.encode() in environ]
    assert b"ACTSTOCK_STACK=" in environ
