"""The contract's classes in the OpenAPI document: FastAPI by itself knows pydantic's alone."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from api.formats import MEDIA_TYPES, Format
from contract import common, etfs, evidence, holdings, lab, orders, pipeline, portfolios, service, stocks

_BYTES = {"type": "string", "format": "binary"}
_TABLE: dict[Format, dict[str, Any]] = {
    Format.CSV: {"type": "string"},
    Format.PARQUET: _BYTES,
    Format.ARROW: _BYTES,
}
_REFERENCE = "#/components/schemas/{name}"
_CLASSES: dict[str, type[Struct]] = {
    name: kind
    for module in (common, etfs, evidence, holdings, lab, orders, pipeline, portfolios, service, stocks)
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
    """Return the `responses` of a route that answers with this class, or with its table."""
    tables = {MEDIA_TYPES[each]: {"schema": _TABLE[each]} for each in Format if each in _TABLE}
    return {200: {"content": content(kind) | tables}}


def components(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of all classes that a document's paths refer to, and of those that these consist of."""
    named = set(re.findall(_REFERENCE.format(name=r"(\w+)"), str(paths)))
    wanted = [_CLASSES[name] for name in sorted(named & set(_CLASSES))]
    return msgspec.json.schema_components(wanted, ref_template=_REFERENCE)[1]
