"""Bring Airflow's database up to its version, with our pools: `python -m ops.airflow_init`.

Airflow's own commands cost seven seconds each, so they run only when the version or the pools have changed.
"""

import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

POOLS_FILE = Path(__file__).with_name("airflow_pools.json")


def wanted_stamp() -> str:
    return f"{version('apache-airflow-core')} {hashlib.sha256(POOLS_FILE.read_bytes()).hexdigest()}"


def main() -> int:
    stamp = Path(os.environ["AIRFLOW_HOME"]) / "initialised"
    if stamp.exists() and stamp.read_text() == wanted_stamp():
        print("Airflow's database is up to date")
        return 0
    for command in (["airflow", "db", "migrate"], ["airflow", "pools", "import", str(POOLS_FILE)]):
        result = subprocess.run(command, check=False)
        if result.returncode:
            print(f"{' '.join(command)} ended with code {result.returncode}", file=sys.stderr)
            return result.returncode
    stamp.write_text(wanted_stamp())
    return 0


if __name__ == "__main__":
    sys.exit(main())
