"""Before the services start: the stack's folders, and the files that cannot read the environment themselves."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template

from ops.console import say
from ops.errors import CannotStart
from ops.native import own_secrets, system_user
from ops.native.environment import AIRFLOW_USER, secrets_for
from ops.native.services import read_services, write_supervisor_config
from ops.native.stack import Stack

TEMPLATES = Path(__file__).with_name("conf")
FREE_MB_TO_START = 500


def prepare(stack: Stack, environment: Mapping[str, str]) -> None:
    """Make the folders and write the files, completing what an earlier start left half-done."""
    require_disk(stack.home, FREE_MB_TO_START)
    for folder in (stack.run, stack.logs, stack.data / "airflow", stack.data / "spark" / "local"):
        folder.mkdir(parents=True, exist_ok=True)
    _bring_home(stack)
    _put_aside_lost_topics(stack)
    for name in ("zookeeper.properties", "zookeeper.jaas", "kafka.properties"):
        own_secrets.write_private(stack.run / name, filled_in(TEMPLATES / name, stack, environment))
        system_user.own(stack.run / name)
    write_supervisor_config(stack.run / "supervisord.conf")
    secrets = {service.name: secrets_for(service.secrets, environment) for service in read_services().values()}
    own_secrets.write(stack.run, {name: own for name, own in secrets.items() if own})
    _write_airflow_password(stack.data / "airflow" / "passwords.json", environment["AIRFLOW_PASSWORD"])


def require_disk(folder: Path, megabytes: int) -> None:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free // 2**20
    if free < megabytes:
        raise CannotStart(
            f"the disk of {folder} has {free} MB free and {megabytes} MB are needed: make room, "
            "or put the state elsewhere with ACTSTOCK_HOME=/another/folder"
        )


def _bring_home(stack: Stack) -> None:
    """Move what Java has kept in a folder whose name it read as ISO 8859-1, before the name was written for it."""
    garbled = Path(str(stack.data).encode().decode("iso-8859-1"))
    for name in ("kafka", "zookeeper"):
        old, new = garbled / name, stack.data / name
        if old != new and old.exists() and not (new.exists() and any(new.iterdir())):
            shutil.rmtree(new, ignore_errors=True)
            shutil.move(old, new)
            say(f"The data of {name} lay in {old} and are now in {new}")


def _put_aside_lost_topics(stack: Stack) -> None:
    """Move Kafka's files away when ZooKeeper no longer knows their topics: Kafka would not start with them."""
    kafka = stack.data / "kafka"
    if (kafka / "meta.properties").exists() and not (stack.data / "zookeeper" / "version-2").exists():
        aside = kafka.with_name(f"kafka.lost-{time.strftime('%Y%m%d-%H%M%S')}")
        kafka.rename(aside)
        say(f"ZooKeeper's data is gone, so Kafka starts empty; its old files are in {aside}")


def filled_in(template: Path, stack: Stack, environment: Mapping[str, str]) -> str:
    """Return a file of conf/ with the stack's folder, ports and passwords."""
    values = {
        "data": str(stack.data),
        "zookeeper_port": str(stack.port("zookeeper")),
        "kafka_port": str(stack.port("kafka")),
        "zookeeper_password": environment["ZOOKEEPER_PASSWORD"],
        "kafka_password": environment["KAFKA_PASSWORD"],
    }
    if template.suffix == ".properties":
        values = {name: as_property(value) for name, value in values.items()}
    return Template(template.read_text(encoding="utf-8")).substitute(values)


def as_property(value: str) -> str:
    r"""Return a value as Java reads it in a .properties: by ISO 8859-1, and with escapes of UTF-16.

    >>> print(as_property("/home/홍 a"), as_property("C:\\"))
    /home/\ud64d a C:\\
    """
    escaped = value.replace("\\", "\\\\")
    units = escaped.encode("utf-16-be").hex(" ", 2).split()
    return "".join(chr(int(unit, 16)) if 0x20 <= int(unit, 16) <= 0x7E else f"\\u{unit}" for unit in units)


def _write_airflow_password(path: Path, password: str) -> None:
    """Write the file that Airflow's simple login reads. It makes up a password for a missing user."""
    own_secrets.write_private(path, json.dumps({AIRFLOW_USER: password}))
