"""The machine a benchmark ran on: figures mean nothing without it."""

import os
import platform
from pathlib import Path

import psutil

GIB = 2**30


def describe() -> str:
    memory = psutil.virtual_memory()
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory.total / GIB:.1f} GB memory ({memory.available / GIB:.1f} GB available); {load()}"
    )


def load() -> str:
    """Describe how busy the machine is. Above about half its cores, figures say more about the others."""
    one, five, _ = os.getloadavg()
    return f"load {one:.1f} over the last minute, {five:.1f} over five"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
