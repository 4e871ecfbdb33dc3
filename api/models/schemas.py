"""The contract's classes in the OpenAPI document: FastAPI by itself knows pydantic's alone."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from api.formats import MEDIA_TYPES, Format
from api.models import fields
from api.tables import layout
from contract import common, etfs, evidence, holdings, lab, orders, pipeline, portfolios, service, stocks, summary

Schemas = dict[str, dict[str, Any]]

_BYTES = {"type": "string", "format": "binary"}
_TABLE: dict[Format, dict[str, Any]] = {
    Format.CSV: {"type": "string"},
    Format.PARQUET: _BYTES,
    Format.ARROW: _BYTES,
}
_REFERENCE = "#/components/schemas/{name}"
_CLASSES: dict[str, type[Struct]] = {
    name: kind
    for module in (common, etfs, evidence, holdings, lab, orders, pipeline, portfolios, service, stocks, summary)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Struct)
}


def content(kind: type[Struct], media_type: str = "application/json") -> dict[str, Any]:
    """Return the `content` of a documented response that is a JSON object of this class."""
    return {media_type: {"schema": {"$ref": _REFERENCE.format(name=kind.__name__)}}}


def answer(kind: type[Struct]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that answers with this class."""
    return {200: {"content": content(kind)}}


def listed(kind: type[Struct]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that answers with this class, or with its table.

    Raises TypeError for a class with a field that no column can hold.
    """
    layout(kind)
    tables = {MEDIA_TYPES[each]: {"schema": _TABLE[each]} for each in Format if each in _TABLE}
    return {200: {"content": content(kind) | tables}}


def components(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of all classes that a document's paths refer to, and of those that these consist of.

    Each field has a description and an example.
    """
    named = set(re.findall(_REFERENCE.format(name=r"(\w+)"), str(paths)))
    wanted = [_CLASSES[name] for name in sorted(named & set(_CLASSES))]
    found = msgspec.json.schema_components(wanted, ref_template=_REFERENCE)[1]
    for name, schema in found.items():
        for field, described in schema.get("properties", {}).items():
            meaning = fields.MEANINGS.get(f"{name}.{field}") or fields.MEANINGS.get(field)
            if meaning:
                described.setdefault("description", meaning)
    for name, schema in found.items():
        for field, described in schema.get("properties", {}).items():
            described.setdefault("examples", [_example(found, name, field, described)])
    return found


def _example(found: Schemas, name: str, field: str, described: dict[str, Any]) -> Any:
    """Return an example of a field: its own, one of its kind, or one made of its parts."""
    own = f"{name}.{field}"
    if inner := _inner(described):
        whole = _whole(found, inner)
        return [whole] if "array" in str(described.get("type")) else whole
    if own in fields.EXAMPLES or (field in fields.EXAMPLES and not _choices(described)):
        return fields.EXAMPLES.get(own, fields.EXAMPLES.get(field))
    if field.endswith("reason"):
        return fields.REASON
    return _of_kind(described)


def _inner(described: dict[str, Any]) -> str | None:
    """Return the name of the class that a field's values are made of; None: they are no objects of a class."""
    kinds = [described, described.get("items", {}), *described.get("anyOf", [])]
    reference = next((kind["$ref"] for kind in kinds if "$ref" in kind), None)
    return reference and str(reference).rpartition("/")[2]


def _whole(found: Schemas, name: str) -> dict[str, Any]:
    return {
        field: described["examples"][0] if "examples" in described else _example(found, name, field, described)
        for field, described in found[name]["properties"].items()
    }


def _choices(described: dict[str, Any]) -> list[Any]:
    return next((kind["enum"] for kind in [described, *described.get("anyOf", [])] if "enum" in kind), [])


def _of_kind(described: dict[str, Any]) -> Any:
    for kind in [described, *described.get("anyOf", [])]:
        for key, examples in (("format", fields.BY_FORMAT), ("pattern", fields.BY_PATTERN), ("type", fields.BY_TYPE)):
            if kind.get(key) in examples:
                return examples[kind[key]]
    return next(iter(_choices(described)), None)
