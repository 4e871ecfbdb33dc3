"""`plan`: the requests to Yahoo of a start with these settings, before anything is asked for."""

import os
from collections.abc import Iterator

from collector.request_plan import plan
from config.config import Settings
from config.universe import load, universe_file
from ops.console import say
from ops.native.environment import chosen_settings
from ops.native.stack import Stack


def plan_of(stack: Stack, stocks: int | None = None) -> Iterator[str]:
    """Yield the plan of a stack, whether it runs or not."""
    settings = chosen_settings(stack)
    return plan(load(universe_file(settings)), Settings.from_env(settings).yahoo, stocks)


def show_plan(stack: Stack, stocks: int | None = None) -> None:
    for line in plan_of(stack, stocks):
        say(line)


def show_plan_of_containers(stocks: int | None) -> None:
    """Print the plan from within a container, which has its settings."""
    for line in plan(load(universe_file()), Settings.from_env(os.environ).yahoo, stocks):
        say(line)
