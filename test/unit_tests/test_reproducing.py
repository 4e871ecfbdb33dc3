"""How revisions are grouped and compared, without a database: old columns, other rows, the order of what was known."""

from typing import Any

import pytest

from batch.revisions import code_version, library_versions
from database.canonical import digest
from database.queries import evidence
from ops.evidence.reproduce import Revision, groups_of, outcome_of

PUBLISHED = "(analytics_etf_top_holdings,etf_ticker,stock_ticker,period_days,analysis_date,total_return)"
ROWS = (
    "(analytics_etf_top_holdings,SPY,NVDA,5,2026-08-21,0.1)",
    '(analytics_etf_top_holdings,XLF,"A ""b""",5,2026-08-21,)',
)
BODY = "\n".join((PUBLISHED, *ROWS))


def revision(position: int = 1, body: str = BODY, **about: Any) -> Revision:
    known = {"job": "top_holdings", "as_of_date": "2026-08-21", "revision": 1, "watermark": {}} | about
    return Revision(position, known, body, digest(body))


def with_column(body: str) -> str:
    """Return a body as a later version of the platform writes it: with one more column."""
    header, *rows = body.split("\n")
    return "\n".join((f"{header[:-1]},noted)", *(f"{row[:-1]},later)" for row in rows)))


def test_the_same_text_is_equal() -> None:
    assert outcome_of(revision(), BODY).is_equal


def test_a_column_that_came_later_is_no_difference() -> None:
    assert outcome_of(revision(), with_column(BODY)).is_equal


@pytest.mark.parametrize("body", [BODY, with_column(BODY)])
def test_another_value_is_named_with_its_row(body: str) -> None:
    [cell] = outcome_of(revision(), body.replace("0.1", "0.2")).cells
    assert str(cell) == (
        "analytics_etf_top_holdings SPY, NVDA, 5, 2026-08-21: total_return 0.1 was published, 0.2 comes out"
    )


def test_a_row_that_only_one_has_is_named() -> None:
    [cell] = outcome_of(revision(), "\n".join((PUBLISHED, ROWS[0]))).cells
    assert str(cell) == 'analytics_etf_top_holdings XLF, A "b", 5, 2026-08-21: only published'


def test_revisions_that_have_read_the_same_share_a_run_in_the_order_of_what_was_known() -> None:
    early, late = {"publications": 3}, {"publications": 3, "collected_daily_etf_ohlc": 1}
    found = groups_of([revision(7, watermark=late), revision(9, watermark=early), revision(8, watermark=late)])
    assert [[each.position for each in group.revisions] for group in found] == [[9], [7, 8]]


def test_other_code_is_said() -> None:
    [code, universe] = outcome_of(revision(code={"sources": "other", "version": "0.1.0"}), BODY).notes
    assert code == "the code is another one than that of 0.1.0"
    assert universe.startswith("the universe")


def test_other_days_and_libraries_are_said() -> None:
    now = library_versions()
    known: dict[str, Any] = {"code": code_version(), "universe": evidence.universe_digest()}
    same = revision(**known, libraries=now, extra_days=evidence.extra_days_digest())
    assert not outcome_of(same, BODY).notes
    other = revision(**known, libraries=now | {"exchange_calendars": "4.0"}, extra_days="another digest")
    days, libraries = outcome_of(other, BODY).notes
    assert "days" in days
    assert libraries == f"other versions compute: exchange_calendars {now['exchange_calendars']} in place of 4.0"
    assert not outcome_of(revision(**known), BODY).notes, "an earlier version noted neither"
