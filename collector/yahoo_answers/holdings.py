"""Read a fund's list of holdings."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from collector.yahoo_answers.envelope import Refusal
from collector.yahoo_answers.model import FundHolding
from collector.yahoo_answers.values import LONGEST_NAME, plain_number
from config.exchanges import RATE, TICKER, class_share
from utils.messages import SHARE_LIMIT
from utils.reasons import Reason, reason
from utils.text import printable

MONEY_MARKET_FUND = re.compile("[A-Z]{3}XX")  # as all of the United States' are called
# Names of cash, and of the funds that hold it for others.
CASH = re.compile(
    r"(net |other |[a-z]{3} )?cash(( and| &|/)? ?(other|equivalents?|cash equivalents?|receivables?|payables?))*"
    r"( collateral| offset| component)?( [a-z]{3})?|(u\.?s\.? |united states )?dollars?( cash)?"
    r"|.*\b(cash (funds?|management|reserves?)|money market|liquid reserves|government (&|and) agency portfolio)\b.*"
    r"|.*\b(t-?bills?|treasury bills?|[0-9]+-[0-9]+ month (u\.?s\.? )?treasury)\b.*"
    r"|((canadian|australian|new zealand|hong kong|singapore|(new )?taiwan(ese)?( new)?) dollars?|euros?|japanese yen"
    r"|(british )?pounds? sterling|british pounds?|swiss francs?|(south )?korean won|chinese (yuan|renminbi)"
    r"|(swedish|norwegian|danish) kron(a|e|or|er)|indian rupees?|brazilian reals?|mexican pesos?|south african rand"
    r"|israeli (new )?she(k|q)els?|polish zloty)( cash)?",
    re.IGNORECASE,
)
# What a fund holds beside shares, as its symbol tells. On the home exchange no share's begins with a digit.
NO_SHARE = re.compile(
    r"\^.+"  # an index
    r"|.+=F|[A-Z]{1,4}[FGHJKMNQUVXZ][0-9]{1,2}"  # a future: ES=F at Yahoo, ESZ6 at the exchange
    r"|[A-Z]{1,6}[0-9]{6}[CP][0-9]{8}"  # an option
    r"|[0-9][0-9A-Z]*"  # a bond or bill: the CUSIP or the beginning of it
)
# Of the parts of a fund as fractions, borrowed money included: the sum without the largest one, and the median.
LARGEST_REST = 3.0
LARGEST_MEDIAN = 0.3


def holdings_from_summary(summary: Mapping[str, Any]) -> tuple[list[FundHolding], list[Reason]]:
    """Return the long positions of a topHoldings module that have a ticker, largest first, and notes.

    The notes say what was left out, added up or converted.
    """
    module = summary.get("topHoldings")
    if module is None:
        return [], [reason("no_list")]
    listed = module.get("holdings") or []
    if not isinstance(listed, list):
        raise Refusal("no list of holdings", f"Yahoo's list of holdings cannot be used: {listed!r:.50}")
    notes: list[Reason] = []
    held: dict[str, FundHolding] = {}
    lines = [_read_line(item) for item in listed]
    if _is_in_percent(line for line in lines if isinstance(line, FundHolding)):
        lines = [replace(line, percent=line.percent / 100) if isinstance(line, FundHolding) else line for line in lines]
        notes.append(reason("in_percent"))
    for holding in lines:
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


def _is_in_percent(held: Iterable[FundHolding]) -> bool:
    """Tell whether the shares of a list are percentages.

    As fractions they would be several times the fund, whichever of them is odd. Of a few small ones nobody can tell.
    """
    shares = list({holding.ticker: holding.percent for holding in held}.values())
    rest = sum(shares) - max(shares, default=0.0)
    return rest > LARGEST_REST and median(shares) > LARGEST_MEDIAN and sum(shares) / 100 < LARGEST_REST


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
    if not re.fullmatch(TICKER, ticker):
        return reason("no_ticker", name=called)
    if NO_SHARE.fullmatch(ticker):
        return reason("no_share", name=called)
    if ticker.endswith(RATE) or MONEY_MARKET_FUND.fullmatch(ticker) or (name and CASH.fullmatch(name)):
        return reason("cash", name=called)
    if share is None or not 0 < share < SHARE_LIMIT:
        return reason("untrue_share", name=called, share=share)
    return FundHolding(class_share(ticker) or ticker, name, share)
