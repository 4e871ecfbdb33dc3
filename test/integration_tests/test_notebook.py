"""The notebook for analysts, cell by cell, against a running API."""

import ast
import json
from typing import Any

import pandas as pd
import pytest

from browsing import KEY, Server
from config.config import PROJECT_ROOT

NOTEBOOK = PROJECT_ROOT / "docs/notebooks/weights_and_record.ipynb"


def cells() -> dict[str, str]:
    """Return the code of each cell by its id."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return {each["id"]: "".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"}


def run(code: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does, and return the value of its last line; None when that has no value."""
    module = ast.parse(code)
    last = module.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(module, NOTEBOOK.name, "exec"), names)
        return None
    module.body.pop()
    exec(compile(module, NOTEBOOK.name, "exec"), names)
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names)


def test_it_is_kept_without_output() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    assert code and all(each["outputs"] == [] and each["execution_count"] is None for each in code)


def test_every_cell_runs_and_shows_what_the_api_says(api: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", api.url)
    monkeypatch.setenv("API_KEY", KEY)
    names: dict[str, Any] = {}
    shown = {name: run(code, names) for name, code in cells().items()}

    sums = shown["weights"].stack().dropna()
    assert len(sums) == 4 and list(sums) == pytest.approx([1] * 4)
    assert names["weights"]["session"].dtype.kind == "M" and names["weights"]["published_at"].dt.tz is not None
    assert shown["largest"].index[0] == "GS"
    assert list(shown["doubt"]["session"]) == [pd.Timestamp("2026-08-20")]
    figures = {each["period_days"]: each for each in api.answer("/dashboard/performance")["portfolios"]}
    for period, each in figures.items():
        assert shown["record"][period] == pytest.approx(each["total_return_net"])
        assert shown["record"]["SPY"] == pytest.approx(each["benchmark_return"])
    lines = {line.name: list(line.y) for line in shown["chart"].data}
    assert lines["20"] == figures[20]["net"] and lines["SPY"] == figures[20]["benchmark"]
