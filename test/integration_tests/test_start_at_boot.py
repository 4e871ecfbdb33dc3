"""The unit of docs/OPERATIONS.md: systemd takes it, and its commands are those of the front door."""

import configparser
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops import cli

TEXT = (PROJECT_ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
[UNIT] = re.findall(r"^```ini\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
NAME = "actstock.service"
FOLDER = "/opt/actstock"


def installed(text: str, machine: Path) -> Path:
    """Put the unit where the page says, below another root."""
    [place] = re.findall(rf"`/(etc/\S*/{NAME})`", TEXT)
    file = machine / str(place)
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def said_of(text: str, folder: Path) -> str:
    """Return what systemd has against a unit of these words, with the programs of this checkout."""
    file = folder / NAME
    file.write_text(text.replace(FOLDER, str(PROJECT_ROOT)), encoding="utf-8")
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)]
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert NAME not in said_of(UNIT, tmp_path)


@pytest.mark.parametrize(
    ("word", "slip"),
    [
        ("KillMode=process", "KillMode=proces"),
        ("start.sh --native\n", "strat.sh --native\n"),
        ("=on-failure", "=always"),
    ],
)
def test_a_slip_would_be_noticed(tmp_path: Path, word: str, slip: str) -> None:
    assert word in UNIT
    assert NAME in said_of(UNIT.replace(word, slip), tmp_path)


def test_it_is_started_with_the_machine(tmp_path: Path) -> None:
    file = installed(UNIT, tmp_path)
    [enable] = re.findall(r"^systemctl [^#]*", TEXT, re.MULTILINE)
    subprocess.run([*shlex.split(str(enable)), f"--root={tmp_path}"], check=True, capture_output=True)
    [link] = [path for folder in file.parent.glob("*.wants") for path in folder.iterdir()]
    assert link.parent.name == "multi-user.target.wants"
    assert link.readlink() == Path("/") / file.relative_to(tmp_path)


def test_its_commands_start_and_stop_the_platform() -> None:
    unit = configparser.ConfigParser()
    unit.read_string(UNIT)
    start, stop = (shlex.split(unit["Service"][key]) for key in ("ExecStart", "ExecStop"))
    assert {start[0], stop[0]} == {f"{FOLDER}/start.sh"}
    assert "--native" in start
    assert "--native" in stop
    named = [[word for word in words[1:] if word != "--native"] for words in (start, stop)]
    assert [cli.understood(words).get("run", cli.up) for words in named] == [cli.up, cli.stop]
