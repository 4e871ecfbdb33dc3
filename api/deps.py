"""The words the routes are written in."""

from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from typing import Annotated, NamedTuple, get_args

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from api.formats import LIST, Format, FormatName
from api.pool import ReaderPool
from api.responder import Responder
from config.config import Settings
from config.exchanges import TICKER
from config.periods import MONTHLY, MONTHLY_PERIOD
from config.universe import universe
from contract.orders import POSITIONS
from database.queries import paging
from utils.dates import ISO_DATE, sessions_of
from utils.errors import InvalidInput, UnknownTicker
from utils.reasons import Reason, reason

SYMBOL = rf"^{TICKER}$"
DIGEST = r"^[0-9a-f]{64}$"
CHAIN = r"^[a-z_]+$"
SECTOR = r"^[A-Za-z][A-Za-z &-]*$"
WRITTEN = {
    SYMBOL: reason("a_ticker"),
    SECTOR: reason("a_sector"),
    CHAIN: reason("a_chain"),
    DIGEST: reason("a_digest"),
    POSITIONS: reason("some_positions"),
}
MAX_ROWS = 1000
# Of rows that are short. A year of three portfolios with ten positions each has 7,500.
MAX_LONG_ROWS = 20_000
MAX_OFFSET = 10_000_000
NAMED_ETFS = 50  # a refusal names so many; of a larger universe those that are spelt alike


def _iso(text: object) -> object:
    """Only ISO dates: pydantic alone would take 0 for the first day of 1970."""
    if isinstance(text, str) and not ISO_DATE.fullmatch(text):
        raise ValueError(reason("no_date", text=repr(text)))
    return text


Day = Annotated[date, BeforeValidator(_iso)]


class Days(NamedTuple):
    """A range of days, both included; None: no bound."""

    start: date | None
    end: date | None


def _one_of(kind: str, choices: Iterable[object]) -> WithJsonSchema:
    """Describe a parameter that may be left out as a choice, without null: /docs then offers a list."""
    return WithJsonSchema({"type": kind, "enum": list(choices)})


# Async although they await nothing: FastAPI takes a plain function to a thread, which costs more than the rest.
async def _pool(request: Request) -> ReaderPool:
    pool: ReaderPool = request.app.state.pool
    return pool


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _responder(request: Request) -> Responder:
    return Responder(request)


async def _list_responder(
    request: Request,
    wanted: Annotated[
        FormatName | None,
        _one_of("string", get_args(FormatName)),
        Query(alias="format", description="Goes before the Accept header, for browsers"),
    ] = None,
) -> Responder:
    return Responder(request, LIST, Format(wanted) if wanted else None)


async def _days(
    start: Annotated[Day | None, Query(alias="from", description="First day (YYYY-MM-DD)")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last day, included")] = None,
) -> Days:
    if start and end and start > end:
        raise InvalidInput(reason("range_backwards", start=start, end=end))
    return Days(start, end)


async def _page(
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="At most this many entries")] = 100,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Entries to leave out before them")] = 0,
) -> paging.Page:
    return paging.Page(limit, offset)


async def _long_page(
    limit: Annotated[int, Query(ge=1, le=MAX_LONG_ROWS, description="At most this many rows")] = 10_000,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Rows to leave out before them")] = 0,
) -> paging.Page:
    return paging.Page(limit, offset)


def _known_period(days: int) -> int:
    if days not in universe().periods:
        raise ValueError(reason("choose_sessions", allowed=universe().periods))
    return days


def _followed_period(days: int) -> int:
    if days not in FOLLOWED:
        raise ValueError(reason("choose", allowed=FOLLOWED))
    return days


def _known_portfolio(period: str) -> str:
    if period not in PORTFOLIOS:
        raise ValueError(reason("choose", allowed=PORTFOLIOS))
    return period


def _session(day: date | None) -> date | None:
    if day:
        sessions_of().position(day)
    return day


def _no_etf(ticker: str) -> Reason:
    """Name all ETFs where they are few, else those that are spelt like it."""
    etfs = sorted(universe().etfs)
    if len(etfs) <= NAMED_ETFS:
        return reason("no_such_etf", ticker=ticker, etfs=etfs)
    if alike := get_close_matches(ticker.upper(), etfs, n=5, cutoff=0.5):
        return reason("no_etf_but_alike", ticker=ticker, count=len(etfs), alike=alike)
    return reason("no_such_etf_of_many", ticker=ticker, count=len(etfs))


def known_etf(ticker: str) -> str:
    if ticker.upper() not in universe().etfs:
        raise UnknownTicker(_no_etf(ticker))
    return ticker.upper()


Pool = Annotated[ReaderPool, Depends(_pool)]
Configured = Annotated[Settings, Depends(_settings)]
Respond = Annotated[Responder, Depends(_responder)]
RespondList = Annotated[Responder, Depends(_list_responder)]
Between = Annotated[Days, Depends(_days)]
Page = Annotated[paging.Page, Depends(_page)]
LongPage = Annotated[paging.Page, Depends(_long_page)]
Period = Annotated[
    int,
    AfterValidator(_known_period),
    Query(
        description="Sessions the return is taken over",
        # JSON Schema's enum, so that a client knows the choices; the check above words the refusal.
        json_schema_extra={"enum": list(universe().periods)},
    ),
]
OnePeriod = Annotated[
    Annotated[int, AfterValidator(_known_period)] | None,
    _one_of("integer", universe().periods),
    Query(description="Of this period alone; of every one when left out"),
]
FOLLOWED = (MONTHLY_PERIOD, *universe().periods)
FollowedPeriod = Annotated[
    Annotated[int, AfterValidator(_followed_period)] | None,
    _one_of("integer", FOLLOWED),
    Query(description="Of this portfolio alone, 0 for the monthly one; of every one when left out"),
]
PeriodPart = Annotated[
    int,
    AfterValidator(_known_period),
    Path(
        description="Sessions the return is taken over",
        examples=[20],
        json_schema_extra={"enum": list(universe().periods)},
    ),
]
PORTFOLIOS = (*map(str, universe().periods), MONTHLY)
PortfolioChoice = Annotated[
    str,
    AfterValidator(_known_portfolio),
    Query(description="Of which portfolio", json_schema_extra={"enum": list(PORTFOLIOS)}),
]
AsOf = Annotated[
    Day | None,
    AfterValidator(_session),
    Query(description="Session (YYYY-MM-DD); the newest one when left out"),
]
SessionPart = Annotated[
    Day, AfterValidator(_session), Path(description="Session (YYYY-MM-DD)", examples=["2026-08-21"])
]
RebalancePart = Annotated[Day, Path(description="Rebalance date (YYYY-MM-DD)", examples=["2026-07-26"])]
_Ticker = Path(
    pattern=SYMBOL, max_length=20, description="Ticker as Yahoo writes it", examples=["NVDA", "005930.KS", "KRW=X"]
)
Symbol = Annotated[str, _Ticker, AfterValidator(str.upper)]
SymbolChoice = Annotated[
    Annotated[str, AfterValidator(str.upper)] | None,
    Query(pattern=SYMBOL, max_length=20, description="A position; the first one when left out"),
]
Etf = Annotated[
    str,
    Path(pattern=SYMBOL, max_length=20, description="An ETF of the universe", examples=["QQQ"]),
    AfterValidator(known_etf),
]
Sector = Annotated[
    str, Path(pattern=SECTOR, max_length=60, description="A sector, as /sectors names it", examples=["Technology"])
]
Chain = Annotated[
    str, Path(pattern=CHAIN, max_length=63, description="/evidence/head names them", examples=["publications"])
]
Position = Annotated[int, Path(ge=1, le=2**63 - 1, description="1, 2, 3 and so on, without gaps", examples=[1])]
Digest = Annotated[str, Path(pattern=DIGEST, description="SHA-256, in hexadecimal digits", examples=["e3b0c442" * 8])]
