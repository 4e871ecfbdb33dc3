"""What each of Airflow's processes imports before it starts anything: here how the triggerer shares its memory.

The triggerer's runner is a fork of it. Python's garbage collector writes to each object that it looks at, so that both
would end up with pages of their own: 135 MB more after some hours. It leaves alone what is frozen at the fork.
Airflow loads this file as one of its plugins, too. That freezes nothing more.
"""

import gc
import os
import sys

# No setting of Airflow's is another one.
__all__: list[str] = []


def _freeze() -> None:
    gc.collect()
    gc.freeze()


# It forks once, when it starts. Those that fork for each task would freeze what is in use each time, and never again
# collect what of it falls out of use in circles.
if "triggerer" in sys.argv[1:2]:
    os.register_at_fork(before=_freeze)
