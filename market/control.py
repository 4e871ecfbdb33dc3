"""The market server's own endpoints: its clock, faults and noise, and what it was asked.

Requests here are not counted.
"""

import hmac
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, RootModel

from market.clock import MarketClock
from market.faults import Fault
from market.state import State
from utils.errors import InvalidInput

router = APIRouter()


async def token_needed(request: Request) -> None:
    """Refuse whoever does not have the token, if the server has one."""
    expected = f"Bearer {request.app.state.token}"
    given = request.headers.get("Authorization", "")
    if request.app.state.token and not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401, "send MARKET_TOKEN as a bearer token: Authorization: Bearer ...")


control = APIRouter(prefix="/control", dependencies=[Depends(token_needed)])


class ClockSetting(BaseModel):
    """A moment with its time zone, a session's date (just after its close), or "real"."""

    at: str


class FaultSetting(RootModel[Fault]):
    """One fault. `kind` says which."""


class NoiseSetting(BaseModel):
    """Whether every second answer about a ticker differs a little from the first though nothing has happened."""

    is_on: bool


class ClockState(BaseModel):
    at: datetime
    is_real: bool


class Status(BaseModel):
    source: str
    seed: int | None
    market: str
    first_session: date
    last_session: date
    clock: ClockState
    etfs: list[str]
    tickers: int
    restatements: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    noise: bool
    requests: dict[str, Any]


@router.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@control.get("/status")
async def status(state: State) -> Status:
    """Describe the market, its moment, and what is set."""
    market = state.market
    return Status(
        source=market.label,
        seed=market.seed,
        market=market.describe(),
        first_session=market.sessions[0],
        last_session=market.sessions[-1],
        clock=_clock_state(state.clock),
        etfs=list(market.etfs),
        tickers=len(market.tickers),
        restatements=[vars(one) for one in market.restatements],
        faults=state.faults.described(),
        noise=state.noise.is_on,
        requests=state.counts.described(),
    )


@control.get("/clock")
async def clock(state: State) -> ClockState:
    return _clock_state(state.clock)


@control.put("/clock")
@control.post("/clock", include_in_schema=False)
async def set_clock(state: State, setting: ClockSetting) -> ClockState:
    try:
        state.clock.set(setting.at)
    except InvalidInput as error:
        raise HTTPException(422, str(error)) from None
    return _clock_state(state.clock)


@control.get("/faults")
async def faults(state: State) -> list[dict[str, Any]]:
    return state.faults.described()


@control.post("/faults")
async def add_fault(state: State, setting: FaultSetting) -> list[dict[str, Any]]:
    """Add one fault. The answer lists all."""
    try:
        state.faults.add(setting.root)
    except InvalidInput as error:
        raise HTTPException(422, str(error)) from None
    return state.faults.described()


@control.delete("/faults")
async def clear_faults(state: State) -> list[dict[str, Any]]:
    state.faults.clear()
    return state.faults.described()


@control.get("/noise")
async def noise(state: State) -> NoiseSetting:
    return NoiseSetting(is_on=state.noise.is_on)


@control.put("/noise")
@control.post("/noise", include_in_schema=False)
async def set_noise(state: State, setting: NoiseSetting) -> NoiseSetting:
    """Switch the noise. Without it every answer is the market's truth.

    Switched on again, it begins with that one.
    """
    state.noise.set(setting.is_on)
    return setting


@control.get("/requests")
async def requests(state: State) -> dict[str, Any]:
    """List the Yahoo requests since the start or the last DELETE here."""
    return state.counts.described()


@control.delete("/requests")
async def forget_requests(state: State) -> dict[str, Any]:
    state.counts.clear()
    return state.counts.described()


def _clock_state(clock: MarketClock) -> ClockState:
    return ClockState(at=clock.now(), is_real=clock.is_real)
