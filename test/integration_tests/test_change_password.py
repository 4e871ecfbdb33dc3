"""The password of a database's owner is another one, and the old one no longer opens."""

import io
from dataclasses import replace

import pytest

from config.config import DatabaseSettings
from database import change_password
from database.db_helper import connect
from database.roles import READ
from scratch_databases import logged_in_as
from utils.errors import DatabaseUnavailable

NEW = "another-one_for-this-test"


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize(("words", "setting"), [([], "DB_PASSWORD"), (["--airflow"], "AIRFLOW_DB_PASSWORD")])
def test_the_new_password_opens_and_the_old_one_does_not(
    scratch_database: DatabaseSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    setting: str,
) -> None:
    with logged_in_as(READ, scratch_database) as login:
        if words:
            address = f"{login.user}:for+these+tests@{login.host}:{login.port}/{login.name}".replace("+", "%20")
            monkeypatch.setenv(change_password.AIRFLOW, f"postgresql+psycopg2://{address}")
        else:
            monkeypatch.setenv("DB_USER", login.user)
            monkeypatch.setenv("DB_PASSWORD", login.password)
            monkeypatch.setenv("DB_NAME", login.name)
        given(monkeypatch, f"{NEW}\n")
        assert change_password.main(words) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"{login.user} has the new password. Write it as {setting} where")
        assert NEW not in said
        connect(replace(login, password=NEW)).close()
        with pytest.raises(DatabaseUnavailable):
            connect(login)


@pytest.mark.parametrize("password", ["", "short", "it's a long one", "long-enough-but-$HOME"])
def test_what_no_file_can_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    monkeypatch.setattr(change_password, "change", lambda *_: pytest.fail("nothing may be changed"))
    given(monkeypatch, f"{password}\n")
    assert change_password.main([]) == 2
    assert "nothing was changed" in capsys.readouterr().err
