"""`demo`: the whole platform on a market server, its last session taken through the five stages, the result shown."""

import time
from pathlib import Path

from collector.source_clock import last_session
from config.stages import CONTROLLER
from ops.console import say
from ops.errors import CannotStart
from ops.native.stack import DataSource
from ops.pipeline import portfolios, runs
from ops.running import in_containers, running_platform


def demo(folder: Path | None, seed: int | None, until: str | None) -> int:
    began = time.monotonic()
    if not in_containers():  # there ./start.sh has started everything
        from ops.native.control import up

        failed = up(_source(folder, seed, until))
        if failed:
            return failed
    platform = running_platform()
    as_of = last_session(platform.market_url)
    say(f"\nThe five stages for {as_of}, through Airflow")
    conf = {"as_of_date": as_of.isoformat(), "stage_delay_minutes": 0}
    runs.run(runs.connect(platform), CONTROLLER, conf)
    portfolios.show(platform.api_url, platform.api_key, as_of)
    say(f"\nFrom start to here: {time.monotonic() - began:.0f} s. It goes on running; ./start.sh stop ends it.")
    platform.show()
    return 0


def _source(folder: Path | None, seed: int | None, until: str | None) -> DataSource:
    if folder is None:
        return DataSource("simulated", seed=seed, until=until)
    if not folder.is_dir():
        raise CannotStart(f"--market {folder}: there is no such folder")
    if seed is not None or until is not None:
        raise CannotStart("--market is a recorded market: --seed and --until are for the invented one")
    return DataSource("recorded", folder=str(folder.resolve()))
