"""Passwords and keys of a stack: made once, kept in its secrets.env, readable by its owner alone."""

import os
import secrets
from pathlib import Path

from ops.native.compose import secret_sizes


def load(path: Path) -> dict[str, str]:
    """Return the stack's secrets, making up and keeping those that are missing."""
    known = read_env_file(path)
    missing = {name: value for name, value in _fresh().items() if name not in known}
    if missing:
        _write(path, known | missing)
    return known | missing


def read_env_file(path: Path) -> dict[str, str]:
    """Read the settings of a file, none where it is not there."""
    return read_env(path.read_text(encoding="utf-8")) if path.exists() else {}


def read_env(text: str) -> dict[str, str]:
    """Read NAME=value lines, without blank lines, # comments and the quotes around a value."""
    pairs = {}
    for line in text.splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            pairs[name.strip()] = value.strip().strip("\"'")
    return pairs


def _fresh() -> dict[str, str]:
    made = {name: secrets.token_urlsafe(size) for name, size in secret_sizes().items()}
    made["AIRFLOW_FERNET_KEY"] += "="  # Airflow decodes it, which takes base64 with its padding
    return made


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    new.replace(path)
