"""Who services are where root starts the platform."""

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.native import services, system_user

ALL = services.read_services()
READS_ALL = "dac_read_search"
WHO = "import os, sys; print(os.geteuid(), os.access(sys.argv[1], os.W_OK))"


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_user, "is_root", lambda: True)
    monkeypatch.setattr(system_user, "_ensure", lambda: pwd.getpwuid(os.geteuid()))


@pytest.fixture
def opened() -> Iterator[Path]:
    """Return a folder that everybody can read, which those of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_who_is_not_root_stays_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_user, "is_root", lambda: False)
    assert system_user.without_root([tmp_path]) == []


@pytest.mark.usefixtures("as_root")
def test_what_everybody_can_read_needs_no_right(opened: Path) -> None:
    words = system_user.without_root([opened])
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


def test_a_command_owns_its_folder_and_nothing_else(opened: Path) -> None:
    """Whoever is not root stays who it is."""
    own = opened / "data" / "kafka"
    (own / "topic").mkdir(parents=True)
    command = [sys.executable, "-S", "-m", "ops.native.system_user", str(own), "--", sys.executable, "-c", WHO]
    for folder, is_own in ((own / "topic", True), (opened, False)):
        said = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=True).stdout.split()
        user, may_write = (
            (pwd.getpwnam(system_user.NAME).pw_uid, is_own) if system_user.is_root() else (os.geteuid(), True)
        )
        assert said == [str(user), str(may_write)]


def test_what_listens_or_runs_the_code_of_jobs_is_the_system_user() -> None:
    owning = {name for name, service in ALL.items() if service.owns is not None}
    consumers = {name for name in ALL if name.startswith("consumer-")}
    assert owning == {"zookeeper", "kafka", "spark-master", "spark-worker", "api", "dashboard", *consumers}


def test_a_service_takes_its_secrets_before_it_gives_up_root(tmp_path: Path) -> None:
    services.write_supervisor_config(tmp_path / "supervisord.conf")
    command = next(line for line in (tmp_path / "supervisord.conf").read_text().splitlines() if "api.main:app" in line)
    assert command.index(services.WITH_SECRETS) < command.index(services.AS_SYSTEM_USER) < command.index("uvicorn")
