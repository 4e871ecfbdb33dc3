"""Passwords and keys of a stack: made or taken over once, kept in its secrets.env, readable by its owner alone."""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from config.config import ConfigError
from config.secret_rule import RULE
from ops.native.compose import secret_sizes
from ops.native.env_file import text_of

# Docker Compose replaces $NAME in a value, cuts it off at #, and takes blanks and quotes at its ends for no part of it.
NEEDS_QUOTES = re.compile(r"[$#]|^[\s'\"]|\s$")
# What would be read as something else: in the address of Airflow's database, and in a line of Java's logins.
IN_LOGINS = re.compile(r'["\\]|[^ -~]')
BREAKING = {
    "AIRFLOW_DB_PASSWORD": re.compile("@|%[0-9A-Fa-f]{2}"),
    "KAFKA_PASSWORD": IN_LOGINS,
    "ZOOKEEPER_PASSWORD": IN_LOGINS,
}
SINGLE_QUOTED = re.compile(r"'((?:\\'|[^'])*)'(?:\s*#.*)?")
DOUBLE_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"(?:\s*#.*)?')
ESCAPED, ESCAPE = re.compile(r'[\\"$]'), re.compile(r'\\([\\"$])')


def load(path: Path, settings: Mapping[str, str] = MappingProxyType({}), *, are_in_use: bool = True) -> dict[str, str]:
    """Return the stack's secrets, and keep those that are new: taken from the settings, or else made up.

    settings: those of .env, which has the containers' secrets
    are_in_use: whether databases have been made with what is kept, which then stays
    """
    known = read_env_file(path)
    given = {name: settings[name] for name in secret_sizes() if settings.get(name)}
    found = _fresh() | (given | known if are_in_use else known | given)
    for name, broken in BREAKING.items():
        if broken.search(found[name]):
            place = path if known.get(name) == found[name] else ".env"
            raise ConfigError(f"{name} in {place}: {RULE}: it becomes a part of an address or of a file")
    if found != known:
        _write(path, found)
    return found


def read_env_file(path: Path) -> dict[str, str]:
    """Read the lines of a file that the platform has written, none where it is not there."""
    return read_env(text_of(path))


def read_env(text: str) -> dict[str, str]:
    """Read NAME=value lines that `env_line` has written. Without quotes, as once, a value is what stands there.

    What a person writes is read by ops/native/env_file.py.
    """
    pairs = {}
    for line in text.split("\n"):
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            pairs[name.strip()] = _unquoted(value.strip())
    return pairs


def env_line(name: str, value: str) -> str:
    r"""Return the line of a .env, from which `read_env` and Docker Compose read the value again. It is one line.

    >>> print(env_line("A", "mine-") + env_line("A", "a$b #1") + env_line("A", "it's $1"), end="")
    A=mine-
    A='a$b #1'
    A="it's \$1"
    """
    if not NEEDS_QUOTES.search(value):
        return f"{name}={value}\n"
    if "'" not in value and not value.endswith("\\"):
        return f"{name}='{value}'\n"
    escaped = ESCAPED.sub(r"\\\g<0>", value)
    return f'{name}="{escaped}"\n'


def _unquoted(value: str) -> str:
    if single := SINGLE_QUOTED.fullmatch(value):
        return single[1].replace("\\'", "'")
    if double := DOUBLE_QUOTED.fullmatch(value):
        return ESCAPE.sub(r"\1", double[1])
    return value


def _fresh() -> dict[str, str]:
    made = {name: secrets.token_urlsafe(size) for name, size in secret_sizes().items()}
    made["AIRFLOW_FERNET_KEY"] += "="  # Airflow decodes it, which takes base64 with its padding
    return made


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(env_line(name, value) for name, value in values.items())
    new.replace(path)
