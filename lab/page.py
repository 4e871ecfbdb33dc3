"""The verdict page of ./start.sh lab."""

from collections.abc import Iterable, Iterator, Sequence

from contract.lab import LabLeg, LabReport, LabVariant
from lab.libraries import Compared

# Behind these a figure has no meaning, or no room.
NONE = "–"


def lines(report: LabReport) -> Iterator[str]:
    """Yield the page, line by line: the verdict first, and then what it rests on."""
    yield from verdict(report)
    beside = [each for each in report.variants if not report.stocks or each.leg == "etf"]
    yield from _leg(report, report, beside)
    if report.stocks:
        yield ""
        yield "The stock leg"
        yield from _leg(report.stocks, report, [each for each in report.variants if each.leg == "stocks"])


def verdict(report: LabReport) -> Iterator[str]:
    yield f"Verdict: {report.verdict.sentence}"
    if report.stocks:
        yield f"Stock leg: {report.stocks.verdict.sentence}"
    for note in report.notes:
        yield f"  * {note.sentence}"


def _leg(leg: LabReport | LabLeg, report: LabReport, variants: Sequence[LabVariant]) -> Iterator[str]:
    yield ""
    yield from _facts(leg, report)
    if leg.costs:
        yield ""
        yield from _table(
            ("cost", "p (SPA, all variants)", "out-of-sample Sharpe"),
            [(f"{each.cost_bp:g} bp", _number(each.p_value, 4), _number(each.out_of_sample)) for each in leg.costs],
        )
    if variants:
        yield ""
        yield f"At {report.cost_bp:g} bp, best first. Excess: net above {report.benchmark}, a year. Sharpe: of that"
        if any(each.is_seed for each in variants):
            yield "*  the ETF leg of the seed's rule alone"
        if any(each.is_whole_rule for each in variants):
            yield "** the whole rule, with its stocks: judged only where holdings were known at the time"
        yield from _table(HEADINGS, [_row(each) for each in _best_first(variants)])


def _facts(leg: LabReport | LabLeg, report: LabReport) -> Iterator[str]:
    if leg.first and leg.last:
        yield f"{leg.first} to {leg.last}: {leg.sessions:,} sessions, {leg.judged} variants judged"
    if leg is report and report.more_sessions:
        yield f"Sessions until anything can be said: {report.more_sessions:,}"
    if leg.block is not None:
        yield f"Stationary bootstrap: {report.resamples:,} resamples, mean block {leg.block:.1f} sessions"
        yield f"Best of {leg.judged} by luck alone: yearly Sharpe ratio {_number(leg.expected_best)}"
        yield f"Probability of overfitting (CSCV): {_percent(leg.overfitting)}"
        yield (
            f"Walk-forward at {report.cost_bp:g} bp: yearly Sharpe ratio {_number(leg.in_sample)} where chosen, "
            f"{_number(leg.out_of_sample)} where held"
        )


HEADINGS = (
    "variant",
    "excess",
    "95 % interval",
    "Sharpe",
    "p",
    "PSR",
    "DSR",
    "break-even",
    "turnover",
    "growth",
    "fall",
    "worst year",
    "needs",
)


def _best_first(variants: Iterable[LabVariant]) -> list[LabVariant]:
    return sorted(variants, key=lambda each: (each.has_hindsight, -each.excess))


def _row(each: LabVariant) -> tuple[str, ...]:
    interval = NONE if each.lower is None else f"{_percent(each.lower)} … {_percent(each.upper)}"
    return (
        ("*  " if each.is_seed else "** " if each.is_whole_rule else "   ")
        + each.name
        + (" (hindsight)" if each.has_hindsight else ""),
        _percent(each.excess),
        interval,
        _number(each.sharpe),
        _number(each.p_value, 3),
        _percent(each.probabilistic),
        _percent(each.deflated),
        NONE if each.break_even_bp is None else f"{each.break_even_bp:.0f} bp",
        f"{each.turnover:.1f}",
        _percent(each.growth),
        _percent(each.drawdown),
        f"{each.worst_year} {_percent(each.worst_excess)}",
        NONE if each.sessions_needed is None else f"{each.sessions_needed:,}",
    )


def compared(figures: Iterable[Compared], versions: dict[str, str]) -> Iterator[str]:
    """Yield the second opinion: each figure twice, with the packages' versions."""
    yield "Second opinion: " + ", ".join(f"{name} {version}" for name, version in versions.items())
    yield from _table(
        ("figure", "package", "ours", "theirs", "agrees", "ours", "theirs"),
        [
            (
                each.figure,
                each.package,
                f"{each.ours:.6f}",
                f"{each.theirs:.6f}",
                "yes" if each.agrees else "NO",
                f"{each.our_seconds:.2f} s",
                f"{each.their_seconds:.2f} s",
            )
            for each in figures
        ],
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines with columns under each other: the first to the left, the others to the right.

    >>> print(*_table(("cost", "p"), [("0 bp", "0.5"), ("10 bp", "0.25")]), sep="\\n")
    cost      p
    0 bp    0.5
    10 bp  0.25
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for first, *others in [headings, *rows]:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}".replace("%", " %")


def _number(value: float | None, digits: int = 2) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
