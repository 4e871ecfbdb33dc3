"""What a request of the browser asked of the API, told to the browser, whose own tools show it, and the benchmark."""

from typing import NamedTuple

from flask import Flask, Response, g, has_request_context


class Call(NamedTuple):
    seconds: float
    bytes: int


def note(seconds: float, size: int) -> None:
    """Count an answer of the API for the request that is being served, if one is."""
    if has_request_context():
        g.setdefault("api_calls", []).append(Call(seconds, size))


def register(server: Flask) -> None:
    server.after_request(_tell)


def _tell(response: Response) -> Response:
    calls: list[Call] = g.get("api_calls", [])
    if calls:
        milliseconds = 1000 * sum(call.seconds for call in calls)
        size = sum(call.bytes for call in calls)
        response.headers["Server-Timing"] = (
            f'api;dur={milliseconds:.1f}, api-calls;desc="{len(calls)}", api-bytes;desc="{size}"'
        )
    return response
