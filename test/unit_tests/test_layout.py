"""Folders named airflow/ and test/ must never become packages: they would hide the ones of that name."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT

PYTHON_FILES = sorted(
    path
    for path in PROJECT_ROOT.rglob("*.py")
    if not any(part.startswith(".") for part in path.relative_to(PROJECT_ROOT).parts)
)


@pytest.mark.parametrize("folder", ["airflow", "airflow/dags", "airflow/plugins", "test"])
def test_is_no_package(folder: str) -> None:
    assert (PROJECT_ROOT / folder).is_dir()
    assert not (PROJECT_ROOT / folder / "__init__.py").exists()


def test_airflow_is_the_installed_one() -> None:
    found = find_spec("airflow")
    assert found is not None and found.origin is not None, "the folder ./airflow is imported in the place of Airflow"
    assert PROJECT_ROOT / "airflow" not in Path(found.origin).parents


def test_no_module_edits_the_import_path() -> None:
    """PYTHONPATH alone says where modules are."""
    assert len(PYTHON_FILES) > 20
    assert [str(path) for path in PYTHON_FILES if _mentions_import_path(path)] == []


def _mentions_import_path(path: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "path"
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
