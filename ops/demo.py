"""`demo`: the whole platform on a market server, its last session taken through the five stages, the result shown."""

import time
from pathlib import Path

from ops import pipeline, portfolios
from ops.console import say
from ops.control import running_stack, show_addresses, up
from ops.environment import client_environment
from ops.errors import CannotStart
from ops.market import last_session
from ops.stack import Market


def demo(folder: Path | None, seed: int | None, until: str | None) -> int:
    began = time.monotonic()
    failed = up(_market(folder, seed, until))
    if failed:
        return failed
    stack = running_stack()
    as_of = last_session(stack.url("market-server"))
    say(f"\nThe five stages for {as_of}, through Airflow")
    conf = {"as_of_date": as_of.isoformat(), "stage_delay_minutes": 0}
    pipeline.run(pipeline.connect(stack), pipeline.CONTROLLER, conf)
    portfolios.show(stack.url("api"), client_environment(stack)["API_KEY"], as_of)
    say(f"\nFrom nothing to here: {time.monotonic() - began:.0f} s. It goes on running; ./start.sh stop ends it.")
    show_addresses(stack)
    return 0


def _market(folder: Path | None, seed: int | None, until: str | None) -> Market:
    if folder is None:
        return Market("simulated", seed=seed, until=until)
    if not folder.is_dir():
        raise CannotStart(f"--market {folder}: there is no such folder")
    if seed is not None or until is not None:
        raise CannotStart("--market is a recorded market: --seed and --until are for the invented one")
    return Market("recorded", folder=str(folder.resolve()))
