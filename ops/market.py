"""The market server of a running stack: which session is the last one there."""

import json
import urllib.request
from datetime import date, datetime

from utils.dates import last_closed_session

TIMEOUT_SECONDS = 10
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def last_session(market_url: str) -> date:
    """The last session that is over by the market's own clock."""
    with _open(f"{market_url}/control/clock", timeout=TIMEOUT_SECONDS) as answer:
        now = datetime.fromisoformat(json.load(answer)["at"])
    return last_closed_session(now)
