"""Measure several ways of doing a thing side by side: in rounds, each measurement in a process of its own."""

import logging
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import TypeVar

from ops.bench.report import step
from utils.logging_utils import configure_logging

ROUNDS = 3

R = TypeVar("R")


def interleaved(
    ways: Mapping[str, Callable[[], R]], show: Callable[[R], str], rounds: int = ROUNDS
) -> dict[str, list[R]]:
    """Measure every way once a round, so that other load on the machine falls on all of them."""
    results: dict[str, list[R]] = {name: [] for name in ways}
    for number in range(1, rounds + 1):
        for name, measure in ways.items():
            results[name].append(measure())
            step(f"round {number} of {rounds}  {name}: {show(results[name][-1])}")
    return results


def medians(results: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: median(figures) for name, figures in results.items()}


def apart(function: Callable[..., R], *arguments: object) -> R:
    """Call it in a fresh process, like the service it stands for."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_be_quiet) as process:
        return process.submit(function, *arguments).result()


def _be_quiet() -> None:
    configure_logging(logging.ERROR)
