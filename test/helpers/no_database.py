"""A pool of an API whose database is away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from utils.errors import DatabaseUnavailable
from utils.reasons import reason


class NoDatabase:
    """A pool whose database is away."""

    in_use = 0
    limit = 10

    @contextmanager
    def connection(self) -> Iterator[Any]:
        raise DatabaseUnavailable(reason("database_unusable", server="nowhere:1/none", error="nobody is there"))
        yield

    def read(self, query: Callable[[Any], Any]) -> Any:
        with self.connection() as conn:
            return query(conn)

    def write(self, change: Callable[[Any], Any]) -> Any:
        return self.read(change)

    def close(self) -> None:
        pass
