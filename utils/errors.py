"""All errors that the platform raises on purpose.

ActstockError
├── InvalidInput           the request cannot be met, and a retry cannot help
│   ├── NotASession        the exchange is closed on the date, or the session is not over yet
│   ├── UnknownTicker      neither the source nor the database has the symbol
│   ├── UnknownExchange    no calendar is known for a ticker's suffix
│   └── UnknownSector      no stock is of that sector
├── InvalidMessage         a Kafka message breaks its contract (it goes to logs_consumer_error)
├── SourceUnavailable      Yahoo did not answer as it should, and a later retry can help
│   ├── RateLimited        Yahoo answered 429, or the gate is still closed after a 429
│   ├── UnusableAnswer     one ticker's answer cannot be used (the run continues with the others)
│   └── BarMissing         the session is over, but the source has no bar of it (yet)
├── BrokerUnavailable      Kafka cannot be reached or did not acknowledge
│   └── BrokerRefused      Kafka does not take the login
├── DatabaseUnavailable    Postgres cannot be reached
├── NotStored              rows that are needed are not in Postgres
│   └── Rejected           a consumer refused a message (logs_consumer_error has the reason)
├── NotPublished           an earlier stage has not published what this one reads
│   └── UnknownEvidence    no such link, revision, weight or answer is kept as evidence
├── EvidenceChanged        what is kept as evidence is not what its digest was made of
└── AlertNotSent           a channel did not take a message
"""

from utils.reasons import Reason, reason

LONGEST_MESSAGE = 1000


class ActstockError(Exception):
    """The base of all. str(error) tells what happened, where, and what to do. Its `reason` is the same as data."""

    retryable = True

    def __init__(self, told: str | Reason = "") -> None:
        super().__init__(str(told))
        self.reason = told if isinstance(told, Reason) else reason("text", text=told)


class InvalidInput(ActstockError):
    retryable = False


class NotASession(InvalidInput):
    pass


class UnknownTicker(InvalidInput):
    pass


class UnknownExchange(InvalidInput):
    pass


class UnknownSector(InvalidInput):
    pass


class InvalidMessage(ActstockError):
    retryable = False


class SourceUnavailable(ActstockError):
    pass


class RateLimited(SourceUnavailable):
    pass


class UnusableAnswer(SourceUnavailable):
    pass


class BarMissing(SourceUnavailable):
    pass


class BrokerUnavailable(ActstockError):
    pass


class BrokerRefused(BrokerUnavailable):
    pass


class DatabaseUnavailable(ActstockError):
    pass


class NotStored(ActstockError):
    pass


class Rejected(NotStored):
    pass


class NotPublished(ActstockError):
    pass


class UnknownEvidence(NotPublished):
    pass


class EvidenceChanged(ActstockError):
    retryable = False


class AlertNotSent(ActstockError):
    pass


def reason_of(error: str | BaseException | None, is_for_readers: bool = False) -> Reason:
    """Return the reason that an error carries, else its first line, an exception's kind before it.

    is_for_readers: its words need no kind before them

    >>> str(reason_of(OSError("no space left\\nsee the log"))), str(reason_of(NotStored("no rows")))
    ('OSError: no space left', 'no rows')
    """
    if isinstance(carried := getattr(error, "reason", None), Reason):
        return carried
    message = next(iter(str(error or "").strip().splitlines()), "")[:LONGEST_MESSAGE]
    if isinstance(error, BaseException) and not is_for_readers:
        return reason("unexpected", kind=type(error).__name__, message=message)
    return reason("text", text=message) if message else reason("no_word")


# These concern one ticker only: they become its state in the ledger, and the run continues.
TICKER_TROUBLE = (UnknownTicker, UnknownExchange, UnusableAnswer)
