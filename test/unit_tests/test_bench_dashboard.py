"""What the dashboard's benchmark makes of what the browser reports."""

from pathlib import Path
from typing import Any

import pytest

from ops.bench import dashboard, dashboard_versions
from ops.bench.page_load import WATCH, Load, read
from ops.bench.versions import Version
from ops.errors import RunFailed
from ops.looking.browser import RENDERED
from ops.native.stack import Stack

SUITES = "http://127.0.0.1:8050/_dash-component-suites"


def reported(**changes: Any) -> dict[str, Any]:
    """Build page_watch.js's measurements of a view, in milliseconds."""
    return {
        "first_paint": 96.0,
        "rendered": 900.0,
        "interactive": 1010.0,
        "fetched": [
            {"address": "http://127.0.0.1:8050/?period=20", "bytes": 5000, "told": {}},
            {"address": f"{SUITES}/plotly/package_data/plotly.min.js", "bytes": 1_472_000, "told": {}},
            {"address": f"{SUITES}/dash/dcc/dash_core_components.v4_4_1m1.js", "bytes": 0, "told": {}},
            {"address": "http://127.0.0.1:8050/assets/finviz.css?m=1.5", "bytes": 3000, "told": {}},
            {"address": "http://127.0.0.1:8050/_dash-layout", "bytes": 700, "told": {}},
            {
                "address": "http://127.0.0.1:8050/_dash-update-component?t=1",
                "bytes": 9000,
                "told": {"api": 12.5, "api-calls": "2", "api-bytes": "8900"},
            },
        ],
        **changes,
    }


def test_requests_are_counted_by_kind() -> None:
    assert read(reported()).by_kind() == {
        "page and the rest": (1, 5000),
        "scripts": (2, 1_472_000),
        "style": (1, 3000),
        "data": (2, 9700),
    }


def test_times_are_seconds_and_the_api_is_what_the_server_says() -> None:
    load = read(reported())
    assert (load.first_paint, load.rendered, load.interactive) == (0.096, 0.9, 1.01)
    assert (load.api_calls, load.api_bytes, load.api_seconds, load.bytes) == (2, 8900, 0.0125, 1_489_700)
    assert read(reported(first_paint=None, fetched=[])).api_calls == 0


def of(seconds: float, calls: int = 2) -> Load:
    told = {"api-calls": str(calls)}
    fetched = [{"address": "http://127.0.0.1:8050/_dash-update-component", "bytes": 1, "told": told}]
    return read(reported(interactive=1000 * seconds, fetched=fetched))


@pytest.mark.parametrize(
    ("cold", "warm", "calls", "reached"),
    [
        ([0.8, 0.9, 9.0], [0.4], 3, [True, True, True, True, True]),
        ([1.1, 1.2, 0.1], [0.4], 3, [False, True, True, True, True]),
        ([0.8], [0.7], 4, [True, False, True, True, False]),
    ],
)
def test_the_median_counts_and_every_views_calls(
    cold: list[float], warm: list[float], calls: int, reached: list[bool]
) -> None:
    targets = dashboard.targets([of(each) for each in cold], [of(each) for each in warm], {"map": [of(0.1, calls)]})
    assert [target.is_reached for target in targets] == reached


def test_the_skeleton_and_the_weight_of_the_scripts_are_wanted_too() -> None:
    heavy = read(reported(first_paint=310.0))
    targets = dashboard.targets([heavy], [heavy], {})
    assert [(target.name, target.figure, target.is_reached) for target in targets[2:4]] == [
        ("skeleton, empty cache", 0.31, False),
        ("scripts, empty cache", 1.472, False),
    ]


def test_the_browser_watches_for_what_the_tests_wait_for() -> None:
    assert RENDERED in WATCH and "__RENDERED__" not in WATCH


class TestAgainstAnotherVersion:
    def test_both_columns_and_how_this_version_compares(self) -> None:
        ours, theirs = of(0.6), of(1.2, calls=3)
        columns, rows = dashboard_versions.compared(
            {"this version": {"empty": [ours], "warm": [of(0.3)]}, "04df54e": {"empty": [theirs], "warm": [of(0.4)]}}
        )
        assert columns == ("the first view", "this version", "04df54e", "ratio")
        assert {name: figures for name, *figures in rows} == {
            "skeleton, empty cache": ["0.10 s (0.10-0.10)", "0.10 s (0.10-0.10)", "1.00 x"],
            "interactive, empty cache": ["0.60 s (0.60-0.60)", "1.20 s (1.20-1.20)", "0.50 x"],
            "interactive, warm cache": ["0.30 s (0.30-0.30)", "0.40 s (0.40-0.40)", "0.75 x"],
            "JavaScript on the wire": ["0.00 MB", "0.00 MB", "–"],
            "API calls": ["2", "3", "0.67 x"],
        }

    def test_the_weight_of_the_scripts_is_what_came_over_the_wire(self) -> None:
        heavy, none = read(reported()), read(reported(fetched=[]))
        versions = {"this version": {"empty": [heavy], "warm": [none]}, "before": {"empty": [heavy], "warm": [none]}}
        _, rows = dashboard_versions.compared(versions)
        assert rows[3] == ("JavaScript on the wire", "1.47 MB", "1.47 MB", "1.00 x")

    def test_a_checkout_that_is_not_installed_is_refused(self, tmp_path: Path) -> None:
        stack = Stack(tmp_path)
        with (
            pytest.raises(RunFailed, match=r"is not installed: \./start\.sh install"),
            dashboard_versions.dashboard_of(stack, Version(tmp_path, "before")),
        ):
            pass
