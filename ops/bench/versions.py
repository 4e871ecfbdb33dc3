"""Another version of the platform, checked out beside this one."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from ops.errors import RunFailed

# How every version says a figure: see Target of ops/bench/report.py.
SAID = re.compile(r"^\s*[✓✗] (?P<name>.+): (?P<figure>[\d,.]+) s, wanted at most ", re.MULTILINE)
DEADLINE_SECONDS = 900
# Where ./start.sh installs, and the libraries that a session's time depends on most.
SITE_PACKAGES = ".actstock/venv/lib/python*/site-packages"
TOLD = ("pyspark", "apache-airflow")


@dataclass(frozen=True)
class Version:
    """A checkout. name: its commit, or its folder's name."""

    folder: Path
    name: str

    def __str__(self) -> str:
        return ", ".join([self.name, *(f"{library} {self._version_of(library)}" for library in TOLD)])

    def _version_of(self, library: str) -> str:
        """Return the version that is installed there."""
        installed = [str(each) for each in self.folder.glob(SITE_PACKAGES)]
        return next((each.version for each in distributions(name=library, path=installed)), "not installed")

    def seconds_of(self, part: str) -> dict[str, float]:
        """Let this version measure a part on its own platform, which runs, and return its figures.

        RunFailed has what it said last.
        """
        command = ["./start.sh", "bench", part]
        # Where this platform keeps its state, and its ports, are not those of the other one.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ACTSTOCK_")}
        try:
            run = subprocess.run(
                command,
                cwd=self.folder,
                env=environ,
                capture_output=True,
                text=True,
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RunFailed(f"{self.folder}: {error}") from None
        figures = seconds_in(run.stdout)
        if run.returncode or not figures:
            lines: Sequence[str] = (run.stdout + run.stderr).strip().splitlines() or ["no word of why"]
            raise RunFailed(f"{self.folder}: bench {part} ended with code {run.returncode}: {lines[-1].strip()}")
        return figures


def version_in(folder: Path) -> Version:
    """Return the version in a folder. RunFailed says that it is none."""
    if not (folder / "start.sh").is_file():
        raise RunFailed(f"{folder} has no start.sh: give a checkout of another version")
    asked = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return Version(folder.resolve(), asked.stdout.strip() or folder.name)


def seconds_in(said: str) -> dict[str, float]:
    """Return the figures in seconds that a benchmark has said.

    >>> seconds_in("  ✓ last fetch to published: 1,003.5 s, wanted at most 60 s: reached")
    {'last fetch to published': 1003.5}
    """
    return {found["name"]: float(found["figure"].replace(",", "")) for found in SAID.finditer(said)}
