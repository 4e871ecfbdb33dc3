"""Files that people write: their text, whatever editor has saved them, or an error that says what to do."""

import codecs
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Makes the error of whoever reads the file.
Wrong = Callable[[str], Exception]


def text_in(content: bytes) -> str:
    """Return a text in UTF-8, with a byte order mark or without, or in UTF-16 with one.

    Raise ValueError, which says how to save it.

    >>> text_in("\\ufeff가".encode()), text_in("가".encode("utf-16"))
    ('가', '가')
    >>> text_in(b"periods\\n" + "가".encode("cp949"))
    Traceback (most recent call last):
    ValueError: line 2 is not in UTF-8: save the file as UTF-8
    """
    try:
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not in UTF-8: save the file as UTF-8") from None
    if "\0" in text:
        raise ValueError("it is no text in UTF-8: save the file as UTF-8")
    return text


def text_of(path: Path, wrong: Wrong) -> str:
    """Return a file's text with its line ends as they are, or raise the error that `wrong` makes of a sentence."""
    try:
        return text_in(path.read_bytes())
    except IsADirectoryError:
        why = "it is a folder, not a file"
    except OSError as error:
        why = error.strerror or str(error)
    except ValueError as error:
        why = str(error)
    raise wrong(f"{path}: cannot be read: {why}")


def toml_of(path: Path, wrong: Wrong) -> dict[str, Any]:
    """Return what a TOML file has, or raise the error that `wrong` makes of a sentence."""
    text = text_of(path, wrong)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError of its own
        raise wrong(f"{path}: cannot be read: {error}") from None
