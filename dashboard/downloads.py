"""A view's tables as CSV files, with all digits, and the source's own answers."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from dash import Dash
from flask import Response, request

from contract.reasons import shown
from dashboard import preferences
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.refusals import EXPECTED
from dashboard.texts.reasons import reason_in
from dashboard.views import view_of
from utils.csv_text import guarded
from utils.errors import ActstockError, InvalidInput, NotPublished, UnknownTicker
from utils.reasons import reason
from utils.web_safety import CSP, NOTHING

# The more special kinds first.
_STATUSES: dict[type[ActstockError], int] = {UnknownTicker: 404, InvalidInput: 422, NotPublished: 404}


def register(app: Dash, client: ApiClient, periods: Sequence[int]) -> None:
    def download(name: str) -> Response:
        """Return a table of a view. The query is the view's own with its path."""
        query = request.args.to_dict()
        address = Address("/" + query.pop("path", "/").strip("/"), query.pop("subject", ""), query)
        page = preferences.page_of(address, periods)
        try:
            tables = view_of(address).tables
            if name not in tables:
                those = {"tables": list(tables)} if tables else {}
                raise InvalidInput(reason("no_table" if tables else "no_tables", path=address.path, name=name, **those))
            written = as_csv(tables[name].rows(client, page), tables[name].columns)
        except EXPECTED as error:
            return _refusal(error)
        return Response(written, mimetype="text/csv")

    def source_answer(digest: str) -> Response:
        """Return what the source has sent, by its digest, and let the browser run nothing of it."""
        try:
            body, media_type = client.source_answer(digest)
        except EXPECTED as error:
            return _refusal(error)
        return Response(body, mimetype=media_type, headers={CSP: NOTHING})

    app.server.add_url_rule("/download/<name>.csv", view_func=download)
    app.server.add_url_rule("/answers/<digest>", view_func=source_answer)


def _refusal(error: ActstockError) -> Response:
    told, _ = reason_in(preferences.language(), shown([error.reason]))
    status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 503)
    return Response(f"{told}\n", status, mimetype="text/plain")


def as_csv(table: Sequence[object], columns: Sequence[str]) -> str:
    """Return these columns of rows of one class, or dicts, as text with a header. Reasons are in words alone.

    >>> as_csv([{"ticker": "NVDA", "etfs": ["QQQ", "SPY"], "weight": 0.1}], ["ticker", "etfs", "weight"])
    'ticker,etfs,weight\\r\\nNVDA,QQQ SPY,0.1\\r\\n'
    """
    named = [name for name in columns if not name.endswith("reasons")]
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(named)
    writer.writerows([_cell(row[name]) for name in named] for row in msgspec.to_builtins(table))
    return written.getvalue()


def _cell(value: Any) -> object:
    """One cell; what a spreadsheet would take for a formula is text.

    >>> _cell({"1d": [{"code": "text", "sentence": "no price"}], "month": [{"code": "text", "sentence": "no rate"}]})
    '1d: no price; month: no rate'
    """
    if isinstance(value, dict):
        told = (f"{name}: {', '.join(each['sentence'] for each in reasons)}" for name, reasons in value.items())
        return guarded("; ".join(told))
    if isinstance(value, (list, tuple)):
        return guarded(" ".join(map(str, value)))
    return guarded(value) if isinstance(value, str) else value
