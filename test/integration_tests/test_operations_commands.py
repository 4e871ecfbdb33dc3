"""The commands of docs/OPERATIONS.md that ask a database, as a container runs them."""

import shlex
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from config.config import DatabaseSettings
from database.db_helper import connect
from ops import cli
from ops.bench.made_evidence import fill
from receivers import webhook

LAST = date(2026, 8, 21)


@pytest.fixture(scope="module")
def database(scratch_database: DatabaseSettings) -> DatabaseSettings:
    with closing(connect(scratch_database)) as conn:
        fill(conn, scratch_database, tickers=4, last=LAST, days=3, answers=3)
    return scratch_database


@pytest.fixture(autouse=True)
def in_a_container(database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTSTOCK_PLATFORM", "containers")
    monkeypatch.setenv("DB_NAME", database.name)


def run(command: str, *placeholders: tuple[str, Path]) -> int:
    """Run a command as it stands on the page, with the reader's own filled in."""
    for name, value in placeholders:
        command = command.replace(name, str(value))
    words = shlex.split(command)
    assert words[0] == "./start.sh"
    return cli.main(words[1:])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("./start.sh verify", "Nothing was changed: 7 links in 2 chains"),
        ("./start.sh gaps", "expected bars that are not stored: 0 of 12"),
        ("./start.sh closed-days", "every session has a bar of each exchange that is followed"),
    ],
)
def test_what_the_database_is_asked(command: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 0
    assert said in capfd.readouterr().out


def test_heads_that_are_kept_are_found_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("./start.sh verify --head") == 0
    heads = tmp_path / "heads.txt"
    heads.write_text(capfd.readouterr().out)
    assert len(heads.read_text().splitlines()) == 2
    assert run("./start.sh verify --kept HEADS", ("HEADS", heads)) == 0
    heads.write_text(heads.read_text().replace("publications 6 ", "publications 5 "))
    assert run("./start.sh verify --kept HEADS", ("HEADS", heads)) == 1


@pytest.mark.parametrize("command", ["./start.sh alert --test", "./start.sh verify --head --send"])
def test_a_message_arrives(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as hook:
        monkeypatch.setenv("ALERT_URLS", hook.url)
        assert run(command) == 0
        assert len(hook.posts) == 1
        hook.status = 500
        assert run(command) == 1


def test_a_day_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "days.csv"
    file.write_text("exchange,date,status,reason\n")
    monkeypatch.setenv("EXCHANGE_DAYS_FILE", str(file))
    assert run("./start.sh closed-days --add XKRX 2026-06-04 'local elections'") == 0
    assert file.read_text().splitlines()[1:] == ["XKRX,2026-06-04,closed,local elections"]
