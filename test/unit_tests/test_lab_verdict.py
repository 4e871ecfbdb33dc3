"""What the lab says, and that it does not flatter."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contract.lab import LabReport
from dashboard.texts.reasons import KOREAN
from lab.honesty import tally
from lab.invented import FIVE_YEARS, PLANTED_STRENGTH, invented_prices, true_sharpes, weekdays
from lab.page import lines, verdict
from lab.panel import Panel
from lab.prices import Prices, Stocks
from lab.report import examine
from lab.sharpe import sharpe_ratio, yearly
from lab.superiority import superiority
from lab.variants import Trials, Variant, load
from lab.verdict import SESSIONS_ENOUGH, draw, judge, own_cost
from utils.reasons import SENTENCES, Reason, sentence

COSTS = tuple(cost / 1000 for cost in range(11))
NAMES = [Variant(period, 0, 0, "seed", "daily", "etf", 1.0) for period in (20, 5, 10)]


def without_costs() -> Trials:
    """Return the variants of the ETF leg. An edge at any cost is one without costs, so that one cost is enough."""
    return Trials(load().of_leg("etf"), (0.0,))


def panel(sharpes: list[float], sessions: int, turnover: float = 0.01, seed: int = 1) -> Panel:
    """Return variants with exactly these yearly Sharpe ratios of their excess before costs, above a flat benchmark."""
    noise = np.random.default_rng(seed).standard_normal((sessions, len(sharpes)))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0, ddof=1)
    gross = 0.01 * (noise + np.array(sharpes) / np.sqrt(252))
    drag = np.full_like(gross, 2 * turnover)
    return Panel(
        tuple(NAMES[: len(sharpes)]),
        weekdays(sessions),
        gross,
        drag,
        drag / 2,
        np.zeros(sessions),
        np.zeros((sessions, len(sharpes)), dtype=np.bool_),
        changes=dict.fromkeys(range(sessions), np.full((len(sharpes), len(sharpes)), turnover)),
    )


def test_says_edge_up_to_the_cost_that_it_bears() -> None:
    """A yearly Sharpe ratio of 3 at a deviation of 16 % is 48 % a year, which this turnover takes whole at 47 bp.

    Five years show a ratio of about 1, which is left at two thirds of that.
    """
    tried = panel([3.0, 0.0], 1260, turnover=0.2)
    verdict = judge(tried, COSTS, draw(tried, 0.0, 1_000, np.random.default_rng(1)))
    assert verdict.code == "lab_edge"
    assert verdict.cost is not None and 0.002 <= verdict.cost <= 0.004
    assert own_cost(verdict, 0) == verdict.cost
    assert own_cost(verdict, 1) is None
    reached = [test.p_value <= 0.05 for test in verdict.tests]
    assert reached == sorted(reached, reverse=True)


@pytest.mark.parametrize(
    ("sharpes", "sessions", "code"),
    [
        ([0.0, 0.3], 1260, "lab_no_edge"),
        ([-2.0, -3.0], 1260, "lab_no_edge"),
        ([4.0, 0.0], SESSIONS_ENOUGH, "lab_edge"),
        ([4.0, 0.0], SESSIONS_ENOUGH - 1, "lab_not_enough_data"),
    ],
)
def test_says_one_of_three_things(sharpes: list[float], sessions: int, code: str) -> None:
    tried = panel(sharpes, sessions)
    assert judge(tried, COSTS, draw(tried, 0.0, 1_000, np.random.default_rng(1))).code == code


def test_does_not_call_luck_an_edge_where_it_did_not_last() -> None:
    """The excess was all earned before walking forward began."""
    tried = panel([0.0], 1260)
    tried.gross[:504] += 0.003
    tried.gross[504:] -= 0.0002
    verdict = judge(tried, COSTS[:1], draw(tried, 0.0, 1_000, np.random.default_rng(1)))
    assert verdict.tests[0].p_value <= 0.05
    assert verdict.out_of_sample[0] < 0
    assert verdict.code == "lab_no_edge_held"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_did_not_last_is_not_called_luck(language: str) -> None:
    """A fund rises for two years and falls behind after that. Luck explains it in 4 cases of 2,001."""
    drift = np.where(np.arange(1300) < 511, 0.004, -0.0004)
    moves = np.random.default_rng(1).normal(0, 0.008, 1300) + drift
    closes = np.asarray(100 * np.cumprod(1 + moves)[:, None], dtype=np.float64)
    prices = Prices(weekdays(1300), ("FUND",), closes, np.ones(1300))
    found = examine(prices, Trials(tuple(NAMES[1:2]), COSTS), benchmark="SPY", cost=0.001, resamples=2_000).report
    said = found.verdict
    assert said.code == "lab_no_edge_held" and said.params["p_value"] == "0.0020"
    words = sentence(Reason(said.code, said.params), KOREAN if language == "ko" else SENTENCES)
    held = f"{found.costs[0].out_of_sample:.2f}"
    assert float(held) < 0 and held in words and ("none of" in words or "어느 것도" in words) is False


def test_the_edge_is_that_of_the_best_variant() -> None:
    """All p-values are the smallest that there can be. The variant that earns most for its risk is named."""
    found = examine(invented_prices(1517, 3, 0.3), load(), benchmark="SPY", cost=0.01, resamples=200)
    assert sum(each.p_value == 1 / 201 for each in found.report.variants) > 10
    assert found.report.verdict.params["cost"] == "100" and found.draws is not None
    excess = found.panel.excess(0.01)
    best = superiority(excess.mean(axis=0), found.draws.excess(0.01), len(excess)).statistics.argmax()
    assert best != 0
    assert f" {found.panel.variants[best]} beats SPY" in found.report.verdict.sentence


def test_does_not_flatter() -> None:
    """A lab that flatters on a tenth of all markets would pass in 45 of 100 cases, on a fifth in 2 of 1,000.

    The benchmark does the same on 1,000 markets each: ./start.sh bench lab.
    """
    without = tally(without_costs(), range(100), 0.0, 0.001)
    assert without.edge <= 9
    # Choosing the best and not counting what was tried is what flatters.
    assert without.undeflated > without.edge


def test_sees_a_planted_edge() -> None:
    """A lab that overlooks a fifth of them would pass in 8 of 100 cases."""
    planted = tally(without_costs(), range(40), PLANTED_STRENGTH, 0.001)
    assert planted.edge >= 36


def test_no_variant_has_more_than_what_is_planted() -> None:
    ratios = true_sharpes(NAMES, PLANTED_STRENGTH, 0.001, 10)
    assert 0.5 < ratios[0] < 2.2
    assert (true_sharpes(NAMES, 0.0, 0.0, 10) < 0.6).all()


@pytest.fixture(scope="module")
def report() -> LabReport:
    prices = invented_prices(FIVE_YEARS + 257, 3, 0.3)
    return examine(prices, load(), benchmark="SPY", cost=0.001, resamples=500).report


def test_the_report_is_about_all_variants(report: LabReport) -> None:
    assert report.sessions == FIVE_YEARS
    assert (report.judged, len(report.left_out), report.more_sessions) == (24, 9, 0)
    assert [each.cost_bp for each in report.costs] == list(range(0, 101, 10))
    seed = report.variants[0]
    assert seed.is_seed and seed.lower is not None and seed.upper is not None
    assert seed.lower < seed.excess < seed.upper


def test_at_the_break_even_cost_nothing_is_left() -> None:
    prices = invented_prices(1100, 3, 0.3)
    trials = Trials(tuple(NAMES[:1]), COSTS)
    found = examine(prices, trials, benchmark="SPY", cost=0.001, resamples=200)
    cost = found.report.variants[0].break_even_bp
    assert cost is not None
    assert found.panel.excess(cost / 10_000).mean() == pytest.approx(0, abs=1e-9)
    assert found.report.variants[0].sharpe == pytest.approx(yearly(sharpe_ratio(found.panel.excess(0.001)[:, 0])))


def test_turnover_is_half_of_what_is_bought_and_sold_in_a_year() -> None:
    """A fund rises for five sessions and falls for five. So all is bought and sold once in ten sessions."""
    moves = np.tile([0.01] * 5 + [-0.01] * 5, 41)[:407]
    prices = Prices(weekdays(407), ("FUND",), np.cumprod(1 + moves)[:, None], np.ones(407))
    found = examine(prices, Trials((NAMES[1],), (0.0,)), benchmark="SPY", cost=0.0, resamples=100).report
    assert found.sessions == 400
    assert found.variants[0].turnover == pytest.approx(25.2)


@pytest.mark.parametrize("costs", [COSTS, (0.0, 0.0025)])
def test_p_values_are_those_at_the_cost_of_the_record(costs: tuple[float, ...]) -> None:
    """Whether this cost, 25 bp, is one of those that decide or not."""
    found = examine(invented_prices(1100, 3, 0.1), Trials(tuple(NAMES), costs), benchmark="SPY", cost=0.0025)
    assert found.draws is not None
    excess = found.panel.excess(0.0025)
    adjusted = superiority(excess.mean(axis=0), found.draws.excess(0.0025), len(excess)).adjusted
    assert [each.p_value for each in found.report.variants] == adjusted.tolist()
    without = superiority(found.panel.excess(0).mean(axis=0), found.draws.excess(0), len(excess)).adjusted
    assert (adjusted > without).all()


def test_the_page_begins_with_the_verdict(report: LabReport) -> None:
    page = list(lines(report))
    assert page[0].startswith("Verdict: edge at cost <= 100 bp: over 1260 sessions ")
    brief = list(verdict(report))
    assert page[: len(brief)] == brief and page[len(brief)] == ""
    assert any(line.startswith("*  20 sessions, all, seed weights, daily  ") for line in page)
    assert sum(" bp  " in line for line in page[:30]) >= 11


@pytest.mark.parametrize("sessions", [0, 1, 10, 60, 400])
def test_too_few_sessions_are_said(sessions: int) -> None:
    found = examine(invented_prices(1700, 3).until(sessions), load(), benchmark="SPY", cost=0.001, resamples=100).report
    assert found.verdict.code == "lab_not_enough_data"
    assert found.verdict.params["needed"] == 684
    assert found.verdict.params["more"] == found.more_sessions
    assert next(lines(found)).startswith("Verdict: not enough data: ")


@pytest.mark.parametrize(("stored", "judged"), [(14, 0), (15, 8)])
def test_no_session_can_be_judged_without_a_variant(stored: int, judged: int) -> None:
    """The shortest has a warm-up of five sessions, and is computed on three times as many."""
    found = examine(invented_prices(stored, 3), load(), benchmark="SPY", cost=0.001, resamples=100).report
    assert found.sessions == found.verdict.params["sessions"] == judged


@pytest.mark.parametrize("stored", [0, 1, 250, 400, 749, 750, 764, 765, 940])
def test_exactly_the_sessions_that_are_missing_give_a_verdict(stored: int) -> None:
    """Longer variants join on the way: the longest has a warm-up of 255 sessions, and joins at 765 stored ones."""
    prices = invented_prices(1000, 3)

    def examined(sessions: int) -> LabReport:
        return examine(prices.until(sessions), load(), benchmark="SPY", cost=0.001, resamples=100).report

    more = examined(stored).more_sessions
    assert more == 684 + 255 + 2 - stored
    assert examined(stored + more).verdict.code == "lab_no_edge"
    assert examined(stored + more).more_sessions == 0
    assert examined(stored + more - 1).verdict.code == "lab_not_enough_data"


def with_hole(stored: int, first: int, last: int) -> Prices:
    """Return a market of which nothing was collected from one session to another, both included."""
    prices = invented_prices(stored, 3)
    closes, benchmark = prices.closes.copy(), prices.benchmark.copy()
    closes[first : last + 1] = benchmark[first : last + 1] = np.nan
    return replace(prices, closes=closes, benchmark=benchmark)


def test_a_hole_in_the_benchmark_is_said_and_moves_nothing() -> None:
    """What it moved by over the hole is not lost, and nothing is bought by a return that needs a close of it."""
    prices = with_hole(FIVE_YEARS + 257, 700, 949)
    found = examine(prices, load(), benchmark="SPY", cost=0.001, resamples=100)
    [note] = [note for note in found.report.notes if note.code == "lab_gaps"]
    said = {"benchmark": "SPY", "sessions": 250, "first": str(prices.sessions[700]), "last": str(prices.sessions[949])}
    assert note.params == said
    assert found.report.sessions == found.report.verdict.params["sessions"] == FIVE_YEARS - 250
    panel = found.panel
    first = len(prices) - len(panel) - 1
    assert np.prod(1 + panel.benchmark) == pytest.approx(prices.benchmark[-1] / prices.benchmark[first])
    traded = panel.sessions.index(prices.sessions[701]), panel.sessions.index(prices.sessions[952])
    assert not panel.turnover[slice(*traded), 0].any() and panel.turnover[: traded[0], 0].any()


@pytest.mark.parametrize("hole", [0, 50])
def test_sessions_without_a_close_do_not_count_as_judged(hole: int) -> None:
    prices = with_hole(684 + 257 + hole, 500, 499 + hole)

    def examined(sessions: int) -> LabReport:
        return examine(prices.until(sessions), load(), benchmark="SPY", cost=0.001, resamples=100).report

    assert examined(684 + 257).more_sessions == hole
    assert examined(684 + 256 + hole).verdict.code == "lab_not_enough_data"
    assert examined(684 + 257 + hole).verdict.code == "lab_no_edge"
    assert examined(684 + 257 + hole).sessions == 684


def test_a_short_variant_needs_fewer_sessions() -> None:
    """The longer one joins at 750 stored sessions, when there is a verdict already."""
    prices, trials = invented_prices(706, 3), Trials((NAMES[0], NAMES[0]._replace(period=250)), COSTS)
    given: dict[str, Any] = {"benchmark": "SPY", "cost": 0.001, "resamples": 100}
    assert examine(prices.until(100), trials, **given).report.more_sessions == 606
    assert examine(prices.until(705), trials, **given).report.verdict.code == "lab_not_enough_data"
    assert examine(prices, trials, **given).report.verdict.code == "lab_no_edge"


STOCK = NAMES[0].with_stocks()
GIVEN: dict[str, Any] = {"benchmark": "SPY", "cost": 0.0, "resamples": 200}


def with_winner(sessions: int, known_from: int) -> Prices:
    """Return a market without an edge but for a stock, which every fund holds. This is known from a session on."""
    prices, shape = invented_prices(sessions, 3), (sessions, 1)
    risen = np.asarray(100 * np.cumprod(np.full(shape, 1.01), axis=0), dtype=np.float64)
    ranks = np.ones((sessions, 14, 1), np.int16)
    return replace(prices, stocks=Stocks(("A",), risen, np.ones(shape), ranks, np.arange(sessions) >= known_from))


def test_hindsight_is_shown_and_not_judged() -> None:
    """The only stock leg knows its holdings too late, and would win."""
    found = examine(with_winner(1100, 500), Trials((NAMES[0], STOCK), COSTS), **GIVEN).report
    assert found.verdict.code == "lab_no_edge"
    assert found.stocks is None
    assert [(each.has_hindsight, each.p_value is None) for each in found.variants] == [(False, False), (True, True)]
    assert [each.is_whole_rule for each in found.variants] == [False, True]
    assert {"lab_hindsight", "lab_stocks_later"} <= {note.code for note in found.notes}
    assert any(line.startswith(f"** {STOCK} (hindsight)  ") for line in lines(found))


def test_the_stock_leg_is_judged_where_holdings_were_known() -> None:
    """By itself: the ETF leg has its sessions and its verdict as before."""
    prices, trials = with_winner(1100, 300), Trials((NAMES[0], STOCK), COSTS)
    found = examine(prices, trials, **GIVEN).report
    alone = examine(replace(prices, stocks=None), trials, **GIVEN).report
    assert (found.verdict, found.sessions, found.costs) == (alone.verdict, alone.sessions, alone.costs)
    assert found.variants[0] == alone.variants[0]
    assert found.stocks is not None and found.stocks.verdict.code == "lab_edge"
    # What was decided in session 300 earns from 302 on.
    assert (found.stocks.first, found.stocks.sessions, found.stocks.judged) == (prices.sessions[302], 798, 1)
    whole = found.variants[1]
    assert (whole.leg, whole.has_hindsight) == ("stocks", False) and whole.p_value is not None and whole.p_value < 0.01
    assert {"lab_stocks_apart", "lab_whole_too"} <= {note.code for note in found.notes}
    page = list(lines(found))
    assert page[1].startswith("Stock leg: edge at cost <= 100 bp: over 798 sessions ")
    assert page.index("The stock leg") < next(at for at, line in enumerate(page) if line.startswith(f"** {STOCK}  "))


@pytest.mark.parametrize(("stored", "known_from"), [(400, 400), (500, 420), (500, 0), (1100, 420)])
def test_exactly_the_sessions_that_are_missing_judge_the_stock_leg(stored: int, known_from: int) -> None:
    prices, trials = with_winner(1200, known_from), Trials((NAMES[0], STOCK), COSTS)

    def examined(sessions: int) -> LabReport:
        return examine(prices.until(sessions), trials, **GIVEN).report

    [more] = [note.params["more"] for note in examined(stored).notes if note.code == "lab_stocks_later"]
    assert examined(stored + more - 1).stocks is None
    assert examined(stored + more).stocks is not None


def test_missing_closes_leave_every_figure_finite() -> None:
    prices = invented_prices(1100, 3)
    prices.closes[:300, 0] = np.nan
    prices.closes[500:520, 1] = np.nan
    found = examine(
        Prices(prices.sessions, prices.tickers, prices.closes, prices.benchmark),
        load(),
        benchmark="SPY",
        cost=0.001,
        resamples=100,
    )
    assert np.isfinite(found.panel.gross).all()
