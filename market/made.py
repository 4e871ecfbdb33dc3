"""Values that are made when they are asked for, so that a market of thousands of tickers starts at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")


class Made(Mapping[str, T]):
    """Values by name. Of those that were made the last `kept` ones are kept, or all."""

    def __init__(self, names: Iterable[str], make: Callable[[str], T], kept: int | None = None) -> None:
        self._names = dict.fromkeys(names)
        self._make = lru_cache(maxsize=kept)(make)

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
