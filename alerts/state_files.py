"""Files that say how something is: written whole or not at all, and read by whoever looks."""

import logging
import os
from pathlib import Path
from typing import TypeVar

import msgspec

log = logging.getLogger(__name__)

Said = TypeVar("Said")


def read(path: Path, kind: type[Said]) -> Said | None:
    """Return what a file says, or None without one, or with one that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def write(path: Path, content: object) -> None:
    """Write a file whole or not at all. A full disk is itself an incident, so it is only logged here."""
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(msgspec.json.encode(content))
        os.replace(new, path)
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error)
