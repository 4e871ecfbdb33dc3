"""What the running market server keeps: its market, clock, faults and a count of what it was asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from market.clock import MarketClock
from market.faults import Faults, FaultyMarket
from market.history import HistoricalMarket
from market.noise import Noise
from market.refusals import Endpoint


@dataclass
class RequestCounts:
    """What a run cost: Yahoo requests by endpoint, by endpoint and ticker, and by the status they got."""

    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_ticker: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)

    def count(self, endpoint: Endpoint, tickers: Sequence[str], status: int) -> None:
        self.by_endpoint[endpoint] += 1
        self.by_status[str(status)] += 1
        self.by_ticker.update((endpoint, ticker) for ticker in tickers)

    def clear(self) -> None:
        for counter in (self.by_endpoint, self.by_ticker, self.by_status):
            counter.clear()

    def described(self) -> dict[str, Any]:
        tickers: dict[str, dict[str, int]] = {}
        for (endpoint, ticker), count in sorted(self.by_ticker.items()):
            tickers.setdefault(endpoint, {})[ticker] = count
        return {
            "total": self.by_endpoint.total(),
            "by_endpoint": dict(self.by_endpoint),
            "by_ticker": tickers,
            "by_status": dict(self.by_status),
        }


@dataclass
class MarketState:
    """`visible` is the market as its faults let it be seen. Recorded answers are without noise until it is set."""

    market: HistoricalMarket
    clock: MarketClock
    faults: Faults
    counts: RequestCounts
    visible: FaultyMarket
    noise: Noise

    @classmethod
    def of(cls, market: HistoricalMarket, clock: MarketClock, faults: Faults) -> "MarketState":
        noise = Noise(is_on=market.label == "simulated")
        return cls(market, clock, faults, RequestCounts(), FaultyMarket(market, faults), noise)


async def _state_of(request: Request) -> MarketState:
    state: MarketState = request.app.state.market
    return state


State = Annotated[MarketState, Depends(_state_of)]
