"""A publication is a revision: made when its rows or inputs are new, and the record follows the first one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from api import trades
from batch import batch_monthly_sector_analyzer, spark_portfolio_performance
from batch.inputs import Inputs
from batch.publishing import Publication, TablePart, publish, rows_for
from batch.runner import Job
from config.config import DatabaseSettings
from config.exchange_days import ExtraDay
from database import canonical, tables
from database.db_helper import Connection, connect, fetch, held_alone, transaction
from database.queries import decisions, evidence, portfolios, track_record
from database.queries.corrections import corrections
from database.queries.held import held
from database.queries.paging import Found
from ops.evidence.verify import verify
from scratch_databases import a_database
from utils.dates import close_of, session_after, sessions_between, valid_until
from utils.errors import InvalidInput
from utils.reasons import reason

FRIDAY, THURSDAY, WEDNESDAY = date(2026, 8, 21), date(2026, 8, 20), date(2026, 8, 19)
MONDAY = date(2026, 8, 24)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def conn(empty_database: DatabaseSettings) -> Iterator[Connection]:
    with a_database(empty_database.name) as own, closing(connect(own)) as conn:
        yield conn


def inputs(**texts: str) -> Inputs:
    """Return inputs whose digest rests on one text for each day."""
    return Inputs(
        "SELECT day AS as_of_date, sha256(convert_to(text, 'UTF8')) AS digest "
        "FROM UNNEST(%(days)s::date[], %(texts)s::text[]) AS input_row (day, text)",
        {"days": [day.replace("_", "-") for day in texts], "texts": list(texts.values())},
    )


SAME = inputs(**{"2026_08_21": "same"})
OTHER = inputs(**{"2026_08_21": "other"})


def allocate(
    conn: Connection, weights: dict[str, float], rests_on: Inputs = SAME, day: date = FRIDAY, **values: Any
) -> None:
    """Publish a portfolio over 20 sessions."""
    source, run_id = values.pop("source", "yahoo"), values.pop("run_id", "a run")
    portfolio = Publication(
        "allocation", day, 20, len(weights), source, cash_weight=1.0 - sum(weights.values()), **values
    )
    publish_portfolios(conn, day, positions(weights, day, source=source), [portfolio], rests_on, run_id)


def allocate_each(conn: Connection, held: dict[int, dict[str, float]], rests_on: Inputs) -> None:
    """Publish Friday's portfolios over several periods: their weights. One without any is not computable."""
    portfolios = [
        Publication(
            *("allocation", FRIDAY, days, len(weights), "yahoo", "published" if weights else "not_computable"),
            cash_weight=1.0 - sum(weights.values()),
        )
        for days, weights in held.items()
    ]
    rows = [row for days, weights in held.items() for row in positions(weights, FRIDAY, period_days=days)]
    publish_portfolios(conn, FRIDAY, rows, portfolios, rests_on)


def positions(weights: dict[str, float], day: date, **values: Any) -> list[list[Any]]:
    given = {
        "as_of_date": day,
        "period_days": 20,
        "period_return": 0.1,
        "score": 1e-13,
        "market_cap": 10**12,
        "market_cap_source": "quoted",
        "source_etfs": ["SPY"],
        "allocation_reason": '[{"code": "text", "params": {"text": "best"}}]',
        "holdings_as_of": day,
        "start_session": day,
        "end_session": day,
        "source": "yahoo",
        **values,
    }
    return [
        [
            (given | {"ticker": ticker, "portfolio_weight": weight, "position_rank": rank}).get(
                column, False if column.startswith("is_") else None
            )
            for column in tables.PORTFOLIO_ALLOCATION.columns
        ]
        for rank, (ticker, weight) in enumerate(weights.items(), 1)
    ]


def publish_portfolios(
    conn: Connection,
    day: date,
    rows: list[list[Any]],
    portfolios: list[Publication],
    rests_on: Inputs,
    run_id: str = "a run",
) -> None:
    nothing: Any = None
    part = TablePart(tables.PORTFOLIO_ALLOCATION, {"as_of_date": day}, rows)
    publish(Job(nothing, conn, nothing, [day], run_id), "allocation", [part], portfolios, rests_on)


def follow(conn: Connection, net: list[float], rests_on: Inputs = SAME) -> None:
    """Publish the record of the portfolio over 20 sessions: its net value at each session from Wednesday on."""
    nothing: Any = None
    days = sessions_between(WEDNESDAY, MONDAY)[: len(net)]
    given = {
        **dict.fromkeys([*tables.PORTFOLIO_PERFORMANCE.columns, *tables.PERFORMANCE_SUMMARY.columns], 0),
        **dict.fromkeys(("carried_reason", "not_annualised_reason", "benchmark_value", "benchmark_drawdown")),
        **{"period_days": 20, "decided_on": WEDNESDAY, "first_session": WEDNESDAY, "source": "yahoo"},
        **{"gross_value": 1.0, "is_degraded": False, "has_hindsight": False},
    }
    values = zip(days, net, strict=True)
    rows = [given | {"trade_date": day, "last_session": day, "net_value": value} for day, value in values]
    parts = [
        TablePart(table, {"period_days": [20]}, rows_for(table, rows))
        for table in (tables.PORTFOLIO_PERFORMANCE, tables.PERFORMANCE_SUMMARY)
    ]
    line = Publication("performance", days[-1], 0, 1, "yahoo")
    job = Job(nothing, conn, nothing, days[-1:], "a run")
    publish(job, "performance", parts, [line], rests_on, recomputed_days=days)


def rebalance(
    conn: Connection, weights: dict[str, float], on: date, rests_on: Inputs, status: str = "published"
) -> None:
    """Publish a monthly portfolio."""
    nothing: Any = None
    given = {"rebalance_date": on, "valid_until": valid_until(on), "as_of_date": on, "score": 1e-13}
    given |= {"source_periods": [5], "is_degraded": False, "source": "yahoo"}
    rows = [
        [
            (given | {"ticker": ticker, "final_weight": weight, "final_rank": rank}).get(column)
            for column in tables.MONTHLY_PORTFOLIO.columns
        ]
        for rank, (ticker, weight) in enumerate(weights.items(), 1)
    ]
    part = TablePart(tables.MONTHLY_PORTFOLIO, {"rebalance_date": on}, rows)
    month = Publication("rebalance", on, 0, len(rows), "yahoo", status, cash_weight=0.0 if weights else 1.0)
    publish(Job(nothing, conn, nothing, [on], "a run"), "rebalance", [part], [month], rests_on)


def links(conn: Connection) -> list[Any]:
    return fetch(conn, "SELECT * FROM evidence_link WHERE chain = 'publications' ORDER BY position")


def followed(conn: Connection) -> dict[str, float]:
    return {row["ticker"]: row["weight"] for row in fetch(conn, decisions.POSITIONS)}


def nothing_is_wrong(conn: Connection) -> bool:
    return not [finding for _, _, findings in verify(conn) for finding in findings]


def test_the_same_again_is_no_revision(conn: Connection) -> None:
    allocate(conn, {"NVDA": 1.0})
    allocate(conn, {"NVDA": 1.0}, run_id="another run")
    [link] = links(conn)
    about = link["about"]
    assert (about["job"], about["as_of_date"], about["revision"]) == ("allocation", "2026-08-21", 1)
    assert about["output_digest"] == canonical.digest(link["body"]).hex() == bytes(link["body_digest"]).hex()
    assert about["code"]["version"] and about["libraries"]["pyspark"] and len(about["universe"]) == 64
    assert "a run" not in link["body"]


def test_other_rows_or_other_inputs_are_a_new_revision(conn: Connection) -> None:
    allocate(conn, {"NVDA": 1.0})
    allocate(conn, {"NVDA": 1.0}, OTHER)
    allocate(conn, {"NVDA": 0.5, "AAPL": 0.5}, OTHER)
    allocate(conn, {"NVDA": 1.0})
    made = [link["about"] for link in links(conn)]
    assert [about["revision"] for about in made] == [1, 2, 3, 4]
    digests = [about["output_digest"] for about in made]
    assert digests[0] == digests[1] == digests[3] != digests[2]
    assert [about["watermark"].get("publications", 0) for about in made] == [0, 1, 2, 3]
    assert nothing_is_wrong(conn)


def test_a_day_of_a_range_has_the_digest_of_the_day_alone(conn: Connection) -> None:
    together = inputs(**{"2026_08_20": "of Thursday", "2026_08_21": "same"})
    assert together.digests(conn, [THURSDAY, FRIDAY])[FRIDAY] == SAME.digests(conn, [FRIDAY])[FRIDAY]
    growing = Inputs(together.query, together.params, grows=True)
    assert growing.digests(conn, [FRIDAY]) == {FRIDAY: growing.digests(conn, [THURSDAY, FRIDAY])[FRIDAY]}
    assert growing.digests(conn, [FRIDAY]) != together.digests(conn, [FRIDAY])


def test_the_body_has_every_row_with_its_columns(conn: Connection) -> None:
    allocate(conn, {"NVDA": 0.25, "AAPL": 0.5})
    [link] = links(conn)
    rows = evidence.rows_of(link["body"])
    assert list(rows) == ["analytics_publication", "analytics_portfolio_allocation", "analytics_allocation_candidates"]
    positions = rows["analytics_portfolio_allocation"]
    assert [(row["ticker"], row["portfolio_weight"], row["source_etfs"]) for row in positions] == [
        ("AAPL", "0.5", "{SPY}"), ("NVDA", "0.25", "{SPY}"),
    ]  # fmt: skip
    assert rows["analytics_publication"][0]["cash_weight"] == "0.25"


def test_the_record_follows_the_first_revision(conn: Connection) -> None:
    allocate(conn, {"NVDA": 1.0})
    allocate(conn, {"NVDA": 0.25, "AAPL": 0.75}, OTHER)
    assert followed(conn) == {"NVDA": 1.0}
    [correction] = corrections(conn, None).rows
    assert (correction.job, correction.as_of_date, correction.revision) == ("allocation", FRIDAY, 2)
    assert (correction.changed, correction.difference) == (["inputs"], 0.75)
    assert corrections(conn, THURSDAY) == Found(0, [])
    assert track_record.performance(conn, None).corrections == [correction]


@pytest.mark.parametrize(
    ("first", "later", "difference"),
    [
        ({}, {"NVDA": 1.0}, 1.0),
        ({"NVDA": 0.5}, {"NVDA": 0.25}, 0.25),
        ({"NVDA": 0.5}, {"NVDA": 0.25, "MU": 0.75}, 0.75),
    ],
)
def test_a_correction_counts_cash_as_a_weight(
    conn: Connection, first: dict[str, float], later: dict[str, float], difference: float
) -> None:
    allocate(conn, first, status="published" if first else "empty")
    allocate(conn, later, OTHER)
    assert [each.difference for each in corrections(conn, None).rows] == [difference]


def test_each_period_is_compared_with_what_the_record_follows_of_it(conn: Connection) -> None:
    """Over 20 sessions the first portfolio is the third revision's."""
    for text, over_5, over_20 in (
        ("one", {"NVDA": 1.0}, {}),
        ("two", {"NVDA": 1.0}, {}),
        ("three", {"NVDA": 1.0}, {"AAPL": 1.0}),
        ("four", {"NVDA": 1.0}, {"AAPL": 0.75, "MU": 0.25}),
    ):
        allocate_each(conn, {5: over_5, 20: over_20}, inputs(**{"2026_08_21": text}))
    assert [(each.revision, each.difference) for each in corrections(conn, None).rows] == [(4, 0.25)]


def test_corrections_beyond_the_listed_ones_are_counted(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [WEDNESDAY, THURSDAY, FRIDAY]
    for day in days:
        allocate(conn, {"NVDA": 1.0}, inputs(**{str(day).replace("-", "_"): "same"}), day)
        allocate(conn, {"NVDA": 0.25, "AAPL": 0.75}, inputs(**{str(day).replace("-", "_"): "other"}), day)
    monkeypatch.setattr("database.queries.corrections.LIMIT", 2)
    found = corrections(conn, None)
    assert (found.total, [each.as_of_date for each in found.rows]) == (3, [FRIDAY, THURSDAY])
    assert corrections(conn, WEDNESDAY).total == 1
    answer = track_record.performance(conn, None)
    assert (answer.correction_count, len(answer.corrections)) == (3, 2)


def test_a_correction_says_that_an_exchange_was_open_on_other_days(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocate(conn, {"NVDA": 1.0})
    monkeypatch.setattr(evidence, "extra_days", lambda: (ExtraDay("XKRX", FRIDAY, False, "an election"),))
    allocate(conn, {"NVDA": 0.25, "AAPL": 0.75})
    [correction] = corrections(conn, None).rows
    assert correction.changed == ["calendar"]


def test_stage_4_collects_what_is_followed_and_what_is_shown(conn: Connection) -> None:
    """A correction changes what a reader sees, and not what the record holds."""
    allocate(conn, {"NVDA": 1.0})
    allocate(conn, {"AAPL": 1.0}, OTHER)
    assert held(conn, MONDAY) == ["AAPL", "NVDA"]
    allocate(conn, {}, status="not_computable", reason=[reason("no_portfolio_yet")])
    assert held(conn, MONDAY) == ["NVDA"]


def test_a_portfolio_that_was_not_computable_decided_nothing(conn: Connection) -> None:
    allocate(conn, {}, status="not_computable", reason=[reason("text", text="too little history")])
    allocate(conn, {"NVDA": 1.0}, OTHER)
    allocate(conn, {"AAPL": 1.0}, OTHER)
    assert followed(conn) == {"NVDA": 1.0}


def test_the_record_is_shown_as_published_and_its_figures_are_of_what_was_known(conn: Connection) -> None:
    """Friday's value is corrected when Monday's is published, and once more after that."""

    def shown(as_of: date | None = None) -> tuple[list[float], list[float]]:
        [portfolio] = track_record.performance(conn, as_of).portfolios
        return portfolio.net, portfolio.known_net

    follow(conn, [1.0, 1.01, 1.02])
    assert shown() == ([1.0, 1.01, 1.02], [1.0, 1.01, 1.02])
    follow(conn, [1.0, 1.01, 1.07, 1.08], OTHER)
    assert shown() == ([1.0, 1.01, 1.02, 1.08], [1.0, 1.01, 1.07, 1.08])
    follow(conn, [1.0, 1.01, 1.04, 1.08])
    assert shown() == ([1.0, 1.01, 1.02, 1.08], [1.0, 1.01, 1.07, 1.08])
    assert shown(FRIDAY) == ([1.0, 1.01, 1.02], [1.0, 1.01, 1.02])


def test_what_is_held_is_sold_by_the_next_decision_alone(conn: Connection) -> None:
    """Whatever became of it later."""
    not_computable: dict[str, Any] = {"status": "not_computable", "reason": [reason("text", text="no history")]}
    allocate(conn, {}, **not_computable)
    assert held(conn, MONDAY) == []
    allocate(conn, {"NVDA": 1.0}, OTHER)
    allocate(conn, {}, SAME, **not_computable)
    assert (held(conn, FRIDAY), held(conn, MONDAY)) == ([], ["NVDA"])
    allocate(conn, {"XOM": 1.0}, inputs(**{"2026_08_24": "next"}), MONDAY)
    allocate(conn, {}, inputs(**{"2026_08_24": "late"}), MONDAY, **not_computable)
    tuesday, wednesday = session_after(MONDAY, 1), session_after(MONDAY, 2)
    assert (held(conn, tuesday), held(conn, wednesday)) == (["NVDA", "XOM"], ["XOM"])
    assert held(conn, wednesday, MONDAY) == ["NVDA", "XOM"]


def test_the_month_s_stocks_are_held_as_well(conn: Connection) -> None:
    sunday = date(2026, 7, 26)
    for text, weights, status, on_friday in (
        ("one", {"NVDA": 1.0}, "published", ["NVDA"]),
        ("two", {"AAPL": 1.0}, "published", ["AAPL", "NVDA"]),
        ("three", {}, "not_computable", ["NVDA"]),
    ):
        rebalance(conn, weights, sunday, inputs(**{"2026_07_26": text}), status)
        assert (held(conn, FRIDAY), held(conn, MONDAY)) == (on_friday, []), "sold at its 20th session"


def test_a_month_is_traded_from_the_one_that_the_record_follows(conn: Connection) -> None:
    """July's month was corrected, and was not computable in the end. Whoever follows the record holds the first one."""
    july, august = date(2026, 7, 26), date(2026, 8, 16)
    rebalance(conn, {"NVDA": 1.0}, july, inputs(**{"2026_07_26": "one"}))
    rebalance(conn, {"AAPL": 1.0}, july, inputs(**{"2026_07_26": "two"}))
    rebalance(conn, {"XOM": 1.0}, august, inputs(**{"2026_08_16": "one"}))

    def traded_from() -> tuple[date | None, list[str], list[tuple[str, float, float]]]:
        month, found = portfolios.monthly(conn, august), trades.monthly(conn, august, 10_000.0)
        assert month and found
        moves = [(each.ticker, each.held_weight, each.target_weight) for each in found.trades]
        return month.previous_rebalance_date, [each.ticker for each in month.removed], moves

    expected = (july, ["NVDA"], [("XOM", 0.0, 1.0), ("NVDA", 1.0, 0.0)])
    assert traded_from() == expected
    rebalance(conn, {}, july, inputs(**{"2026_07_26": "three"}), "not_computable")
    assert traded_from() == expected


NEXT_CLOSE = close_of(MONDAY)


@pytest.mark.parametrize(
    ("known_at", "answered_at", "source", "is_late"),
    [
        (NEXT_CLOSE, None, "yahoo", False),
        (NEXT_CLOSE + MINUTE, NEXT_CLOSE - MINUTE, "yahoo", True),
        (NEXT_CLOSE + 90 * DAY, NEXT_CLOSE, "simulated", False),
        (NEXT_CLOSE - 90 * DAY, NEXT_CLOSE + MINUTE, "recorded", True),
        (NEXT_CLOSE + 90 * DAY, None, "simulated", False),
    ],
    ids=["in time", "too late", "in time by the market's clock", "too late by the market's clock", "before any bar"],
)
def test_a_portfolio_known_only_after_it_is_bought_is_hindsight(
    conn: Connection, known_at: datetime, answered_at: datetime | None, source: str, is_late: bool
) -> None:
    """Friday's is bought at Monday's close. A correction changes nothing of when the first one was known."""
    nothing: Any = None
    job = Job(nothing, conn, nothing, [MONDAY], "a run")
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO collected_daily_etf_ohlc (ticker, trade_date, open_price, high_price, low_price, close_price, "
            "adj_close, volume, fetched_at, source) SELECT 'SPY', %s, 1, 1, 1, 1, 1, 1, answered_at, %s "
            "FROM (SELECT %s::timestamptz AS answered_at) AS bar WHERE answered_at IS NOT NULL",
            (FRIDAY, source, answered_at),
        )
    allocate(conn, {"NVDA": 1.0}, source=source)
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("ALTER TABLE evidence_link DISABLE TRIGGER USER")
        cursor.execute("UPDATE evidence_link SET known_at = %s WHERE chain = 'publications'", (known_at,))
        cursor.execute("ALTER TABLE evidence_link ENABLE ALWAYS TRIGGER evidence_is_never_changed")
    allocate(conn, {"AAPL": 1.0}, OTHER, source=source)
    assert [each.has_hindsight for each in spark_portfolio_performance.published_decisions(job)] == [is_late]


@pytest.mark.parametrize("module", [spark_portfolio_performance, batch_monthly_sector_analyzer])
def test_a_run_reads_what_the_one_before_it_has_published(
    module: Any, empty_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes its moment behind the wait: of two runs none publishes over what the other has added."""
    has_read = Event()

    @contextmanager
    def moment(_: Job) -> Iterator[Job]:
        has_read.set()
        raise InvalidInput("enough")
        yield

    monkeypatch.setattr(Job, "of_one_moment", moment)
    nothing: Any = None
    with (
        closing(connect(empty_database)) as conn,
        closing(connect(empty_database)) as other,
        ThreadPoolExecutor(1) as beside,
    ):
        with held_alone(other, f"run {module.NAME}"):
            running = beside.submit(module.run, Job(nothing, conn, nothing, [FRIDAY], "a run"))
            assert not has_read.wait(0.5)
        assert has_read.wait(10)
        assert isinstance(running.exception(), InvalidInput)
        with held_alone(other, f"run {module.NAME}"):
            pass  # What failed holds nothing.


def test_what_an_older_version_published_is_the_first_revision(conn: Connection) -> None:
    allocate(conn, {"NVDA": 1.0})
    with transaction(conn), conn.cursor() as cursor:  # as a database that has been brought to this version
        for table in ("evidence_link", "evidence_publication", "evidence_portfolio_allocation"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER evidence_is_never_changed")
    assert followed(conn) == {"NVDA": 1.0}
    assert held(conn, MONDAY) == ["NVDA"]
    allocate(conn, {"AAPL": 1.0})
    first, second = links(conn)
    assert (first["about"]["revision"], first["about"]["code"]) == (1, None)
    assert (second["about"]["revision"], second["about"]["watermark"]) == (2, {})
    assert followed(conn) == {"NVDA": 1.0}
    nothing: Any = None
    [decision] = spark_portfolio_performance.published_decisions(Job(nothing, conn, nothing, [MONDAY], "a run"))
    assert not decision.has_hindsight, "of when it was known nothing is known"
    assert [correction.changed for correction in corrections(conn, None).rows] == [[]]
    assert nothing_is_wrong(conn)


def test_a_publication_that_is_not_stored_leaves_no_revision(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(evidence, "keep_rows", broken)
    with pytest.raises(OSError, match="the disk is full"):
        allocate(conn, {"NVDA": 1.0})
    assert links(conn) == []
    assert fetch(conn, "SELECT 1 FROM analytics_publication") == []
