"""Find out whether the source itself is out, by the tickers in a row that fail for one kind of request."""


class Breaker:
    """The count of tickers in a row that failed. Beyond its limit the source itself is suspected."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self.kinds: set[str] = set()

    def expects(self, kind: str) -> bool:
        """Tell whether a ticker of this row failed in the same way, so that a second try has little hope."""
        return kind in self.kinds

    def failed(self, kind: str) -> bool:
        """Note a ticker's failure, and return True when it is one too many.

        >>> breaker = Breaker(2)
        >>> [breaker.failed(kind) for kind in ("HTTP 5xx", "HTTP 403", "HTTP 5xx")]
        [False, False, True]
        """
        self._count += 1
        self.kinds.add(kind)
        return self._count > self._limit

    def cleared(self) -> None:
        """Start the count again, as the source turned out to be there. Keep what is expected."""
        self._count = 0

    def answered(self) -> None:
        """End the row, as a ticker was answered."""
        self._count = 0
        self.kinds.clear()
