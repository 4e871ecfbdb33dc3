"""Debian's packages, where we may install them."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence

from ops.console import console, done, say
from ops.native.stack import TOOLS


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian packages as root. Return False where that is not possible or failed."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    began = time.monotonic()
    log = TOOLS / "apt.log"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with log.open("w", encoding="utf-8") as output, console.status(f"[dim]apt-get install {' '.join(packages)}[/]"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            if subprocess.run(
                ["apt-get", *command], env=environment, stdout=output, stderr=output, check=False
            ).returncode:
                say(f"  apt-get {command[0]} failed: see {log}")
                return False
    done(" ".join(packages), time.monotonic() - began, "apt-get")
    return True
