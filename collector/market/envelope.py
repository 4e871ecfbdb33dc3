"""How Yahoo wraps what it says: a result, or an error with a code."""

from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """An answer that is an error: the HTTP status, the envelope it comes in, Yahoo's code and description."""

    def __init__(self, status: int, envelope: str, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body: Json = {envelope: {"result": None, "error": {"code": code, "description": description}}}


def stated(answer: Json) -> Json:
    """Yahoo leaves out what it does not know."""
    return {key: value for key, value in answer.items() if value is not None}
