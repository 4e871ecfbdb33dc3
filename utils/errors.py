"""Everything the platform raises on purpose.

ActstockError
├── InvalidInput           the caller asked for something that cannot be: not worth a retry
│   ├── NotASession        a date on which the exchange was closed, or that is not over yet
│   ├── UnknownTicker      neither the source nor the database knows the symbol
│   ├── UnknownExchange    a ticker's suffix that no calendar is known for
│   └── UnknownSector      no stock is of that sector
├── InvalidMessage         a Kafka message that breaks its contract: goes to logs_consumer_error
├── SourceUnavailable      Yahoo did not answer as it should: worth a retry later
│   ├── RateLimited        Yahoo said 429, or the gate is shut because it did
│   ├── UnusableAnswer     one ticker's answer cannot be used; the source itself is there, so the run goes on
│   └── BarMissing         the session is over, but its bar is not there (yet)
├── BrokerUnavailable      Kafka cannot be reached or did not acknowledge
├── DatabaseUnavailable    Postgres cannot be reached
├── NotStored              what was sent is not (all) in Postgres
│   └── Rejected           the consumers have seen it and did not store it: logs_consumer_error says why
└── NotPublished           an earlier stage has not published what this one reads
"""


class ActstockError(Exception):
    """Base: str(error) says what happened, where, and what to do."""

    retryable = True


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


class DatabaseUnavailable(ActstockError):
    pass


class NotStored(ActstockError):
    pass


class Rejected(NotStored):
    pass


class NotPublished(ActstockError):
    pass


# What is wrong at one ticker alone: it is noted as that ticker's state, and the run goes on.
TICKER_TROUBLE = (UnknownTicker, UnknownExchange, UnusableAnswer)
