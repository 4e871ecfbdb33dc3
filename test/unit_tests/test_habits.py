"""What stands in several files by necessity agrees: the version, the versions of tools, the commands of CI."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import __version__
from config.config import PROJECT_ROOT
from ops.testing import _rings

LOCKS = (
    "requirements.txt",
    "requirements-airflow.txt",
    "requirements/native.txt",
    "requirements/mutation.txt",
    "requirements/lab.txt",
    "requirements/mcp.txt",
)


def read(name: str) -> str:
    return (PROJECT_ROOT / name).read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, str]:
    return dict(line.split("==") for line in read(lock).splitlines())


@pytest.fixture
def workflow() -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(read(".github/workflows/ci.yml"))
    return workflow


def test_the_version_stands_once() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "config.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_changelog_begins_with_what_is_not_released() -> None:
    headings = re.findall(r"^## (.*)$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", heading) for heading in headings[1:])


def test_ruff_is_the_same_before_a_commit() -> None:
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [hook["rev"] for hook in hooks] == [f"v{pins('requirements/native.txt')['ruff']}"]


def test_the_locks_agree() -> None:
    known: dict[str, str] = {}
    for lock in LOCKS:
        for name, version in pins(lock).items():
            assert known.setdefault(name, version) == version, f"{lock}: {name}"


def test_all_locks_are_compiled_together() -> None:
    """Whoever upgrades a package does as CONTRIBUTING says, and no lock stays behind."""
    compiled = set(re.findall(r"^lock \S+ --output-file (\S+)$", read("CONTRIBUTING.md"), re.MULTILINE))
    files = {str(path.relative_to(PROJECT_ROOT)) for path in (PROJECT_ROOT / "requirements").glob("*.txt")}
    assert compiled == {*LOCKS, *files} - {"requirements/overrides.txt"}


@pytest.mark.parametrize(
    ("contract", "may"),
    [
        ("only ops and the tests import market", {"market", "ops"}),
        ("one module talks to Yahoo", {"collector"}),
        ("one module talks to Kafka", {"ops", "utils"}),
    ],
)
def test_what_few_may_import_is_forbidden_to_all_others(contract: str, may: set[str]) -> None:
    tool = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    [forbidding] = [each for each in tool["contracts"] if each["name"] == contract]
    assert set(forbidding["source_modules"]) == set(tool["root_packages"]) - may


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "airflow" / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_imports_no_part_before_its_tasks_run(path: Path) -> None:
    """It is read every few seconds, and lint-imports does not see it."""
    parts = set(tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["root_packages"])
    named = [name for node in ast.parse(path.read_text(encoding="utf-8")).body for name in imported(node)]
    assert {name.partition(".")[0] for name in named} & parts <= {"config", "utils"}


def imported(node: ast.stmt) -> list[str]:
    """Return the modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "exec ./start.sh test" in read(".ci/run")
    assert "./start.sh test" in read("README.md")


def test_the_workflow_runs_every_ring(workflow: dict[str, Any]) -> None:
    quick, nightly = workflow["jobs"]["quick"], workflow["jobs"]["nightly"]
    [command] = [step["run"] for step in quick["steps"] if ".ci/run" in step.get("run", "")]
    assert command == ".ci/run checks unit"
    assert " ".join(nightly["strategy"]["matrix"]["rings"]).split() == list(_rings())


def test_coverage_measures_every_part() -> None:
    """But for ops, which the end-to-end tests run in processes of its own."""
    tool = tomllib.loads(read("pyproject.toml"))["tool"]
    assert {*tool["coverage"]["run"]["source"], "ops"} == set(tool["importlinter"]["root_packages"])
    assert tool["coverage"]["report"]["fail_under"] >= 80


def test_mutants_are_made_of_files_that_exist() -> None:
    mutmut = tomllib.loads(read("pyproject.toml"))["tool"]["mutmut"]
    named = [*mutmut["only_mutate"], *mutmut["pytest_add_cli_args_test_selection"], *mutmut["source_paths"]]
    assert [name for name in named if not (PROJECT_ROOT / name).exists()] == []


def test_every_decision_is_listed_with_its_date() -> None:
    folder = PROJECT_ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| \d{4}-\d\d-\d\d", read("docs/decisions/README.md"), re.MULTILINE)
    assert [name for _, name in listed] == records
    assert all(name.startswith(number) for number, name in listed)
    assert all(re.search(r"\d{4}-\d\d-\d\d", read(f"docs/decisions/{name}")) for name in records)
