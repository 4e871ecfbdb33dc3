"""The published portfolios as tables, read through the API."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import httpx
from rich.table import Table

from config.universe import universe
from ops.console import console, say
from ops.errors import NotRunning, RunFailed

TIMEOUT_SECONDS = 10.0
# What fits a terminal. They come with the largest weight first.
POSITIONS_AT_MOST = 20
ETFS_AT_MOST = 4


def show(api_url: str, api_key: str, as_of: date) -> None:
    """Print the three portfolios of a session."""
    with httpx.Client(
        base_url=api_url, headers={"X-API-Key": api_key}, timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        for days in sorted(universe().periods, reverse=True):
            _print(_portfolio(client, days, as_of))


def _portfolio(client: httpx.Client, days: int, as_of: date) -> dict[str, Any]:
    try:
        answer = client.get("/stocks/portfolio", params={"period_days": days, "as_of_date": as_of.isoformat()})
    except httpx.HTTPError as error:
        raise NotRunning(f"the API at {client.base_url} does not answer ({error}): ./start.sh logs api") from None
    if answer.is_error:
        raise RunFailed(
            f"the API has no {days}-day portfolio of {as_of}: HTTP {answer.status_code} {answer.text[:200]}"
        )
    found: dict[str, Any] = answer.json()
    return found


def _print(portfolio: Mapping[str, Any]) -> None:
    title = f"{portfolio['period_days']}-day portfolio of {portfolio['as_of_date']} ({portfolio['source']} prices)"
    if not portfolio["positions"]:
        say(f"\n{title}: {portfolio['status'].replace('_', ' ')}. {portfolio['reason'] or ''}")
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    table.add_column("ticker")
    table.add_column("company", no_wrap=True, max_width=28)
    table.add_column("weight", justify="right")
    table.add_column("return", justify="right")
    table.add_column("market cap", justify="right")
    table.add_column("chosen by")
    shown, others = portfolio["positions"][:POSITIONS_AT_MOST], portfolio["positions"][POSITIONS_AT_MOST:]
    for position in shown:
        table.add_row(*_cells(position))
    say()
    console.print(table)
    if others:
        weight = sum(position["portfolio_weight"] for position in others)
        say(f"and {len(others)} more, {weight:.1%} together: see the dashboard")


def _cells(position: Mapping[str, Any]) -> list[str]:
    etfs = position["source_etfs"]
    return [
        position["ticker"],
        position["company_name"] or "",
        f"{position['portfolio_weight']:.1%}",
        f"{position['period_return']:+.1%}",
        f"${position['market_cap'] / 1e9:,.0f} bn",
        " ".join(etfs[:ETFS_AT_MOST]) + (f" +{len(etfs) - ETFS_AT_MOST}" if len(etfs) > ETFS_AT_MOST else ""),
    ]
