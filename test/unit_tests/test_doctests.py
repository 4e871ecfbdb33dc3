"""The examples in the docstrings hold."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import config

ROOT = Path(config.__file__).parent.parent
PACKAGES = (
    "api",
    "batch",
    "collector",
    "config",
    "consumer",
    "contract",
    "dashboard",
    "database",
    "lab",
    "market",
    "ops",
    "utils",
)


def modules_with_examples() -> list[str]:
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in files
        if ">>> " in file.read_text(encoding="utf-8") and "tests" not in file.relative_to(ROOT).parts
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_hold(name: str) -> None:
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0
