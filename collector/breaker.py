"""Whether the source itself is out: tickers in a row that fail alike, for one kind of request."""


class Breaker:
    """Counts them. Its limit is how many may; one more and the source is suspected."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kind = ""
        self._count = 0

    def expects(self, kind: str) -> bool:
        """Whether the last ticker failed just so: then a second try has little hope."""
        return kind == self._kind

    def failed(self, kind: str) -> bool:
        """Note a ticker's failure; True when it is one too many of the same kind.

        >>> breaker = Breaker(2)
        >>> [breaker.failed(kind) for kind in ("HTTP 403", "HTTP 5xx", "HTTP 5xx", "HTTP 5xx")]
        [False, False, False, True]
        """
        self._count = self._count + 1 if self.expects(kind) else 1
        self._kind = kind
        return self._count > self._limit

    def cleared(self) -> None:
        """The source turned out to be there: the count starts again, what is expected stays."""
        self._count = 0

    def answered(self) -> None:
        """A ticker was answered: the row ends."""
        self._kind, self._count = "", 0
