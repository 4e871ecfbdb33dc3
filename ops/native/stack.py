"""Where one running copy of the platform lives: its folders, its ports, and the market it reads."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.config import PROJECT_ROOT, ConfigError
from ops.native.compose import ports
from ops.native.version import version_here

# What every stack of a checkout shares.
TOOLS = PROJECT_ROOT / ".actstock"
VENV = TOOLS / "venv"
JARS = TOOLS / "jars"
JDBC_JAR = JARS / "postgresql-42.7.8.jar"

# What a start notes of itself, in the folder of what runs.
NOTED = "stack.json"
HIGHEST_PORT = 65535
# The kernel's limit for the path of a Unix socket, less some air.
LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class DataSource:
    """Where prices come from: Yahoo itself, or a market server with an invented or a recorded market.

    etfs, stocks, holdings: how many an invented market has, and lists of a fund. None: as many as it has by itself.
    """

    kind: str = "yahoo"
    seed: int | None = None
    folder: str | None = None
    until: str | None = None
    etfs: int | None = None
    stocks: int | None = None
    holdings: int | None = None

    @property
    def served(self) -> bool:
        return self.kind != "yahoo"

    @property
    def sizes(self) -> dict[str, int]:
        """What the market is told about its size, by the name of the option."""
        given = {"etfs": self.etfs, "stocks": self.stocks, "holdings": self.holdings}
        return {name: number for name, number in given.items() if number is not None}

    @property
    def label(self) -> str:
        """Names the folder of its data: what one market said is never mixed with another's.

        >>> DataSource().label, DataSource("simulated", seed=7).label
        ('yahoo', 'simulated-7')
        >>> DataSource("simulated", etfs=500, stocks=3000).label
        'simulated-etfs500-stocks3000'
        """
        if self.folder:
            return f"{self.kind}-{Path(self.folder).name}-{_digest(self.folder)}"
        sizes = [f"{name}{number}" for name, number in self.sizes.items()]
        return "-".join([self.kind, *([] if self.seed is None else [str(self.seed)]), *sizes])


@dataclass(frozen=True)
class Stack:
    home: Path
    port_offset: int = 0
    source: DataSource = DataSource()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Stack":
        """Return the stack of ACTSTOCK_HOME as it was last started, else as the environment wants it."""
        home = _home(environ)
        return cls.started_in(home) or cls(home, _offset(environ))

    @classmethod
    def started_in(cls, home: Path) -> "Stack | None":
        """Return the stack that was last started in a folder and has not been stopped since."""
        noted = _noted(home)
        return cls(home, noted["port_offset"], DataSource(**noted["market"])) if noted else None

    @classmethod
    def wanted(cls, source: DataSource, environ: Mapping[str, str] = os.environ) -> "Stack":
        return cls(_home(environ), _offset(environ), source)

    @property
    def name(self) -> str:
        """Tells it from the other platforms of this machine, where they share a folder.

        >>> Stack(TOOLS.resolve()).name, Stack(Path("/another"), source=DataSource("simulated", seed=7)).name
        ('actstock-yahoo', 'actstock-simulated-7-955483')
        """
        elsewhere = [] if self.home == TOOLS.resolve() else [_digest(str(self.home))]
        return "-".join(["actstock", self.source.label, *elsewhere])

    def port(self, name: str) -> int:
        return ports()[name] + self.port_offset

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port(name)}"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def data(self) -> Path:
        return self.home / "data" / self.source.label

    @property
    def alerts(self) -> Path:
        """Where the watcher keeps what it has told."""
        return self.data / "alerts"

    @property
    def universe_file(self) -> Path | None:
        """The universe of an invented market of another size, or None where that of the settings counts."""
        return self.data / "universe" / "universe.toml" if self.source.sizes else None

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets.env"

    @property
    def has_databases(self) -> bool:
        """Whether there is a database of any market. All of them have the same passwords."""
        return any(found for name in ("postgres", "airflow-db") for found in (self.home / "data").glob(f"*/{name}"))

    @property
    def supervisor_socket(self) -> Path:
        path = self.run / "supervisor.sock"
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"actstock-{os.getuid()}-{digest}.sock"

    @property
    def supervisor_pid_file(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def runs_this_version(self) -> bool:
        """Whether what was last started here is the version that is in this folder now."""
        return _noted(self.home).get("version") == version_here()

    def remember(self) -> None:
        """Note market, ports and version, so that later commands find this stack without being given them."""
        noted = {"port_offset": self.port_offset, "market": asdict(self.source), "version": version_here()}
        (self.run / NOTED).write_text(json.dumps(noted) + "\n", encoding="utf-8")

    def forget(self) -> None:
        (self.run / NOTED).unlink(missing_ok=True)


def _noted(home: Path) -> dict[str, Any]:
    """Return what the start of the stack in a folder has noted, which is nothing once it was stopped."""
    file = home / "run" / NOTED
    noted: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return noted


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:6]


def _home(environ: Mapping[str, str]) -> Path:
    home = Path(environ.get("ACTSTOCK_HOME") or TOOLS).resolve()
    # The supervisor's configuration cannot hold them: a service would find another folder, or none.
    for setting, folder in (("the folder of the platform", PROJECT_ROOT), ("ACTSTOCK_HOME", home)):
        if found := re.search('["%]', str(folder)):
            raise ConfigError(f"{setting}: {folder}: take a folder without {found[0]} in its name")
    return home


def _offset(environ: Mapping[str, str]) -> int:
    raw = environ.get("ACTSTOCK_PORT_OFFSET") or "0"
    highest = HIGHEST_PORT - max(ports().values())
    if not re.fullmatch(r"[0-9]{1,5}", raw) or int(raw) > highest:
        raise ConfigError(f"ACTSTOCK_PORT_OFFSET={raw!r}: give a whole number from 0 to {highest}")
    return int(raw)
