"""The market server's own endpoints: its clock, its faults, what it was asked. Requests here are not counted."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Request
from pydantic import BaseModel

from collector.market.faults import Fault
from utils.errors import InvalidInput

router = APIRouter()


class ClockSetting(BaseModel):
    """ "real", a moment with its time zone, or a session's date (just after its close)."""

    at: str


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
    requests: dict[str, Any]


@router.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/control/status")
async def status(request: Request) -> Status:
    """Which market this is, its moment, and what is set."""
    state = request.app.state.market
    market = state.market
    return Status(
        source=market.label,
        seed=getattr(market, "seed", None),
        market=market.describe(),
        first_session=market.sessions[0],
        last_session=market.sessions[-1],
        clock=_clock_state(request),
        etfs=list(market.etfs),
        tickers=len(market.tickers),
        restatements=[vars(one) for one in market.restatements],
        faults=state.faults.described(),
        requests=state.counts.described(),
    )


@router.get("/control/clock")
async def clock(request: Request) -> ClockState:
    return _clock_state(request)


@router.put("/control/clock")
@router.post("/control/clock", include_in_schema=False)
async def set_clock(request: Request, setting: ClockSetting) -> ClockState:
    try:
        request.app.state.market.clock.set(setting.at)
    except InvalidInput as error:
        raise HTTPException(422, str(error)) from None
    return _clock_state(request)


@router.get("/control/faults")
async def faults(request: Request) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = request.app.state.market.faults.described()
    return described


@router.post("/control/faults")
async def add_fault(request: Request, fault: Annotated[Fault, Body()]) -> list[dict[str, Any]]:
    """Add one fault; the answer lists all."""
    try:
        request.app.state.market.faults.add(fault)
    except InvalidInput as error:
        raise HTTPException(422, str(error)) from None
    return await faults(request)


@router.delete("/control/faults")
async def clear_faults(request: Request) -> list[dict[str, Any]]:
    request.app.state.market.faults.clear()
    return await faults(request)


@router.get("/control/requests")
async def requests(request: Request) -> dict[str, Any]:
    """Yahoo requests since the start or the last DELETE here."""
    described: dict[str, Any] = request.app.state.market.counts.described()
    return described


@router.delete("/control/requests")
async def forget_requests(request: Request) -> dict[str, Any]:
    request.app.state.market.counts.clear()
    return await requests(request)


def _clock_state(request: Request) -> ClockState:
    clock = request.app.state.market.clock
    return ClockState(at=clock.now(), is_real=clock.is_real)
