"""Daily ETF bars as a market would have them: what producer and consumer are measured with."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random

from utils.messages import EtfDailyBar

SESSIONS_A_TICKER = 260
FIRST_DAY = date(2024, 1, 1)
FETCHED_AT = datetime(2026, 8, 21, 21, 30, 12, 345678, tzinfo=UTC)
ANSWER_DIGEST = "5a" * 32
RUN_ID = "2026-08-21__manual__2026-08-21T21:30:00.123456+00:00"


def bars(count: int, seed: int = 1) -> list[EtfDailyBar]:
    """Return that many bars, one ticker's history after another, with keys of their own and unrounded prices."""
    return list(islice((bar for history in histories(seed) for bar in history), count))


def answers(count: int, seed: int = 1) -> Iterator[list[EtfDailyBar]]:
    """Yield that many bars, each ticker's by themselves, as the source's answers bring them."""
    left = count
    for history in histories(seed):
        part = list(islice(history, left))
        left -= len(part)
        if part:
            yield part
        if not left:
            return


def histories(seed: int) -> Iterator[Iterator[EtfDailyBar]]:
    """Yield one ticker after another, without end."""
    random, number = Random(seed), 0
    while True:
        yield _history(f"E{number}", random)
        number += 1


def _history(ticker: str, random: Random) -> Iterator[EtfDailyBar]:
    previous = random.uniform(20, 600)
    for day in range(SESSIONS_A_TICKER):
        opened = previous * random.gauss(1, 0.004)
        close = opened * random.gauss(1, 0.01)
        yield EtfDailyBar(
            ticker=ticker,
            trade_date=FIRST_DAY + timedelta(days=day),
            open_price=opened,
            high_price=max(opened, close) * random.uniform(1, 1.01),
            low_price=min(opened, close) * random.uniform(0.99, 1),
            close_price=close,
            adj_close=close * 0.987654321,
            volume=random.randrange(1_000_000, 90_000_000),
            previous_close=previous,
            fetched_at=FETCHED_AT,
            source="simulated",
            run_id=RUN_ID,
            answer_digest=ANSWER_DIGEST,
        )
        previous = close
