"""The schemas of all answers: what each field means, and an example that is one."""

import re
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from api.main import create_app
from api.models import fields
from config.config import Settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings.from_env({"API_KEY": "a-key-for-tests"})).openapi()


def named(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{name}.{field}": described
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema["properties"].items()
    }


def test_every_field_has_a_description(document: dict[str, Any]) -> None:
    assert [name for name, described in named(document).items() if not described.get("description")] == []


def test_every_field_has_an_example_that_fits(document: dict[str, Any]) -> None:
    """Not null, which would show nothing, and not of another type."""
    unfit = []
    for name, described in named(document).items():
        schema = {**described, "components": document["components"]}
        for example in described["examples"]:
            fits = Draft202012Validator(schema, validate_formats=True).is_valid(example)
            if example is None or not fits:
                unfit.append((name, example))
    assert unfit == []


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named == set(document["components"]["schemas"])


def test_a_format_is_chosen_from_a_list(document: dict[str, Any]) -> None:
    [asked] = [
        each for each in document["paths"]["/portfolios/weights"]["get"]["parameters"] if each["name"] == "format"
    ]
    assert asked["schema"]["enum"] == ["json", "csv", "parquet", "arrow"]


def test_every_parameter_has_a_description(document: dict[str, Any]) -> None:
    unsaid = [
        f"{path}: {parameter['name']}"
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert unsaid == []


def test_no_word_is_left_of_a_field_that_is_gone(document: dict[str, Any]) -> None:
    there = {key for name in named(document) for key in (name, name.partition(".")[2])}
    assert (set(fields.MEANINGS) | set(fields.EXAMPLES)) - there == set()
