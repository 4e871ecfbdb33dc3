"""The .env that a person writes, read as Docker Compose reads it, so that both ways to run have the same settings."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from config.config import ConfigError

# A line, or several where a quoted value has more. Compose takes a colon as well, and leaves out what is behind " #".
LINE = re.compile(
    r"""
    [^\S\n]*
    (?:
        (?:export[^\S\n]+)? (?P<name>[\w.-]+) [^\S\n]* [=:] [^\S\n]*
        (?:
            (?: '(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)" ) [^\S\n]* (?:\#[^\n]*)?
          | (?P<plain>(?:[^\s'"\#][^\n]*)?)
        )
      | [\w.-]+ [^\S\n]*  # one of the environment
      | (?:\#[^\n]*)?
    )
    (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
NAME = re.compile(r"\s*(?:export\s+)?([\w.-]+)\s*[=:]")
ESCAPE = re.compile(r'\\([nrt"\\$])')
# A dollar sign behind a backslash is one, as two of them are.
ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}
REPLACED = re.compile(r"\$(?:(?P<itself>\$)|(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\}|\{[^}]*\}?)", re.ASCII)


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Read the settings of a file, none where it is not there. ConfigError names the file and the line."""
    settings, problems = settings_in(text_of(path), environ)
    if problems:
        raise ConfigError(f"{path}, {problems[0]}")
    return settings


def text_of(path: Path) -> str:
    """Return the text of a file, without the mark that Windows puts before it. ConfigError where it is no UTF-8."""
    raw = path.read_bytes() if path.exists() else b""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: this is not UTF-8: save the file as UTF-8") from None


def settings_in(text: str, environ: Mapping[str, str] = os.environ) -> tuple[dict[str, str], list[str]]:
    """Return the settings of a text, and a sentence for each line that is none.

    A value may have $NAME of the environment or of a line above it, but for one in single quotes.
    """
    settings: dict[str, str] = {}
    problems: list[str] = []
    at = 0
    while at < len(text):
        line = LINE.match(text, at)
        where = f"line {text.count(chr(10), 0, at) + 1}"
        if line is None:
            problems.append(
                f"{where}: this is no setting: write NAME=value, and a value with # or quotes in single quotes"
            )
            at = text.find("\n", at) + 1 or len(text)
            continue
        at = line.end() if line.end() > at else len(text)
        if name := line["name"]:
            settings[name], unknown = _value(line, {**settings, **environ})
            if unknown:
                problems.append(f"{where}: {name}: nothing is known as {unknown}: put the value in single quotes")
    return settings, problems


def name_of(line: str) -> str:
    """Return the name of the setting that a line has, if any.

    >>> name_of("  export API_KEY = x"), name_of("# API_KEY=x")
    ('API_KEY', '')
    """
    found = NAME.match(line)
    return found[1] if found else ""


def _value(line: re.Match[str], known: Mapping[str, str]) -> tuple[str, str]:
    """Return the value of a line, and what in it cannot be replaced."""
    if line["single"] is not None:
        return line["single"].replace("\\'", "'"), ""
    if line["double"] is not None:
        return _replaced(ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), line["double"]), known)
    return _replaced(line["plain"].partition(" #")[0].rstrip(), known)


def _replaced(value: str, known: Mapping[str, str]) -> tuple[str, str]:
    unknown: list[str] = []

    def filled(found: re.Match[str]) -> str:
        name = found["name"] or found["braced"]
        if found["itself"]:
            return "$"
        if name not in known:
            unknown.append(found[0])
            return found[0]
        return known[name]

    new = REPLACED.sub(filled, value)
    return new, unknown[0] if unknown else ""
