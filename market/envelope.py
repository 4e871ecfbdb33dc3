"""How Yahoo wraps what it says: a result, or an error with a code."""

from typing import Any

import orjson
from fastapi import Response

Json = dict[str, Any]


class Refused(Exception):
    """An answer that is an error: the HTTP status, the envelope it comes in, Yahoo's code and description."""

    def __init__(self, status: int, envelope: str, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body: Json = error_body(envelope, code, description)


class YahooJson(Response):
    """JSON as Yahoo writes it: whole numbers without a decimal point."""

    media_type = "application/json;charset=utf-8"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(_whole_numbers(content))


def error_body(envelope: str, code: str, description: str) -> Json:
    return {envelope: {"result": None, "error": {"code": code, "description": description}}}


def stated(answer: Json) -> Json:
    """Drop unknown values, as Yahoo does."""
    return {key: value for key, value in answer.items() if value is not None}


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return value
