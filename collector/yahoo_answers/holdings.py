"""Read a fund's list of holdings."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collector.yahoo_answers.envelope import Refusal
from collector.yahoo_answers.model import FundHolding
from collector.yahoo_answers.values import LONGEST_NAME, LONGEST_TICKER, plain_number
from config.exchanges import RATE
from utils.messages import SHARE_LIMIT
from utils.reasons import Reason, reason
from utils.text import printable

TICKER = re.compile(r"[A-Za-z0-9^.&=_-]+")
MONEY_MARKET_FUND = re.compile("[A-Z]{3}XX")  # as all of the United States' are called
# Names of cash, and of the funds that hold it for others.
CASH = re.compile(
    r"(net |other |[a-z]{3} )?cash(( and| &|/)? ?(other|equivalents?|cash equivalents?|receivables?|payables?))*"
    r"( collateral| offset| component)?( [a-z]{3})?|(u\.?s\.? |united states )?dollars?( cash)?"
    r"|.*\b(cash (funds?|management|reserves?)|money market|liquid reserves|government (&|and) agency portfolio)\b.*",
    re.IGNORECASE,
)


def holdings_from_summary(summary: Mapping[str, Any]) -> tuple[list[FundHolding], list[Reason]]:
    """Return the long positions of a topHoldings module that have a ticker, largest first, and notes.

    The notes say what was left out or added up.
    """
    module = summary.get("topHoldings")
    if module is None:
        return [], [reason("no_list")]
    listed = module.get("holdings") or []
    if not isinstance(listed, list):
        raise Refusal("no list of holdings", f"Yahoo's list of holdings cannot be used: {listed!r:.50}")
    notes: list[Reason] = []
    held: dict[str, FundHolding] = {}
    for item in listed:
        holding = _read_line(item)
        if isinstance(holding, Reason):
            notes.append(holding)
        elif (before := held.get(holding.ticker)) is None:
            held[holding.ticker] = holding
        elif (share := before.percent + holding.percent) < SHARE_LIMIT:
            notes.append(reason("added_up", ticker=holding.ticker))
            held[holding.ticker] = replace(before, percent=share)
        else:
            notes.append(reason("untrue_share", name=holding.ticker, share=share))
    if not listed:
        notes.append(reason("empty_list"))
    return sorted(held.values(), key=lambda holding: (-holding.percent, holding.ticker)), notes


def _read_line(item: Any) -> FundHolding | Reason:
    """Return one line as a holding, or why it is left out."""
    if not isinstance(item, dict):
        return reason("line_left_out", line=f"{item!r:.50}")
    ticker = str(item.get("symbol") or "").strip()
    name = printable(str(item.get("holdingName") or ""), LONGEST_NAME) or None
    share = plain_number(item.get("holdingPercent"))
    called = printable(ticker or name or "a line without a name", 60)
    if not ticker:
        return reason("without_symbol", name=called)
    if len(ticker) > LONGEST_TICKER or not TICKER.fullmatch(ticker):
        return reason("no_ticker", name=called)
    if ticker.endswith(RATE) or MONEY_MARKET_FUND.fullmatch(ticker) or (name and CASH.fullmatch(name)):
        return reason("cash", name=called)
    if share is None or not 0 < share < SHARE_LIMIT:
        return reason("untrue_share", name=called, share=share)
    return FundHolding(ticker, name, share)
