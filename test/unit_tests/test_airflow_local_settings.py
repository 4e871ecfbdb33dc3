"""What is frozen when one of Airflow's processes forks: that shows whether Python's collector leaves it shared."""

import subprocess
import sys

import pytest

from config.config import PROJECT_ROOT

FORK = """
import gc, os, sys
sys.argv = {argv}
import airflow_local_settings
read, write = os.pipe()
if not os.fork():
    os.write(write, str(gc.get_freeze_count()).encode())
    os._exit(0)
print(os.read(read, 20).decode())
"""


@pytest.mark.parametrize(
    ("argv", "is_frozen"),
    [
        (["airflow", "triggerer", "--skip-serve-logs"], True),
        (["/opt/bin/airflow", "triggerer"], True),
        (["airflow", "scheduler"], False),
        (["airflow"], False),
    ],
)
def test_the_triggerer_alone_freezes_what_it_shares(argv: list[str], is_frozen: bool) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORK.format(argv=argv)],
        cwd=PROJECT_ROOT / "airflow" / "plugins",
        capture_output=True,
        text=True,
        check=True,
    )
    assert (int(ended.stdout) > 1_000) == is_frozen
