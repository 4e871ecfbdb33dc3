"""The lab's figures against those of known packages, which the ring `lab` installs (requirements/lab.txt)."""

import pytest

from lab.invented import invented_prices
from lab.libraries import second_opinion, versions
from lab.panel import panel_of
from lab.variants import load


@pytest.mark.parametrize("strength", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("sessions", [900, 1_517])
def test_every_figure_is_the_packages(strength: float, sessions: int) -> None:
    panel = panel_of(load().variants, invented_prices(sessions, 3, strength))
    figures = list(second_opinion(panel, 0.001, 2_000))
    assert len(figures) == 16
    assert [each for each in figures if not each.agrees] == []


@pytest.mark.parametrize(("sessions", "variants"), [(250, 24), (400, 24), (20, 24), (40, 24), (900, 1), (900, 2)])
def test_no_figure_is_another_on_few_sessions_or_variants(sessions: int, variants: int) -> None:
    """Of 13 or 19 variants, as 250 and 400 sessions allow, the chosen one can be the median."""
    panel = panel_of(load().of_leg("etf")[:variants], invented_prices(sessions, 3))
    assert [each for each in second_opinion(panel, 0.001, 2_000) if not each.agrees] == []


def test_the_packages_are_those_of_the_lock() -> None:
    assert versions().keys() == {"arch", "skfolio", "empyrical-reloaded", "quantstats"}
