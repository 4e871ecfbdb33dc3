"""What day it is at the source of prices."""

from datetime import UTC, date, datetime

import pytest

import yahoo_server as replies
from collector.source_clock import last_session
from utils.errors import SourceUnavailable


def test_a_market_server_has_a_clock_of_its_own() -> None:
    with replies.serving() as server:
        server.tell("/health", replies.Reply(200, "{}"))
        server.now = datetime(2025, 12, 1, 20, 59, tzinfo=UTC)
        assert last_session(server.url) == date(2025, 11, 28)
        server.now = datetime(2025, 12, 1, 21, 0, tzinfo=UTC)
        assert last_session(server.url) == date(2025, 12, 1)


def test_one_that_is_not_there_is_named() -> None:
    address = f"http://127.0.0.1:{replies.unused_port()}"

    with pytest.raises(SourceUnavailable, match=rf"^{address} \(YAHOO_BASE_URL\) does not answer: "):
        last_session(address)


def test_one_that_does_not_say_what_time_it_is() -> None:
    with replies.serving() as server:
        server.tell("/health", replies.Reply(200, "{}", {"Date": "noon"}))

        with pytest.raises(SourceUnavailable, match="does not say what time it is"):
            last_session(server.url)
