"""The .env that a person writes: natively and in containers a line means the same."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import secret_rule
from config.config import PROJECT_ROOT, ConfigError
from ops.native import environment, stack_secrets
from ops.native.env_file import name_of, read_settings, settings_in
from ops.native.stack import Stack
from ops.native.stack_secrets import env_line

LINES = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x00"
BOM = "\ufeff"
# What Docker Compose reads: dotenv of compose-spec/compose-go.
READ = [
    ("A=b", "b"),
    ("A = b", "b"),
    ("  A=b", "b"),
    ("export A=b", "b"),
    ("export\tA=b", "b"),
    ("A: b", "b"),
    (f"{BOM}A=b", "b"),
    ("A=b\r", "b"),
    ("A=b  ", "b"),
    ("A=b # for the family", "b"),
    ("A=b#c", "b#c"),
    ("A=two words", "two words"),
    ("A='b' # it is", "b"),
    ('A="b"', "b"),
    ('A="b" #c', "b"),
    ('A=""', ""),
    ("A=''", ""),
    ("A=", ""),
    ("A='b # c'", "b # c"),
    ("A=x=y", "x=y"),
    ("A=1\nA=b", "b"),
    ("# A=1\nA=b\n# A=2", "b"),
    ("A=한글", "한글"),
]
NONE = ("A b", "A='b", 'A="b" c', "A= # c", "=b", "A B=c")


@pytest.mark.parametrize(("text", "value"), READ)
def test_a_line_is_read_as_docker_compose_reads_it(tmp_path: Path, text: str, value: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes(f"{text}\n".encode())
    assert read_settings(file, {}) == {"A": value}


@pytest.mark.parametrize(("text", "value"), READ)
def test_the_front_door_reads_it_alike(tmp_path: Path, text: str, value: str) -> None:
    (tmp_path / ".env").write_bytes(f"{text}\n".encode())
    assert commands(tmp_path, "chosen A").stdout == value


@pytest.mark.parametrize(("text", "value"), [(text.replace("A", "API_KEY"), value) for text, value in READ])
def test_the_front_door_leaves_a_secret_that_is_there(tmp_path: Path, text: str, value: str) -> None:
    """One that was made up in the place of the user's would count, as the last one, and lock them out."""
    (tmp_path / ".env").write_bytes(f"{text}\n".encode())
    commands(tmp_path, "write_env")
    known = read_settings(tmp_path / ".env", {})["API_KEY"]
    assert known == value if value else len(known) > 20


def test_the_front_door_leaves_a_secret_that_begins_as_a_comment_does(tmp_path: Path) -> None:
    """It is one to Docker Compose. A native start refuses the line, and says why."""
    (tmp_path / ".env").write_text("API_KEY=#Secret-of-ours-1\n")
    commands(tmp_path, "write_env")
    lines = (tmp_path / ".env").read_text().splitlines()
    assert [line for line in lines if name_of(line) == "API_KEY"] == ["API_KEY=#Secret-of-ours-1"]


@pytest.mark.parametrize("text", [text.replace("A", "PIPELINE_SCHEDULE") for text, _ in READ if "A=1" not in text])
def test_a_setting_is_replaced_however_it_was_written(tmp_path: Path, text: str) -> None:
    (tmp_path / ".env").write_bytes(f"{text}\n".encode())
    commands(tmp_path, "write_env PIPELINE_SCHEDULE=controller")
    lines = (tmp_path / ".env").read_text().splitlines()
    assert [line for line in lines if name_of(line) == "PIPELINE_SCHEDULE"] == ["PIPELINE_SCHEDULE=controller"]


def test_a_set_variable_goes_before_even_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=b\n")
    assert commands(tmp_path, "chosen A", A="").stdout == ""


def test_a_value_may_name_others(tmp_path: Path) -> None:
    text = "B=/b\nA=${HOME}/$B\nC='$HOME'\nD=\"\\$HOME $B\"\nE=a$$b\nF=$1\n"
    known = {"A": "/home/me//b", "B": "/b", "C": "$HOME", "D": "$HOME /b", "E": "a$b", "F": "$1"}
    assert settings_in(text, {"HOME": "/home/me"}) == (known, [])


def test_a_quoted_value_may_have_several_lines() -> None:
    text = 'A="json://a\n  json://b"\nB=1\nC\n'
    assert settings_in(text, {}) == ({"A": "json://a\n  json://b", "B": "1"}, [])


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_setting_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# one\nB=1\n{text}\nC=2\n")
    with pytest.raises(ConfigError, match=r"\.env, line 3: this is no setting: write NAME=value"):
        read_settings(file, {})
    assert settings_in(file.read_text(), {})[0] == {"B": "1", "C": "2"}, "the others are read"


@pytest.mark.parametrize(("value", "unknown"), [("a$b", "$b"), ("${B}/c", "${B}"), ("${HOME:-x}", "${HOME:-x}")])
def test_what_cannot_be_replaced_is_named(tmp_path: Path, value: str, unknown: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"DASHBOARD_PASSWORD={value}\n")
    said = f"line 1: DASHBOARD_PASSWORD: nothing is known as {unknown}: put the value in single quotes"
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_settings(file, {"HOME": "/home/me"})


@pytest.mark.parametrize("encoding", ["cp949", "utf-16"])
def test_another_encoding_is_named_with_its_line(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes("A=1\n# 내 설정\n".encode(encoding))
    line = {"cp949": 2, "utf-16": 1}[encoding]
    with pytest.raises(ConfigError, match=rf"\.env, line {line}: this is not UTF-8: save the file as UTF-8"):
        read_settings(file)


@given(st.text(st.characters(exclude_characters=LINES, exclude_categories=["Cs", "Cc"])))
def test_what_the_platform_writes_is_read_again(value: str) -> None:
    assert settings_in(f"B=1\n{env_line('A', value)}C=2\n", {}) == ({"A": value, "B": "1", "C": "2"}, [])


def test_a_folder_of_ones_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("BACKUP_FOLDER=~/backups\nUNIVERSE_FILE=${HOME}/mine.toml\n")
    monkeypatch.setattr(environment, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("UNIVERSE_FILE")
    given = environment.service_environment(Stack(tmp_path), Path("/java"))
    assert (given["BACKUP_FOLDER"], given["UNIVERSE_FILE"]) == ("/home/me/backups", "/home/me/mine.toml")


class TestSecrets:
    """The platform logs in with them: in an address, a header, a line of a file."""

    @pytest.mark.parametrize(
        "given",
        [
            "AIRFLOW_DB_PASSWORD=p@ss/50%41-and-more",
            "KAFKA_PASSWORD=pa\\word-and-more",
            "API_KEY=한글키한글키한글키한글키",
            "API_KEY=short",
            "AIRFLOW_FERNET_KEY=no-key-of-fernet",
        ],
    )
    def test_those_that_it_cannot_carry_are_refused(self, tmp_path: Path, given: str) -> None:
        name, _, value = given.partition("=")
        refused = commands(tmp_path, 'write_env "$1"', given, check=False)
        assert refused.returncode == 1
        assert f"env: {name}" in refused.stderr and value not in refused.stderr
        assert not (tmp_path / ".env").exists()

    def test_the_rule_is_that_of_the_command_which_changes_one(self, tmp_path: Path) -> None:
        for length, is_taken in ((secret_rule.SHORTEST - 1, False), (secret_rule.SHORTEST, True)):
            said = commands(tmp_path, f"check_settings DB_PASSWORD={'a' * length}", check=False)
            assert (said.returncode == 0, secret_rule.RULE in said.stderr) == (is_taken, not is_taken)

    def test_others_are_taken(self, tmp_path: Path) -> None:
        own = {
            "API_KEY": "a_key-of-mine-9",
            "AIRFLOW_FERNET_KEY": f"{'a' * 43}=",
            "DASHBOARD_PASSWORD": "비밀 번호",  # goes nowhere but into a form
        }
        commands(tmp_path, 'write_env "$@"', *(f"{name}={value}" for name, value in own.items()))
        known = read_settings(tmp_path / ".env")
        assert {name: known[name] for name in own} == own

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("AIRFLOW_DB_PASSWORD", "p@ss"),
            ("AIRFLOW_DB_PASSWORD", "50%41"),
            ("KAFKA_PASSWORD", "pa\\word"),
            ("KAFKA_PASSWORD", "비밀"),
            ("ZOOKEEPER_PASSWORD", 'a"b'),
        ],
    )
    def test_a_native_start_takes_none_that_would_be_another(self, tmp_path: Path, name: str, value: str) -> None:
        file = tmp_path / "secrets.env"
        with pytest.raises(ConfigError, match=f"^{name} in .env: give") as told:
            stack_secrets.load(file, {name: value}, are_in_use=False)
        assert value not in str(told.value)
        kept = stack_secrets.load(file)[name]
        assert stack_secrets.load(file, {name: value})[name] == kept, "what is in use stays"
        file.write_text(env_line(name, value))
        with pytest.raises(ConfigError, match=rf"^{name} in .*/secrets\.env: give"):
            stack_secrets.load(file)

    def test_one_of_the_containers_that_is_short_is_taken(self, tmp_path: Path) -> None:
        own = {"KAFKA_PASSWORD": "x;y", "AIRFLOW_DB_PASSWORD": "a/b#c", "DB_PASSWORD": "p@ss", "API_KEY": "k"}
        known = stack_secrets.load(tmp_path / "secrets.env", own, are_in_use=False)
        assert {name: known[name] for name in own} == own


class TestOffset:
    @pytest.mark.parametrize(("offset", "port"), [("100", 8100), ("0100", 8100), ("08", 8008), ("0", None)])
    def test_it_is_a_decimal_number(self, tmp_path: Path, offset: str, port: int | None) -> None:
        said = commands(tmp_path, "ports_by_offset", ACTSTOCK_PORT_OFFSET=offset).stdout
        assert (f"PORT_API={port}\n" in said) is (port is not None)

    @pytest.mark.parametrize("offset", ["70000", "56444", "-1", "1e3", "²", "99999999999999999999"])
    def test_a_port_that_there_is_not_is_refused(self, tmp_path: Path, offset: str) -> None:
        refused = commands(tmp_path, "ports_by_offset", check=False, ACTSTOCK_PORT_OFFSET=offset)
        assert refused.returncode == 1
        assert f"ACTSTOCK_PORT_OFFSET={offset}: give a whole number from 0 to 56443" in refused.stderr


class TestFiles:
    """Docker makes a folder of what it cannot find, and a volume of a name alone."""

    @pytest.mark.parametrize("setting", ["UNIVERSE_FILE", "UNIVERSE_CSV", "EXCHANGE_DAYS_FILE"])
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("/nowhere/mine.toml", "there is no such file"),
            ("~/nowhere.toml", "there is no such file"),
            ("./config", "there is no such file"),
            ("mine.toml", "write it as ./mine.toml, or with its whole path"),
            ("config/universe.toml", "write it as ./config/universe.toml"),
        ],
    )
    def test_one_that_is_not_there_stops_a_start(self, tmp_path: Path, setting: str, value: str, said: str) -> None:
        (tmp_path / ".env").write_text(f"{setting}={value}\n")
        refused = commands(tmp_path, "require_files", check=False)
        assert refused.returncode == 1
        assert f"{setting}={value}: {said}" in refused.stderr

    @pytest.mark.parametrize("value", ["", "./config/universe.toml", "${HOME}/mine.toml", f"{PROJECT_ROOT}/start.sh"])
    def test_others_do_not(self, tmp_path: Path, value: str) -> None:
        (tmp_path / ".env").write_text(f"UNIVERSE_FILE={value}\n")
        commands(tmp_path, "require_files")

    @pytest.mark.parametrize("words", ["up", "demo"])
    def test_nothing_is_started_before(self, tmp_path: Path, words: str) -> None:
        (tmp_path / ".env").write_text("UNIVERSE_FILE=/nowhere/mine.toml\n")
        script = f'mkdir {tmp_path}/run; docker() {{ echo "$@"; }}; containers_main {words}'
        refused = commands(tmp_path, script, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert not (tmp_path / "run" / "containers.env").exists()


def test_what_a_start_notes_is_recalled_as_it_was(tmp_path: Path) -> None:
    script = f'mkdir {tmp_path}/run; echo "MARKET_FOLDER=/x/a==" | remember; recall; printf %s "$MARKET_FOLDER"'
    assert commands(tmp_path, script).stdout == "/x/a=="


class TestWindows:
    """Docker there is no program of Bash, which would write the arguments of such a one anew."""

    @pytest.mark.parametrize(
        ("words", "volume"),
        [
            ("containers_backup FOLDER/b.tar", "--volume C:FOLDER:/backup"),
            ("containers_backup FOLDER/b.tar", "--volume C:FOLDER/.env:/run/settings.env:ro"),
            ("containers_closed_days --add", "--volume C:ROOT/config:/exchange-days"),
            (
                "backup_folder=/a b=1 restored=/r backup_name=n; in_restore x",
                "--volume C:/a:/backup:ro --volume C:/r:/",
            ),
            (
                "mkdir FOLDER/run; in_cli_with --kept verify --kept FOLDER/.env",
                r"--volume C:FOLDER/run/given\.\w+:/given",
            ),
        ],
    )
    def test_it_is_given_this_machines_paths_as_it_knows_them(self, tmp_path: Path, words: str, volume: str) -> None:
        (tmp_path / ".env").write_text("A=1\n")
        cygpath = tmp_path / "cygpath"
        cygpath.write_text('#!/bin/sh\n[ "$1" = --mixed ] && printf C:%s "$2"\n')
        cygpath.chmod(0o755)
        script = f'docker() {{ echo "$MSYS2_ARG_CONV_EXCL" "$@"; }}; {words.replace("FOLDER", str(tmp_path))}'
        said = commands(tmp_path, script, PATH=f"{tmp_path}:{os.defpath}").stdout
        assert said.startswith(f"* compose --project-directory C:{PROJECT_ROOT} --env-file C:{tmp_path}/.env run ")
        assert re.search(volume.replace("FOLDER", str(tmp_path)).replace("ROOT", str(PROJECT_ROOT)), said), said


def commands(
    folder: Path, script: str, *words: str, check: bool = True, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run a script with the functions of the containers. Its .env is the one in `folder`."""
    begin = (
        f"root={PROJECT_ROOT}; state={folder}; . {PROJECT_ROOT}/ops/containers/commands.sh; "
        'say() { echo "$@" >&2; }; die() { say "$@"; exit 1; }; '
    )
    given = {"ACTSTOCK_ENV_FILE": str(folder / ".env"), "PATH": os.defpath, "HOME": "/home/me", **environ}
    command = ["bash", "-euo", "pipefail", "-c", begin + script, "start.sh", *words]
    return subprocess.run(command, env=given, cwd=PROJECT_ROOT, capture_output=True, text=True, check=check)
