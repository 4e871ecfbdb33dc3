"""Get what is missing on this machine, saying what and why. The Python environment itself is start.sh's job."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from config.config import PROJECT_ROOT
from ops.console import console, done, failed, say
from ops.errors import CannotInstall
from ops.native.apt import apt_install
from ops.native.configure import require_disk
from ops.native.environment import SITE_PACKAGES, tools
from ops.native.java import SYSTEM_CERTIFICATES, ensure_java, java_home, java_version
from ops.native.stack import JARS, TOOLS

LOCK = Path(__file__).with_name("jars") / "jars.sha256"
IVY_FILE = Path(__file__).with_name("jars") / "ivy.xml"
IVY_PATTERN = "[artifact]-[revision](-[classifier]).[ext]"
FREE_MB_FOR_JARS = 300
POLL_SECONDS = 0.5


def ensure_platform() -> None:
    """Install Java, the jars of ZooKeeper, Kafka and the JDBC driver, and Spark's class archive."""
    ensure_java()
    ensure_jars()
    ensure_class_archive()


def ensure_programs(why: str, packages_by_program: dict[str, str]) -> None:
    """Install programs that only some commands need, from Debian's packages."""
    missing = {name: package for name, package in packages_by_program.items() if not shutil.which(name)}
    if not missing:
        return
    say(f"Installing {', '.join(missing.values())}: {why}")
    if not apt_install(list(missing.values())):
        packages = " ".join(missing.values())
        raise CannotInstall(f"{', '.join(missing)} not found; {why}. On Debian: sudo apt-get install {packages}")


def ensure_packages(locks: Sequence[Path], folder: Path, size: str) -> None:
    """Install locks' Python packages in a folder of their own: for what is run beside the platform's own packages."""
    named = ", ".join(str(lock.relative_to(PROJECT_ROOT)) for lock in locks)
    say(f"Installing the packages of {named}: {size}, unless they are there")
    install = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", f"{folder}"]
    command = [sys.executable, "-m", *install, *(word for lock in locks for word in ("--requirement", str(lock)))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CannotInstall(f"{named}: {ended.stderr.strip()}")


def ensure_jars() -> None:
    """Download every jar of the lock whose content is not here yet."""
    wanted = _locked()
    stamp = JARS / "verified"
    lock_digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == lock_digest and all((JARS / name).exists() for name in wanted):
        return
    if not _all_right(wanted):
        _download(wanted)
    stamp.write_text(lock_digest)


def ensure_class_archive() -> None:
    """Record the classes that Spark's JVMs load, for this Java and this Spark. Jobs also run without it."""
    stamp = JARS / "spark-classes.made-for"
    wanted = f"{version('pyspark')} {java_version()}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("Recording the classes that Spark jobs load: afterwards every job starts in about half the time")
    began = time.monotonic()
    command = [sys.executable, "-m", "batch.class_archive"]
    with console.status("[dim]a Spark job of our own on a few rows[/]"):
        result = subprocess.run(
            command, env=os.environ | tools(java_home()), capture_output=True, text=True, check=False, cwd=TOOLS
        )
    if result.returncode:
        failed("Spark classes", f"{result.stderr.strip()[-200:]} (jobs run without, only slower)")
    else:
        done("Spark classes", time.monotonic() - began, str(JARS))
    stamp.write_text(wanted)


def _locked() -> dict[str, str]:
    """Read the lock, which has sha256sum's format, as file name -> SHA-256."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _all_right(wanted: dict[str, str]) -> bool:
    return all((JARS / name).exists() and _digest(JARS / name) == digest for name, digest in wanted.items())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(wanted: dict[str, str]) -> None:
    """Fetch with the Ivy that comes with Spark. Only files with the locked content get into the folder."""
    say(f"Downloading ZooKeeper, Kafka and the PostgreSQL JDBC driver from Maven Central: {len(wanted)} jars, 48 MB")
    require_disk(TOOLS, FREE_MB_FOR_JARS)
    began = time.monotonic()
    arriving = TOOLS / "jars.arriving"
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(parents=True)
    _run_ivy(arriving, len(wanted))
    wrong = [name for name, digest in wanted.items() if not _matches(arriving / name, digest)]
    if wrong:
        raise CannotInstall(f"these downloads are missing or not what {LOCK} says: {', '.join(wrong)}")
    JARS.mkdir(exist_ok=True)
    for name in wanted:
        (arriving / name).replace(JARS / name)
    shutil.rmtree(arriving)
    done(f"{len(wanted)} jars", time.monotonic() - began, str(JARS))


def _matches(path: Path, digest: str) -> bool:
    return path.exists() and _digest(path) == digest


def _run_ivy(target: Path, count: int) -> None:
    ivy = next((SITE_PACKAGES / "pyspark" / "jars").glob("ivy-*.jar"))
    cache = TOOLS / "cache" / "ivy"
    log = TOOLS / "ivy.log"
    trust = [f"-Djavax.net.ssl.trustStore={SYSTEM_CERTIFICATES}"] if SYSTEM_CERTIFICATES.exists() else []
    command = [str(java_home() / "bin" / "java"), *trust, "-jar", str(ivy), "-cache", str(cache)]
    command += ["-ivy", str(IVY_FILE), "-retrieve", f"{target}/{IVY_PATTERN}"]
    with log.open("w", encoding="utf-8") as output, console.status("") as status:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        while process.poll() is None:
            have = sum(1 for _ in cache.rglob("*.jar"))
            status.update(f"[dim]{have} of {count} jars[/]")
            time.sleep(POLL_SECONDS)
    if process.returncode:
        raise CannotInstall(
            f"the jars could not be fetched from Maven Central: see {log}; then start again, it goes on"
        )
