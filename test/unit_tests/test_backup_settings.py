"""The settings that a backup in containers has, and a .env from which Docker Compose reads what was written there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.config import PROJECT_ROOT
from ops.backup.archive import Archive
from ops.backup.containers import write_settings
from ops.backup.making import back_up
from ops.backup.manifest import SECRETS, SETTINGS, UNIVERSE, UNIVERSE_CSV
from ops.backup.places import OF_A_DEMO, Place, container_place, files_of, settings_seen
from ops.backup.restoring import summarise, universe_files
from ops.errors import BackupBroken, CannotBackUp
from ops.native import compose
from ops.native.stack_secrets import env_line, read_env, read_env_file

# Whatever Docker Compose would read as something else, were it written as it is.
UNLIKE = ["k$ey#9", "pa$$word", "a#b", " a ", "#1", "'q'", '"q"', "it's $1", 'say "no" #1', "$C:\\", "a\\'b$"]
ALIKE = ["mine-", "a b", "it's", 'a"b', "pa\\sw", "C:\\", "한글", "x=y", "json://a.test json://b.test"]
LINES = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x00"
# Of each service that makes backups by itself.
SERVICES = ("backup", "upgrade-backup")


def seen(service: str, **settings: str) -> dict[str, str]:
    """Return a container's environment, as Docker Compose makes it of settings and made-up secrets."""
    settings = {name: name.lower() for name in compose.secret_sizes()} | settings
    environment = compose.services()[service]["environment"]
    filled = {
        name: re.sub(r"\$\{(\w+)(:[-?][^}]*)?\}", lambda found: settings.get(found[1], ""), str(value))
        for name, value in environment.items()
    }
    return {name: value for name, value in filled.items() if value}


@pytest.mark.parametrize("service", SERVICES)
class TestSeen:
    def test_a_backup_has_what_containers_were_started_with(self, service: str) -> None:
        given = {
            "ALERT_URLS": "json://a.test json://b.test",
            "DASHBOARD_PASSWORD": "a$b #1",
            "BACKUP_FOLDER": "/mnt/backups",
            "PORT_API": "9000",
            "YAHOO_PACE_SECONDS": "7",
            "COMPOSE_PROFILES": "monitoring",
        }
        assert read_env(container_place(seen(service, **given)).settings) == given

    def test_it_has_all_that_docker_compose_takes_from_outside(self, service: str) -> None:
        """But for secrets, which are a part of their own, and for what says which market it is."""
        told = compose.services()[service]["environment"]["SETTINGS_SEEN"]
        listed = {line.partition("=")[0] for line in told.split()}
        taken = set(re.findall(r"(?<!\$)\$\{(\w+)", compose.COMPOSE_FILE.read_text(encoding="utf-8")))
        assert taken - {*compose.secret_sizes()} - listed == {
            *("COMPOSE_PROJECT_NAME", "MARKET_SERVER_ARGS", "MARKET_FOLDER", "ACTSTOCK_RESTORING")
        }

    def test_what_demo_decides_is_none_of_the_settings(self, service: str) -> None:
        """Live, a pace of 0 would be a storm of requests."""
        decided = {name: "0" for name in OF_A_DEMO} | {"MARKET_SERVER_ARGS": "--seed 7"}
        assert read_env(settings_seen(seen(service, BACKUP_KEEP="3", **decided))) == {"BACKUP_KEEP": "3"}

    @pytest.mark.parametrize(("offset", "kept"), [("", True), ("0", True), ("1000", False)])
    def test_ports_that_were_moved_are_moved_by_the_next_start(self, service: str, offset: str, kept: bool) -> None:
        environ = seen(service, PORT_API="9000", ACTSTOCK_PORT_OFFSET=offset)
        assert settings_seen(environ) == ("PORT_API=9000\n" if kept else "")


def test_what_demo_decides_is_what_the_front_door_sets() -> None:
    script = (
        f"root={PROJECT_ROOT}; state=/nowhere; . ops/containers/commands.sh; die() {{ exit 1; }}; "
        "market_of --seed 7; ACTSTOCK_PORT_OFFSET=1000 ports_by_offset"
    )
    run = subprocess.run(["bash", "-euc", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    decided = read_env(run.stdout)
    environ = seen("backup", **decided)
    assert settings_seen(environ) == "", "nobody has set anything"
    assert {*OF_A_DEMO} <= decided.keys()


@given(st.text(st.characters(exclude_characters=LINES, exclude_categories=["Cs", "Cc"])))
def test_what_is_written_is_read_again(value: str) -> None:
    line = env_line("A", value)
    assert read_env(f"# B=1\n{line}C=2\n") == {"A": value, "C": "2"}


@pytest.mark.parametrize("value", [*UNLIKE, *ALIKE, "$`\\\"'", "", "a'#\\"])
def test_the_front_door_writes_the_same_line(value: str) -> None:
    script = f'root={PROJECT_ROOT}; state=/nowhere; . ops/containers/commands.sh; written "A=$1"; echo'
    run = subprocess.run(["bash", "-euc", script, "-", value], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert run.stdout == env_line("A", value), run.stderr


@pytest.mark.parametrize("value", UNLIKE)
def test_what_would_be_read_as_something_else_is_quoted(value: str) -> None:
    assert env_line("A", value)[2] in "'\""


@pytest.mark.parametrize("value", ALIKE)
def test_what_needs_no_quotes_has_none(value: str) -> None:
    assert env_line("A", value) == f"A={value}\n"


class TestRestored:
    """A backup's passwords are those of the platform that it is restored to."""

    @pytest.mark.parametrize("value", UNLIKE + ALIKE)
    def test_they_stay_what_they_were(self, tmp_path: Path, value: str) -> None:
        own = {"DB_PASSWORD": "a", "AIRFLOW_DB_PASSWORD": "b", "API_KEY": value, "AIRFLOW_PASSWORD": value}
        parts = {
            SECRETS: "".join(env_line(name, each) for name, each in own.items()),
            SETTINGS: "DASHBOARD_PASSWORD='x$y#z'\n",
        }
        write_settings(self.archive(parts), None, tmp_path, Path("/config"))
        text = (tmp_path / "env").read_text()
        assert read_env(text) == own | {"DASHBOARD_PASSWORD": "x$y#z"}
        assert env_line("API_KEY", value) in text

    def test_those_of_a_backup_of_before_do_so_too(self, tmp_path: Path) -> None:
        """It has them without quotes."""
        secrets = "DB_PASSWORD=a\nAIRFLOW_DB_PASSWORD=b\nAPI_KEY=k$ey#9\n"
        write_settings(self.archive({SECRETS: secrets}), None, tmp_path, Path("/config"))
        assert "API_KEY='k$ey#9'\n" in (tmp_path / "env").read_text()

    @pytest.mark.parametrize(
        ("value", "line"),
        [(value, env_line("API_KEY", value)) for value in UNLIKE + ALIKE]
        # One of before has no quotes, and cannot hold those at a value's ends.
        + [(value, f"API_KEY={value}\n") for value in UNLIKE + ALIKE if value[0] not in " '\""],
    )
    def test_containers_take_them_over_from_a_native_platform(self, tmp_path: Path, value: str, line: str) -> None:
        (tmp_path / "secrets.env").write_text(line)
        script = f"root={PROJECT_ROOT}; state={tmp_path}; . ops/containers/commands.sh; say() {{ :; }}; write_env"
        environ = {"ACTSTOCK_ENV_FILE": str(tmp_path / ".env"), "PATH": os.defpath}
        subprocess.run(["bash", "-euc", script], env=environ, cwd=PROJECT_ROOT, check=True)
        assert env_line("API_KEY", value) in (tmp_path / ".env").read_text()
        assert read_env_file(tmp_path / ".env")["API_KEY"] == value

    @pytest.mark.parametrize(("text", "said"), [("A=1\n", " settings,"), ("", "no settings,"), (None, "no settings,")])
    def test_it_is_said_before_whether_there_are_settings(
        self, capsys: pytest.CaptureFixture[str], text: str | None, said: str
    ) -> None:
        summarise(self.archive({SETTINGS: text}), "here", [])
        shown = " ".join(capsys.readouterr().out.split())
        assert f"passwords, {said.strip()} universe" in shown

    def archive(self, parts: Mapping[str, str | None]) -> Archive:
        manifest = SimpleNamespace(
            made_at=datetime(2026, 8, 22, tzinfo=UTC),
            version="0.1.0",
            migration="0009",
            market=SimpleNamespace(label="yahoo"),
            newest_session=None,
            airflow="3",
            count=lambda part: 1,
        )
        return cast(Archive, SimpleNamespace(path=Path("a.tar"), manifest=manifest, text=parts.get))


@pytest.mark.parametrize("password", ["pa\\sw", 'a"b', "it's", "a$b", "\\", "plain"])
def test_airflow_reads_whatever_its_password_is(tmp_path: Path, password: str) -> None:
    command: list[str] = cast(dict[str, Any], compose.services()["airflow-webserver"])["command"]
    airflow = tmp_path / "airflow"
    airflow.write_text("#!/bin/sh\n")
    airflow.chmod(0o755)
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    environ = {
        "PATH": f"{tmp_path}:{os.defpath}",
        "AIRFLOW_PASSWORD": password,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(tmp_path / "passwords.json"),
    }
    subprocess.run([word.replace("$$", "$") for word in command], env=environ, check=True)
    assert json.loads((tmp_path / "passwords.json").read_text()) == {"admin": password}
    assert (tmp_path / "passwords.json").stat().st_mode & 0o077 == 0


def a_backup(**parts: str) -> Archive:
    """Return a backup that has some texts, and an empty manifest."""
    texts = {UNIVERSE: parts.get("universe"), UNIVERSE_CSV: parts.get("csv")}
    return cast(Archive, SimpleNamespace(path=Path("b.tar"), text=texts.get))


class TestUniverse:
    def test_a_csv_of_another_folder_comes_to_lie_beside_the_universe(self, tmp_path: Path) -> None:
        for named in ("lists/mine.csv", "../mine.csv", "/home/me/mine.csv"):
            files, settings = universe_files(a_backup(universe=f'  etfs = "{named}"  # ours\n', csv="a,b\n"), tmp_path)
            assert files == {
                tmp_path / "universe.toml": 'etfs = "universe.csv"\n',
                tmp_path / "universe.csv": "a,b\n",
            }
            assert settings == {"UNIVERSE_FILE": str(tmp_path / "universe.toml")}

    def test_a_csv_beside_it_keeps_its_name(self, tmp_path: Path) -> None:
        files, _ = universe_files(a_backup(universe='etfs = "mine.csv"\n', csv="a,b\n"), tmp_path)
        assert files[tmp_path / "universe.toml"] == 'etfs = "mine.csv"\n'
        assert files[tmp_path / "mine.csv"] == "a,b\n"

    @pytest.mark.parametrize("named", ['".."', '"/"', "5", '"universe.toml"'])
    def test_what_is_no_csv_is_refused(self, named: str, tmp_path: Path) -> None:
        with pytest.raises(BackupBroken, match=r"b.tar: universe.toml in it names .*, which is no CSV"):
            universe_files(a_backup(universe=f"etfs = {named}\n"), tmp_path)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_a_universe_of_another_editor_is_backed_up(self, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "mine.toml").write_bytes('etfs = "mine.csv"\n'.encode(encoding))
        (tmp_path / "mine.csv").touch()
        files = files_of({"UNIVERSE_FILE": str(tmp_path / "mine.toml")})
        assert (files[UNIVERSE], files[UNIVERSE_CSV]) == (tmp_path / "mine.toml", tmp_path / "mine.csv")

    def test_what_a_restore_could_not_read_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        (tmp_path / "days.csv").write_bytes("휴장".encode("cp949"))
        place = cast(Place, SimpleNamespace(files={"exchange_days.csv": tmp_path / "days.csv"}))
        with pytest.raises(CannotBackUp, match=r"days.csv: cannot be read: line 1 is not in UTF-8: save the file as"):
            back_up(place, tmp_path / "b.tar")
