"""Routes of the API as tools of a model: made of the OpenAPI document, so that both say the same."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from utils.errors import InvalidInput

# By operation id: what a question about portfolios needs. All of them read.
OFFERED = (
    "weights",
    "record",
    "portfolio",
    "monthly_portfolio",
    "performance",
    "history",
    "appearances",
    "sectors",
    "calendar",
    "weight_evidence",
    "monthly_weight_evidence",
    "lab",
)
# A model reads every row that it gets.
MOST_ROWS = 200


class Tool(NamedTuple):
    """A route that a model may ask. schema: JSON Schema of the arguments."""

    name: str
    description: str
    path: str
    schema: dict[str, Any]

    def address(self, arguments: Mapping[str, Any]) -> str:
        """Return path and query of a call. Raises InvalidInput for an argument that is missing or not known.

        What the values may be is the API's to check.
        """
        asked = {name: value for name, value in arguments.items() if value is not None}
        known = self.schema["properties"]
        if wrong := [*(set(asked) - set(known)), *(set(self.schema["required"]) - set(asked))]:
            raise InvalidInput(f"{self.name} takes {', '.join(known)}; wrong or missing: {', '.join(sorted(wrong))}")
        if "limit" in known:
            asked["limit"] = min(int(asked.get("limit", MOST_ROWS)), MOST_ROWS)
        inside = {name: quote(_written(asked.pop(name)), safe="") for name in self.schema["required"]}
        query = urlencode({name: _written(value) for name, value in asked.items()})
        return self.path.format(**inside) + (f"?{query}" if query else "")


def tools_of(document: Mapping[str, Any]) -> dict[str, Tool]:
    """Return the tools by name. A route that the document does not have is left out."""
    return {tool.name: tool for tool in _tools(document)}


def _tools(document: Mapping[str, Any]) -> Iterator[Tool]:
    prefix = document["servers"][0]["url"]
    for path, operations in document["paths"].items():
        operation = operations.get("get", {})
        if operation.get("operationId") in OFFERED:
            yield Tool(
                operation["operationId"], operation["description"], prefix + path, _schema(operation["parameters"])
            )


def _schema(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a tool's arguments. A model reads JSON, and has no tag of an earlier answer."""
    asked = [each for each in parameters if each["in"] in ("path", "query") and each["name"] != "format"]
    properties = {each["name"]: {**each["schema"], "description": each["description"]} for each in asked}
    if "limit" in properties:
        properties["limit"] |= {"maximum": MOST_ROWS, "default": MOST_ROWS}
    return {
        "type": "object",
        "properties": properties,
        # A part of the path cannot be left out, and a route of ours needs nothing else.
        "required": [each["name"] for each in asked if each["in"] == "path"],
        "additionalProperties": False,
    }


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
