"""Speak Yahoo Finance's protocol from an invented or a recorded market, so that the real client runs without Yahoo."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import uvicorn
from uvicorn.protocols.http import h11_impl

from market.app import create_app
from market.clock import REAL, MarketClock
from market.faults import Faults, read_faults
from market.history import HistoricalMarket
from market.invented import DEFAULT_SEED, DEFAULT_SESSIONS, LARGEST_HOLDINGS, InventedMarket
from market.recorded import RecordedMarket
from market.roster import roster_of
from market.securities import COMPANIES, FUNDS
from market.state import MarketState
from utils.dates import last_closed_session, parse_date, session_before, sessions_of
from utils.errors import ActstockError, InvalidInput
from utils.logging_utils import configure_logging
from utils.web_safety import is_loopback

log = logging.getLogger("market-server")

DEFAULT_PORT = 8090
USAGE_ERROR = 2
DENIED = 999
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the market server from the shell."""
    options = _parser().parse_args(arguments)
    configure_logging(logging.DEBUG if options.verbose else logging.INFO)
    try:
        token = _token(options.host)
        state = _state(options)
        listener = _listen(options.host, options.port)
        _announce(state, options)
        _serve(state, listener, token)
    except ActstockError as error:
        print(f"market-server: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m market.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=_default_port(), help="port to listen on (%(default)s)")
    parser.add_argument("--market", type=Path, metavar="DIR", help="a recorded market: a folder of CSV files")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of the invented market (%(default)s)")
    parser.add_argument(
        "--etfs", type=int, metavar="N", help=f"of the invented market ({len(FUNDS)}); more are made up"
    )
    parser.add_argument(
        "--stocks", type=int, metavar="N", help=f"of the invented market ({len(COMPANIES)}); more are made up"
    )
    parser.add_argument(
        "--holdings",
        type=int,
        default=LARGEST_HOLDINGS,
        metavar="N",
        help="how many holdings of a fund the invented market lists (%(default)s, as Yahoo does)",
    )
    parser.add_argument("--until", metavar="DATE", help="last session of the invented market (the last one closed)")
    parser.add_argument(
        "--clock",
        metavar="MOMENT",
        help="answer as of then: 2026-08-21T20:30:00Z, 2026-08-21 (just after that session's close) or 'real' "
        "(just after the last session's close)",
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="faults to begin with: JSON list, TOML [[faults]]")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser


def _default_port() -> int:
    return DEFAULT_PORT + int(os.environ.get("ACTSTOCK_PORT_OFFSET") or 0)


def _token(host: str) -> str:
    """Return what /control asks for. Whoever starts a server by hand, for this machine alone, needs none."""
    token = os.environ.get("MARKET_TOKEN", "")
    if not token and not is_loopback(host):
        raise InvalidInput(f"MARKET_TOKEN is not set: whoever reaches {host} could set the clock and the faults")
    return token


def _state(options: argparse.Namespace) -> MarketState:
    market = RecordedMarket(options.market) if options.market else _invented(options)
    clock = MarketClock(market.sessions)
    if options.clock:
        clock.set(options.clock)
    faults = Faults(market)
    for fault in read_faults(options.faults) if options.faults else []:
        faults.add(fault)
    return MarketState.of(market, clock, faults)


def _invented(options: argparse.Namespace) -> InventedMarket:
    end, sessions = _end_of(options)
    roster = roster_of(options.etfs, options.stocks)
    return InventedMarket(options.seed, end, sessions, roster, options.holdings)


def _end_of(options: argparse.Namespace) -> tuple[date, int]:
    """Return the last session of the invented market and how many it has.

    On the real clock it goes on while the server runs, as far as the exchange calendar does.
    """
    if options.until:
        return parse_date(options.until), DEFAULT_SESSIONS
    closed = last_closed_session(datetime.now(UTC))
    if options.clock != REAL:
        return closed, DEFAULT_SESSIONS
    days = sessions_of().days
    end = session_before(days[-1], 1)
    return end, DEFAULT_SESSIONS + days.index(end) - days.index(closed)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InvalidInput(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def _announce(state: MarketState, options: argparse.Namespace) -> None:
    origin = f"recorded in {options.market}" if options.market else f"invented from seed {options.seed}"
    clock = "the real clock" if state.clock.is_real else f"the clock at {state.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    market: HistoricalMarket = state.market
    log.info("%s: %s; %s; on http://%s:%d", origin, market.describe(), clock, options.host, options.port)


def _serve(state: MarketState, listener: socket.socket, token: str) -> None:
    h11_impl.STATUS_PHRASES[DENIED] = b""  # Yahoo's own status, which no list of the standard's has
    config = uvicorn.Config(
        create_app(state, token),
        http="h11",
        date_header=False,  # the date is the market clock's
        server_header=False,
        access_log=False,
        log_config=None,
        log_level=logging.WARNING,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
