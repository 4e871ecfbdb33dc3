"""`demo`: the whole platform on a market server: its last session through the five stages, then a history of it."""

import time
from datetime import date
from pathlib import Path

from collector.source_clock import last_session
from config.stages import CONTROLLER
from config.universe import universe
from ops.console import say
from ops.errors import CannotStart
from ops.native.stack import DataSource, Stack
from ops.pipeline import portfolios, runs
from ops.running import in_containers, run_module, running_platform

SESSIONS = 250


def demo(folder: Path | None, wanted: DataSource, quick: bool) -> int:
    """Start everything on a market server, compute its last session, and then, unless it is to be quick, its history.

    folder: a recorded market. wanted: the invented one, where there is no folder.
    """
    began = time.monotonic()
    if not in_containers():  # there ./start.sh has started everything
        from ops.native.control import up

        source = _recorded(folder, wanted) if folder else wanted
        _write_universe(Stack.wanted(source))
        failed = up(source)
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
    return 0 if quick else _history(as_of, wanted)


def _history(as_of: date, wanted: DataSource) -> int:
    """Fill the views that one session leaves empty, unless that has been done."""
    if wanted.etfs or wanted.stocks:
        say(f"\nA market of another size takes its time: ./start.sh history computes {SESSIONS} sessions of it.")
        return 0
    say(f"\nNow {SESSIONS} sessions of it, for the record and the months. All of the above can be used meanwhile.")
    span = ["--sessions", str(SESSIONS), "--to", as_of.isoformat()]
    return run_module("ops.pipeline.history", [*span, "--judge", "--unless-stored"])


def _recorded(folder: Path, wanted: DataSource) -> DataSource:
    if not folder.is_dir():
        raise CannotStart(f"--market {folder}: there is no such folder")
    if wanted != DataSource("simulated"):
        raise CannotStart(
            "--market is a recorded market: --seed, --until, --etfs, --stocks and --holdings are for the invented one"
        )
    return DataSource("recorded", folder=str(folder.resolve()))


def _write_universe(stack: Stack) -> None:
    """Write the universe of an invented market of another size, where the services look for it."""
    if stack.universe_file is None:
        return
    from market.roster import roster_of
    from market.universe_files import write_universe

    source = stack.source
    top_holdings = source.holdings or universe().top_holdings
    write_universe(stack.universe_file.parent, roster_of(source.etfs, source.stocks), top_holdings)
    say(f"The universe of this market is in {stack.universe_file.parent}")
