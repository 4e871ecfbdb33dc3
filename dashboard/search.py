"""Find a ticker by what a reader types: its code in any spelling, or a company's name in English or Korean."""

import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dash import Dash
from flask import Response, jsonify, request

from dashboard import preferences
from dashboard.api_client import ApiClient
from dashboard.texts import Language
from dashboard.texts.company_names import KOREAN
from utils.errors import ActstockError

AT_MOST = 8
# Up to this rank an entry is just what was typed.
EXACT = 2
# Fewer letters are in the middle of nearly every name.
INSIDE_FROM = 3
LONGEST = 60
KEPT_SECONDS = 60.0
NO_SIGN = re.compile(r"[\s.,/&()'’-]+")


class Entry(NamedTuple):
    """What can be found. korean: its Korean name, empty where none is known."""

    ticker: str
    name: str
    korean: str = ""

    def name_in(self, language: Language) -> str:
        return self.korean if language == "ko" and self.korean else self.name


class Found(NamedTuple):
    entry: Entry
    is_exact: bool


def entries(client: ApiClient) -> list[Entry]:
    """Return every ETF and all that the newest lists of holdings name."""
    names = {each.ticker: each.description or "" for each in client.etf_list().etfs}
    for snapshot in client.snapshots().etfs:
        for holding in snapshot.holdings:
            names.setdefault(holding.stock_ticker, holding.stock_name or "")
    return [Entry(ticker, name, KOREAN.get(ticker, "")) for ticker, name in sorted(names.items())]


def find(known: Sequence[Entry], typed: str) -> list[Found]:
    """Return what a typed text may mean, the likeliest first.

    >>> known = [Entry("005930.KS", "Samsung Electronics", "삼성전자"), Entry("BRK-B", "Berkshire Hathaway Inc.")]
    >>> [find(known, typed)[0].entry.ticker for typed in ("brk.b", "005930", "삼성", "hathaway")]
    ['BRK-B', '005930.KS', '005930.KS', 'BRK-B']
    """
    wanted = _plain(typed)
    if not wanted:
        return []
    ranked = [(rank, entry) for entry in known if (rank := _rank(entry, wanted)) is not None]
    ranked.sort(key=lambda each: (each[0], len(each[1].ticker), each[1].ticker))
    return [Found(entry, rank <= EXACT) for rank, entry in ranked[:AT_MOST]]


def _plain(text: str) -> str:
    """Return a text without what spellings differ in.

    >>> _plain("BRK-B"), _plain("brk.b"), _plain(" SK 하이닉스")
    ('brkb', 'brkb', 'sk하이닉스')
    """
    return NO_SIGN.sub("", text[:LONGEST]).casefold()


def _rank(entry: Entry, wanted: str) -> int | None:
    """Return how well an entry fits, 0 best; None where it does not. Up to EXACT it is what was typed."""
    ticker, names = _plain(entry.ticker), [_plain(entry.name), _plain(entry.korean)]
    words = [_plain(word) for word in entry.name.split()]
    fits: Sequence[Callable[[], bool]] = (
        lambda: ticker == wanted,
        lambda: _plain(entry.ticker.partition(".")[0]) == wanted,
        lambda: wanted in names,
        lambda: ticker.startswith(wanted),
        lambda: any(name.startswith(wanted) for name in names),
        lambda: any(word.startswith(wanted) for word in words),
        lambda: len(wanted) >= INSIDE_FROM and any(wanted in name for name in names),
    )
    return next((rank for rank, is_so in enumerate(fits) if is_so()), None)


class _Directory:
    """The entries, asked for once a minute."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._known: list[Entry] = []
        self._until = 0.0

    def known(self) -> list[Entry]:
        if time.monotonic() >= self._until:
            self._known, self._until = entries(self._client), time.monotonic() + KEPT_SECONDS
        return self._known


def register(app: Dash, client: ApiClient) -> None:
    directory = _Directory(client)

    def suggestions() -> Response:
        """Return what the typed text may mean: ticker, name in the reader's language, and whether it is just that."""
        try:
            found = find(directory.known(), request.args.get("typed", ""))
        except ActstockError:
            found = []
        language = preferences.language()
        return jsonify(
            [{"ticker": entry.ticker, "name": entry.name_in(language), "exact": is_exact} for entry, is_exact in found]
        )

    app.server.add_url_rule("/suggestions", view_func=suggestions)
