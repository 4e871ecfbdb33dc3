"""The files from which each service takes its own secrets, and nobody else's, as JSON.

An environment is handed on to every child, and a command line can be read by everybody. So the supervisor has none of
the secrets, and each service takes its own from a file that only the owner may read.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

FOLDER = "secrets"


def file_name(service: str) -> str:
    """Return where a service's secrets are, in the folder of what runs."""
    return f"{FOLDER}/{service}.json"


def write(run: Path, secrets: Mapping[str, Mapping[str, str]]) -> None:
    """Write the file of each service (service -> variable -> value), and remove those of others."""
    folder = run / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for service, values in secrets.items():
        write_private(run / file_name(service), json.dumps(dict(values)))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whoever might have read an earlier one."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def read(path: Path) -> dict[str, str]:
    """Return the variables of a service's file."""
    values: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return values
