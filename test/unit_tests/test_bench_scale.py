"""The sides of `bench scale`: what the benchmark computes by means of its own is what the jobs compute."""

import math
import random
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch.returns import windows_of, with_returns
from config.periods import PERIODS
from ops.bench import history
from ops.bench.scale import Measured, against_duckdb
from ops.bench.scale_returns import returns_of_bars
from ops.errors import RunFailed
from ops.native.stack import DataSource, Stack
from utils.dates import sessions_between

SESSIONS = sessions_between(date(2026, 6, 1), date(2026, 8, 21))
COMPUTED = SESSIONS[max(PERIODS) :]
# A listed late, B with holes of one session and of several, C without any.
HOLES = {
    "A": set(SESSIONS[:11]),
    "B": {SESSIONS[3], SESSIONS[12], *SESSIONS[30:37]},
    "C": set[date](),
}
BARS = [
    (ticker, day, 100.0 * math.exp(math.sin(nth * 7 + len(ticker) + ord(ticker))))
    for ticker, (nth, day) in product(HOLES, enumerate(SESSIONS))
    if day not in HOLES[ticker]
]


def test_the_returns_of_very_many_bars_are_those_of_the_jobs(spark: Any) -> None:
    # A partition has its bars in any order.
    bars = random.Random(5).sample(BARS, len(BARS))
    tickers = np.array([list(HOLES).index(ticker) for ticker, _, _ in bars])
    positions = np.array([SESSIONS.index(day) for _, day, _ in bars])
    found = returns_of_bars(tickers, positions, np.array([price for _, _, price in bars]), PERIODS)
    of_bars = {
        (ticker, day, days): None if math.isnan(value) else value
        for days, values in found.items()
        for (ticker, day, _), value in zip(bars, values.tolist(), strict=True)
    }

    jobs = of_the_jobs(spark)
    missing = [key for key, value in jobs.items() if value is None]
    assert 0 < len(missing) < len(jobs) / 2, "windows with a hole at their start, and others"
    # To the last bit.
    assert {key: value for key, value in of_bars.items() if key in jobs} == jobs


def test_a_ticker_takes_no_price_of_its_neighbour() -> None:
    """The second one begins right behind the last session of the first one."""
    returns = returns_of_bars(np.array([0, 0, 1, 1]), np.array([0, 5, 0, 5]), np.array([10.0, 11.0, 20.0, 19.0]), (5,))
    assert returns[5].tolist() == pytest.approx([math.nan, 0.1, math.nan, -0.05], nan_ok=True)


def of_the_jobs(spark: Any) -> dict[tuple[str, date, int], float | None]:
    """Return the returns to each bar by the jobs' own definition."""
    stored = {(ticker, day) for ticker, day, _ in BARS}
    wanted = [
        (ticker, window.period_days, window.start_session, window.end_session)
        for ticker, window in product(HOLES, windows_of(COMPUTED, ["XNYS"], PERIODS))
        if (ticker, window.end_session) in stored
    ]
    prices = [(ticker, day, "USD", price, 1) for ticker, day, price in BARS]
    rows = with_returns(
        spark.createDataFrame(wanted, "ticker string, period_days int, start_session date, end_session date"),
        spark.createDataFrame(prices, "ticker string, trade_date date, currency string, price double, source_rank int"),
    ).collect()
    return {(row.ticker, row.end_session, row.period_days): row.period_return for row in rows}


def test_both_ratios_are_said_and_one_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    ours, alike, alone = (Measured(seconds, 0, "") for seconds in (12.0, 6.0, 2.0))
    target = against_duckdb("trending", ours, alike, alone, 2.0)

    assert "ours takes 2.0 x duckdb, published as ours, and 6.0 x duckdb, rows alone" in capsys.readouterr().out
    assert str(target) == "trending, against duckdb, published as ours: 2.0 x, wanted at most 2.0 x: reached"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("import sys; print('  ok', *sys.argv[1:])", None),
        ("import sys; sys.exit('no bar of SPY\\nit goes on from there')", "history: no bar of SPY"),
    ],
)
def test_a_history_is_timed_as_a_person_starts_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    problem: str | None,
) -> None:
    """A module of its name stands for it, which the environment of the stack's services leads to."""
    for package in ("ops", "ops/pipeline"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "ops/pipeline/history.py").write_text(script, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(history, "java_home", lambda: tmp_path)
    monkeypatch.setattr(history, "service_environment", lambda stack, java: {"PYTHONPATH": str(tmp_path)})
    stack = Stack(tmp_path, source=DataSource("simulated"))
    if problem:
        with pytest.raises(RunFailed, match=problem):
            history.run(stack, 30)
        return
    assert 0 < history.run(stack, 30) < 60
    assert "ok --sessions 30" in capsys.readouterr().out
