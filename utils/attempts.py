"""Slow down whoever guesses a password."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

FREE = 3  # a person mistypes
LONGEST_WAIT_SECONDS = 60.0
FORGOTTEN_SECONDS = 900.0
# So that nobody can fill the memory from many addresses: whoever failed longest ago is forgotten first.
REMEMBERED = 10_000


@dataclass
class _Failures:
    count: int
    latest: float


class Attempts:
    """Counts wrong passwords by network. After some that are free each is followed by twice the wait, up to a minute.

    clock: in seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, free: int = FREE) -> None:
        self._clock = clock
        self._free = free
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def left(self, address: str) -> float:
        """Return the seconds until this address may try, or 0 when it may now."""
        if not self._failures:
            return 0.0
        with self._lock:
            known, now = self._failures.get(_network(address)), self._clock()
            return self._left(known, now) if known else 0.0

    def begin(self, address: str) -> float:
        """Return the seconds until this address may try, or 0 when it may now.

        An attempt that may be made counts as failed until `succeeded`, so that many at once are not free.
        """
        key, now = _network(address), self._clock()
        with self._lock:
            known = self._failures.get(key)
            if known and now - known.latest > FORGOTTEN_SECONDS:
                known = None
            if known and (left := self._left(known, now)):
                return left
            self._failures[key] = _Failures(known.count + 1 if known else 1, now)
            self._failures.move_to_end(key)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)
        return 0.0

    def _left(self, known: _Failures, now: float) -> float:
        return max(known.latest + self._wait(known.count) - now, 0.0)

    def _wait(self, failures: int) -> float:
        # Of a large power the minimum is not worth computing.
        doubled = min(failures - self._free, 10)
        return min(2.0**doubled, LONGEST_WAIT_SECONDS) if doubled >= 0 else 0.0

    def succeeded(self, address: str) -> None:
        """Forget what failed from this address."""
        if not self._failures:
            return
        with self._lock:
            self._failures.pop(_network(address), None)


def _network(address: str) -> str:
    """Return whom an address belongs to: of version 6 a household has 2**64.

    >>> _network("192.0.2.7"), _network("2001:db8::1:2"), _network("")
    ('192.0.2.7', '2001:db8::/64', '')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address
