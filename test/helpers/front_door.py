"""start.sh, copied to a machine whose Docker does not answer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from config.config import PROJECT_ROOT


def front_door(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Copy start.sh and its needs to a folder, and run it there. Its .env is the one in `folder`."""
    checkout = folder / "checkout"
    for folder_name in ("ops", "config", "utils", "requirements"):
        shutil.copytree(PROJECT_ROOT / folder_name, checkout / folder_name, dirs_exist_ok=True)
    for name in ("start.sh", "docker-compose.yml", "QUICK_REFERENCE.md"):
        shutil.copy(PROJECT_ROOT / name, checkout / name)
    docker = folder / "bin" / "docker"
    docker.parent.mkdir(exist_ok=True)
    if not docker.exists():
        docker.write_text("#!/bin/sh\nexit 1\n")
        docker.chmod(0o755)
    return subprocess.run(
        [checkout / "start.sh", *arguments],
        env={
            "ACTSTOCK_ENV_FILE": str(folder / ".env"),
            "PATH": f"{docker.parent}:{os.defpath}",
            "PYTHON": str(Path(sys.base_prefix, "bin", "python3.11")),  # without a package
        },
        capture_output=True,
        text=True,
        check=False,
    )
