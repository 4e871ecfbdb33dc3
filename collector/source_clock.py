"""What day it is at the source of prices: Yahoo's is ours, a market server has a clock of its own."""

import urllib.error
import urllib.request
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from utils.dates import last_closed_session
from utils.errors import SourceUnavailable

TIMEOUT_SECONDS = 10
# The server is a neighbour: a proxy of the environment has no business here.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def last_session(base_url: str) -> date:
    """Return the last session that is over by the source's own clock.

    base_url: the setting YAHOO_BASE_URL.
    """
    return last_closed_session(now(base_url))


def now(base_url: str) -> datetime:
    """Return the source's own time."""
    return _served_now(base_url) if base_url else datetime.now(UTC)


def _served_now(base_url: str) -> datetime:
    try:
        with _open(f"{base_url}/health", timeout=TIMEOUT_SECONDS) as answer:
            said: str = answer.headers["Date"]
        return parsedate_to_datetime(said)
    except urllib.error.URLError as error:
        raise SourceUnavailable(f"{base_url} (YAHOO_BASE_URL) does not answer: {error.reason}") from None
    except (OSError, HTTPException, TypeError, ValueError) as error:
        raise SourceUnavailable(f"{base_url} (YAHOO_BASE_URL) does not say what time it is: {error}") from None
