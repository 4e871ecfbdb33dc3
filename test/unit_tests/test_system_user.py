"""Who services are where root starts the platform."""

import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops.native import alone, services, system_user

ALL = services.read_services()
READS_ALL = "dac_read_search"
# Somebody whom every Linux has, and who may do nothing.
NOBODY = "nobody"
# To whom things are given here: root alone gives files to others.
USER = pwd.getpwnam(NOBODY) if system_user.is_root() else pwd.getpwuid(os.geteuid())
WHO = "import os, sys; print(os.geteuid(), os.environ['HOME'], *(os.access(path, os.W_OK) for path in sys.argv[1:]))"


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_user, "is_root", lambda: True)
    monkeypatch.setattr(system_user, "_ensure", lambda _: USER)


@pytest.fixture
def opened() -> Iterator[Path]:
    """Return a folder that everybody can read, which those of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_who_is_not_root_stays_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_user, "is_root", lambda: False)
    assert system_user.without_root([tmp_path]) == []
    assert system_user.home() == {}
    system_user.take(tmp_path / "new", NOBODY, within=tmp_path / "elsewhere")
    assert (tmp_path / "new").stat().st_uid == os.geteuid()


@pytest.mark.usefixtures("as_root")
def test_what_everybody_can_read_needs_no_right(opened: Path) -> None:
    words = system_user.without_root([opened, opened / "not there", Path("x" * 5000)])
    assert words[0] == "setpriv" and words[-1] == "--"
    assert READS_ALL not in " ".join(words)


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("closed", ["folder", "file", "behind a link"])
def test_what_is_closed_is_read_by_a_right(opened: Path, closed: str) -> None:
    folder = opened / "checkout"
    folder.mkdir()
    file = folder / "universe.toml"
    file.touch()
    (opened / "link").symlink_to(file)
    (file if closed == "file" else folder).chmod(0o600 if closed == "file" else 0o700)
    words = system_user.without_root([opened / "link" if closed == "behind a link" else file])
    assert "--ambient-caps=+dac_read_search" in words


@pytest.mark.usefixtures("as_root")
def test_what_is_its_own_it_reads_without_a_right(opened: Path) -> None:
    (opened / "own").mkdir(mode=0o700)
    (opened / "own" / "kafka.properties").touch(mode=0o600)
    for path in (opened / "own", opened / "own" / "kafka.properties"):
        os.chown(path, USER.pw_uid, USER.pw_gid)
    assert READS_ALL not in " ".join(system_user.without_root([opened / "own" / "kafka.properties"]))


def launched(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-S", "-m", "ops.native.launch", *words]
    told = {"PATH": os.environ["PATH"], "HOME": "/root"} | dict.fromkeys(alone.MARKS, "test") | environ
    return subprocess.run(command, cwd=PROJECT_ROOT, env=told, capture_output=True, text=True, check=False)


def test_a_service_owns_its_folders_and_nothing_else(opened: Path) -> None:
    """Whoever is not root stays who it is. A folder that is not there yet is made, for its user alone."""
    new, old = opened / "data" / "new", opened / "data" / "kafka"
    (old / "topic").mkdir(parents=True)
    result = launched(
        {"ACTSTOCK_HOME": str(opened)},
        *("--as", system_user.NAME, "--owns", str(old), str(new), "--"),
        *(sys.executable, "-c", WHO, str(old / "topic"), str(new), str(opened)),
    )
    user = pwd.getpwnam(system_user.NAME) if system_user.is_root() else None
    who = f"{user.pw_uid} {user.pw_dir} True True False" if user else f"{os.geteuid()} /root True True True"
    assert (result.stdout.strip(), result.stderr) == (who, "")
    assert new.stat().st_mode & 0o777 == 0o700


def test_what_root_has_left_in_a_folder_is_given_to_its_user(opened: Path) -> None:
    """At every start, and not at the first one alone. Of a file with a name elsewhere nobody knows whose it is."""
    folder, other = opened / "airflow", opened / "passwords"
    (folder / "logs").mkdir(parents=True)
    other.touch()
    for _ in range(2):
        (folder / "logs" / "by-root").touch()
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(other)
        (folder / "name").unlink(missing_ok=True)
        (folder / "name").hardlink_to(other)
        system_user.own_all(folder, USER.pw_name)
        assert {path.lstat().st_uid for path in (folder, *folder.rglob("*")) if path.name != "name"} == {USER.pw_uid}
        assert other.stat().st_uid == os.geteuid()
        (folder / "logs" / "by-root").unlink()


def test_a_persons_folder_is_not_taken(opened: Path) -> None:
    """BACKUP_FOLDER may be one that has files of others."""
    folder = opened / "mounted"
    folder.mkdir()
    (folder / "of-somebody").touch()
    refused = (
        pytest.raises(SystemExit, match=f"chown -R {NOBODY}: {folder}") if system_user.is_root() else nullcontext()
    )
    with refused:
        system_user.take(folder, USER.pw_name, within=opened / "home")
    assert {path.stat().st_uid for path in (folder, folder / "of-somebody")} == {os.geteuid()}


@pytest.fixture
def on_another_disk(opened: Path) -> Path:
    """Return a service's folder of a platform whose data are on another disk, by a link of root's."""
    (opened / "disk" / "yahoo" / "airflow").mkdir(parents=True)
    (opened / "home").mkdir()
    (opened / "home" / "data").symlink_to(opened / "disk")
    return opened / "home" / "data" / "yahoo" / "airflow"


def test_what_is_on_another_disk_by_a_link_is_the_platforms(on_another_disk: Path, opened: Path) -> None:
    for _ in range(2):
        (on_another_disk / "passwords.json").unlink(missing_ok=True)
        (on_another_disk / "passwords.json").touch(mode=0o600)  # as each start does, as root
        system_user.take(on_another_disk, USER.pw_name, within=opened / "home")
        assert {path.stat().st_uid for path in (on_another_disk, on_another_disk / "passwords.json")} == {USER.pw_uid}


@pytest.mark.parametrize("who", ["a service's link", "a link itself", "a way up", "a folder of another's"])
def test_no_other_way_out_of_the_platforms_folder_is_gone(on_another_disk: Path, opened: Path, who: str) -> None:
    (on_another_disk / "of-somebody").touch()
    home, folder = opened / "home", on_another_disk
    if who == "a service's link":
        os.chown(home / "data", USER.pw_uid, USER.pw_gid, follow_symlinks=False)
    if who == "a folder of another's":
        os.chown(opened / "disk" / "yahoo", USER.pw_uid, USER.pw_gid)
    if who == "a link itself":
        folder = home / "backups"
        folder.symlink_to(on_another_disk)
    if who == "a way up":
        folder = home / ".." / "disk" / "yahoo" / "airflow"
    with pytest.raises(SystemExit, match="chown -R") if system_user.is_root() else nullcontext():
        system_user.take(folder, USER.pw_name, within=home)
    assert (on_another_disk / "of-somebody").stat().st_uid == os.geteuid()


@pytest.mark.parametrize("reason", ["it is empty", "it is within the platform's own", "it was given before"])
def test_another_folder_is_taken(opened: Path, reason: str) -> None:
    folder = opened / "backups"
    folder.mkdir()
    if reason != "it is empty":
        (folder / "a.tar").touch()
    if reason == "it was given before":
        os.chown(folder, USER.pw_uid, USER.pw_gid)
    system_user.take(folder, USER.pw_name, within=opened if "within" in reason else opened / "home")
    assert folder.stat().st_uid == USER.pw_uid


def test_no_service_stays_root() -> None:
    """But for the two that become the system user by themselves, once they have made their folder."""
    assert {name for name, service in ALL.items() if service.user == services.ROOT} == {"postgres", "airflow-db"}


def test_what_a_browser_reaches_shares_its_user_with_no_other_service() -> None:
    """So it can neither write to their folders nor read what is in their environments."""
    assert {name for name, service in ALL.items() if service.user == "actstock-web"} == {"api", "dashboard"}
    assert not ALL["api"].owns and not ALL["dashboard"].owns


def test_who_has_the_owners_passwords_shares_its_user_with_no_service_that_listens() -> None:
    having = {name for name, service in ALL.items() if "DB_PASSWORD" in service.secrets.values()} - {"postgres"}
    assert having == {"upgrade-backup", "backup", "schema"}
    assert {ALL[name].user for name in having} == {system_user.ADMIN}
    assert not [name for name, service in ALL.items() if service.user == system_user.ADMIN and service.ports]


def test_services_of_different_users_have_no_folder_in_common() -> None:
    owners: dict[str, set[str]] = {}
    for service in ALL.values():
        for folder in service.owns:
            owners.setdefault(folder, set()).add(service.user)
    assert owners and all(len(users) == 1 for users in owners.values()), owners


def test_a_service_takes_its_secrets_before_it_gives_up_root(tmp_path: Path) -> None:
    """The file is root's."""
    file = tmp_path / "api.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"API_KEY": "its own"}))
    result = launched(
        {"ACTSTOCK_HOME": str(tmp_path)}, "--secrets", str(file), "--as", system_user.NAME, "--", "printenv", "API_KEY"
    )
    assert (result.stdout, result.stderr) == ("its own\n", "")


def test_a_service_reads_what_its_command_names(opened: Path) -> None:
    """Such as a recorded market in somebody's home."""
    market = opened / "home" / "market"
    market.mkdir(parents=True)
    (market / "prices.csv").touch()
    (opened / "home").chmod(0o700)
    result = launched({"ACTSTOCK_HOME": str(opened)}, "--as", system_user.NAME, "--", "ls", str(market))
    assert (result.stdout, result.stderr) == ("prices.csv\n", "")


def test_one_process_becomes_a_service(tmp_path: Path) -> None:
    services.write_supervisor_config(tmp_path / "supervisord.conf")
    commands = [line for line in (tmp_path / "supervisord.conf").read_text().splitlines() if line.startswith("command")]
    assert len(commands) == len(ALL)
    assert all(command.startswith(f"command = {services.LAUNCH} ") for command in commands)
    assert all(command.count("ops.native.launch") == 1 for command in commands)
