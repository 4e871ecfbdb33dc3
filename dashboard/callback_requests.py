"""Refuse requests for callbacks that are none of those which Dash's own scripts send."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from dash import Dash, Output
from flask import Response, request

log = logging.getLogger(__name__)

UPDATE = "/_dash-update-component"
# An imported file of positions is the largest that a reader sends.
LARGEST_REQUEST = 4 * 2**20
TEXTS = ("pathname", "search", "date", "contents")
COUNTS = ("n_clicks", "n_submit")


def register(app: Dash) -> None:
    """Answer 400 to nonsense, which would end in errors here and there."""
    app.server.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST

    def sensible_update() -> Response | None:
        if request.path != UPDATE or request.method != "POST":
            return None
        # A page of another site can send a form without asking this server first, and that is never JSON.
        if not request.is_json:
            return _refusal("a callback is asked for in JSON")
        try:
            check(request.get_data(), app.callback_map)
        except ValueError as error:
            return _refusal(str(error))
        return None

    def nonsense(error: ValueError) -> Response:
        """Refuse a value that a callback cannot use. Elsewhere the error is the dashboard's own."""
        if request.path != UPDATE:
            raise error
        log.warning("a callback cannot use what it was sent", exc_info=error)
        return _refusal("a value cannot be used")

    app.server.before_request(sensible_update)
    app.server.register_error_handler(ValueError, nonsense)


class Part(msgspec.Struct, rename={"attribute": "property"}):
    """A property of a component, and its value."""

    id: str | dict[str, str | int | float | bool]
    attribute: str
    value: Any = None

    @property
    def name(self) -> str:
        """How Dash names it among what has changed."""
        component = self.id if isinstance(self.id, str) else msgspec.json.encode(self.id, order="sorted").decode()
        return f"{component}.{self.attribute}"


# One part, or those of all components that a pattern names.
Parts = list[Part | list[Part]]


class Update(msgspec.Struct, rename={"changed": "changedPropIds"}):
    """What Dash's own scripts send when something has changed."""

    output: str
    inputs: Parts
    outputs: Part | Parts = []
    state: Parts = []
    changed: list[str] = []


def check(body: bytes, callbacks: Mapping[str, Any]) -> None:
    """Raise ValueError when a request is none that Dash's scripts send: its callback, its parts, or their values."""
    update = msgspec.json.decode(body, type=Update)
    known = callbacks.get(update.output)
    if not known or "callback" not in known:
        raise ValueError("there is no such callback")
    for given, wanted in ((update.inputs, known["inputs"]), (update.state, known["state"])):
        if len(given) != len(wanted) or not all(map(_fits, given, wanted)):
            raise ValueError("the callback has other inputs")
    if not known["no_output"] and not _names(update.outputs, known["output"]):
        raise ValueError("the callback has other outputs")
    for part in _flat([*update.inputs, *update.state]):
        _check_value(part)
    if not {part.name for part in _flat(update.inputs)}.issuperset(update.changed):
        raise ValueError("what has changed is no input")


def _fits(given: Part | list[Part], wanted: Mapping[str, str]) -> bool:
    """Return whether a part is the one that a callback names, or those that are of its pattern."""
    if not wanted["id"].startswith("{"):
        return isinstance(given, Part) and (given.id, given.attribute) == (wanted["id"], wanted["property"])
    pattern = set(msgspec.json.decode(wanted["id"]))
    return all(
        isinstance(part.id, dict) and set(part.id) == pattern and part.attribute == wanted["property"]
        for part in _flat([given])
    )


def _names(given: Part | Parts, wanted: Output | Sequence[Output]) -> bool:
    """Return whether the outputs are those of a callback."""
    if isinstance(given, Part) or isinstance(wanted, Output):
        return isinstance(given, Part) and isinstance(wanted, Output) and _is_output(given, wanted)
    return len(given) == len(wanted) and all(
        _is_output(part, output) for parts, output in zip(given, wanted, strict=True) for part in _flat([parts])
    )


def _is_output(part: Part, output: Output) -> bool:
    # Where several callbacks have one output, Dash tells them apart behind an @.
    return bool(Output(part.id, part.attribute.partition("@")[0]) == output)


def _check_value(part: Part) -> None:
    kind = str if part.attribute in TEXTS else int if part.attribute in COUNTS else object
    if part.value is not None and not isinstance(part.value, kind):
        raise ValueError(f"{part.attribute} is no {'text' if kind is str else 'count'}")


def _flat(parts: Parts) -> Iterator[Part]:
    for part in parts:
        yield from part if isinstance(part, list) else [part]


def _refusal(problem: str) -> Response:
    return Response(f"{problem}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")
