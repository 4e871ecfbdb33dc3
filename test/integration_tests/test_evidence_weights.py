"""What the API says a weight rests on: enough to compute it again, in the versions that its job has read."""

import hashlib
import json
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import market_rows
from batch import spark_active_stock_allocator as allocator
from batch import spark_monthly_portfolio_rebalancer as rebalancer
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from config.config import DatabaseSettings
from database.canonical import link_digest
from database.db_helper import Connection, connect, fetch, transaction
from database.queries import source_answers
from market.invented import InventedMarket
from sample_api import SOURCE_ANSWER, api_on, wait_until

AS_OF = date(2026, 8, 21)
BEFORE = date(2026, 8, 20)
MONTH = date(2026, 8, 23)
EXACT = 1e-12
DIGEST = hashlib.sha256(SOURCE_ANSWER).hexdigest()
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def database(spark: Any, scratch_database: DatabaseSettings) -> DatabaseSettings:
    """Publish a session of an invented market, restate prices, and publish it again. EWY and XLV trend."""
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, InventedMarket(seed=7, until=AS_OF, sessions=40))
        change(
            conn,
            "UPDATE collected_daily_etf_ohlc SET adj_close = adj_close * 2"
            " WHERE ticker IN ('EWY', 'XLV') AND trade_date >= %s",
            BEFORE,
        )
        publish(spark, conn, scratch_database)
        # As a message of Kafka would: with its address, and the digest of the source's answer.
        change(
            conn,
            "UPDATE collected_daily_stock_history SET adj_close = adj_close * 1.01, topic = 'stock-daily-data',"
            " partition_id = 2, kafka_offset = 41, answer_digest = DECODE(%s, 'hex') WHERE trade_date = %s",
            DIGEST,
            AS_OF,
        )
        change(conn, "UPDATE collected_daily_stock_history SET close_price = close_price * 1.1 WHERE ticker = 'KRW=X'")
        change(
            conn,
            "INSERT INTO evidence_source_answer (digest, body) VALUES (DECODE(%s, 'hex'), %s)",
            DIGEST,
            zlib.compress(SOURCE_ANSWER),
        )
        publish(spark, conn, scratch_database)
    return scratch_database


def publish(spark: Any, conn: Connection, database: DatabaseSettings) -> None:
    for module in (identifier, allocator):
        module.run(Job(spark, conn, database, [AS_OF], "a run"))
    rebalancer.run(Job(spark, conn, database, [MONTH], "a run"))


def change(conn: Connection, statement: str, *values: Any) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def conn(database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(database)) as connection:
        yield connection


@pytest.fixture(scope="module")
def api(database: DatabaseSettings) -> Iterator[TestClient]:
    with api_on(database) as client:
        yield client


@pytest.fixture(scope="module")
def ask(api: TestClient) -> Ask:
    def evidence(period: int, ticker: str, **params: int) -> dict[str, Any]:
        response = api.get(f"/evidence/weights/{AS_OF}/{period}/{ticker}", params=params)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    return evidence


def published(conn: Connection) -> list[dict[str, Any]]:
    return fetch(conn, "SELECT period_days, ticker, portfolio_weight FROM analytics_portfolio_allocation ORDER BY 1, 2")


# ── the weight, by hand ──


def dollars(bar: dict[str, Any], column: str) -> float:
    return float(bar[column]) / (bar["rate"]["close_price"] if bar["rate"] else 1.0)


def weights_by_hand(answer: dict[str, Any]) -> dict[str, float]:
    """Compute all weights of the portfolio from nothing but the answer's input rows."""
    start, end = (np.array([dollars(each[at], "adj_close") for each in answer["positions"]]) for at in ("start", "end"))
    caps = np.round([dollars(each["end"], "market_cap") for each in answer["positions"]])
    scores = (end / start - 1) / caps
    weights = scores / scores.sum()
    assert weights.max() <= answer["formula"]["max_position_weight"]
    return {each["ticker"]: weight for each, weight in zip(answer["positions"], weights, strict=True)}


def test_every_weight_follows_from_its_evidence(ask: Ask, conn: Connection) -> None:
    rows = published(conn)
    assert any(row["ticker"].endswith(".KS") for row in rows) and any(row["ticker"].isalpha() for row in rows)
    for row in rows:
        answer = ask(row["period_days"], row["ticker"])
        by_hand = weights_by_hand(answer)
        assert abs(answer["weight"] - row["portfolio_weight"]) == 0
        assert abs(by_hand[row["ticker"]] - row["portfolio_weight"]) <= EXACT
        assert [abs(by_hand[each["ticker"]] - each["portfolio_weight"]) <= EXACT for each in answer["positions"]]
        assert answer["formula"]["cash_weight"] == pytest.approx(1 - sum(by_hand.values()), abs=EXACT)


def test_a_foreign_stock_has_its_rates(ask: Ask, conn: Connection) -> None:
    korean = next(row for row in published(conn) if row["ticker"].endswith(".KS"))
    answer = ask(korean["period_days"], korean["ticker"])
    own = next(each for each in answer["positions"] if each["ticker"] == korean["ticker"])
    for bar in (own["start"], own["end"]):
        assert (bar["currency"], bar["rate"]["ticker"]) == ("KRW", "KRW=X")
        assert bar["rate"]["trade_date"] <= bar["trade_date"]
    assert [etf["etf_ticker"] for etf in answer["etfs"]] == own["source_etfs"] == ["EWY"]


def test_the_first_revision_follows_from_what_was_known_then(ask: Ask, conn: Connection) -> None:
    """Restated prices must not reach back into what was published before."""
    moved = 0
    for row in published(conn):
        newest = ask(row["period_days"], row["ticker"])
        first, second = newest["revisions"]
        assert (first["revision"], second["revision"], second["weight"]) == (1, 2, row["portfolio_weight"])
        if first["weight"] is not None:
            answer = ask(row["period_days"], row["ticker"], revision=1)
            assert (answer["publication"]["revision"], answer["weight"]) == (1, first["weight"])
            assert abs(weights_by_hand(answer)[row["ticker"]] - first["weight"]) <= EXACT
            moved += abs(first["weight"] - second["weight"]) > EXACT
    assert moved > 0


def test_why_the_etfs_trend_follows_from_their_bars(ask: Ask, conn: Connection) -> None:
    for row in published(conn):
        answer = ask(row["period_days"], row["ticker"])
        benchmark = dollars(answer["benchmark"]["end"], "adj_close") / dollars(
            answer["benchmark"]["start"], "adj_close"
        )
        for etf in answer["etfs"]:
            own = dollars(etf["end"], "adj_close") / dollars(etf["start"], "adj_close") - 1
            assert abs(own - etf["period_return"]) <= EXACT
            assert abs(benchmark - 1 - etf["benchmark_return"]) <= EXACT
            assert etf["is_trending"] and own > max(0.0, benchmark - 1)


def test_each_candidate_is_a_holding_of_the_snapshot(ask: Ask, conn: Connection) -> None:
    for row in published(conn):
        for etf in ask(row["period_days"], row["ticker"])["etfs"]:
            held = [(each["stock_ticker"], each["holding_rank"]) for each in etf["holdings"]]
            assert held == [(each["ticker"], each["holding_rank"]) for each in etf["candidates"]]
            chosen = [each for each in etf["candidates"] if each["is_selected"]]
            assert [each["ticker"] for each in chosen] == [row["ticker"]]
            assert all(each["exclusion_reason"] for each in etf["candidates"] if not each["is_selected"])


# ── the month ──


def test_a_monthly_weight_leads_to_the_daily_ones(api: TestClient, ask: Ask, conn: Connection) -> None:
    rows = fetch(conn, "SELECT ticker, final_weight, source_periods, source FROM analytics_monthly_portfolio")
    assert rows
    for row in rows:
        answer = api.get(f"/evidence/weights/monthly/{MONTH}/{row['ticker']}").json()
        published = (row["final_weight"], str(AS_OF), row["source"])
        assert (answer["weight"], answer["as_of_date"], answer["source"]) == published
        scores = np.array([each["score"] for each in answer["positions"]])
        by_hand = dict(zip([each["ticker"] for each in answer["positions"]], scores / scores.sum(), strict=True))
        assert abs(by_hand[row["ticker"]] - row["final_weight"]) <= EXACT
        merged = {each["period_days"]: each for each in answer["portfolios"] if each["weight"] is not None}
        assert sorted(merged) == row["source_periods"]
        for days, each in merged.items():
            daily = ask(days, row["ticker"], revision=each["publication"]["revision"])
            assert (daily["weight"], daily["publication"]) == (each["weight"], each["publication"])


def test_the_first_revision_of_a_month_was_made_of_the_first_portfolios(api: TestClient, conn: Connection) -> None:
    ticker = fetch(conn, "SELECT MIN(ticker) AS ticker FROM analytics_monthly_portfolio")[0]["ticker"]
    answers = [
        api.get(f"/evidence/weights/monthly/{MONTH}/{ticker}", params={"revision": number}).json() for number in (1, 2)
    ]
    read = [[each["publication"]["revision"] for each in answer["portfolios"]] for answer in answers]
    assert read == [[1, 1, 1], [2, 2, 2]]


def test_a_monthly_weight_that_is_not_there_is_refused(api: TestClient) -> None:
    for path, said in (
        (f"{MONTH}/NOBODY", "NOBODY has no weight in the monthly portfolio of 2026-08-23, revision 2"),
        ("2026-07-26/NVDA", "no evidence of the monthly portfolio of 2026-07-26 is kept"),
    ):
        answer = api.get(f"/evidence/weights/monthly/{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "UnknownEvidence")
        assert said in answer.json()["detail"]


# ── versions, chains and answers ──


def versions_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield everything in an answer that names a link of a chain."""
    if isinstance(part, dict):
        if {"chain", "position", "digest"} <= part.keys():
            yield part
        for each in part.values():
            yield from versions_in(each)
    elif isinstance(part, list):
        for each in part:
            yield from versions_in(each)


def test_each_link_is_in_its_chain_and_its_digest_is_right(ask: Ask, conn: Connection) -> None:
    links = {
        (row["chain"], row["position"]): row
        for row in fetch(
            conn,
            "SELECT *, ROW(chain, position, known_at, about)::text AS facts FROM evidence_link ORDER BY 1, 2",
        )
    }
    found = list(versions_in(ask(20, next(row["ticker"] for row in published(conn) if row["period_days"] == 20))))
    assert {each["chain"] for each in found} == {
        "publications",
        "collected_daily_etf_ohlc",
        "collected_daily_stock_history",
        "collected_etf_holdings",
    }
    for each in found:
        link = links[each["chain"], each["position"]]
        before = links.get((each["chain"], each["position"] - 1))
        assert bytes(link["previous"]) == (bytes(before["digest"]) if before else bytes(32))
        body_digest = hashlib.sha256(link["body"].encode()).digest()
        assert link_digest(bytes(link["previous"]), body_digest, link["facts"]).hex() == each["digest"]


def test_a_restated_bar_has_its_message_and_the_sources_answer(ask: Ask, api: TestClient, conn: Connection) -> None:
    row = published(conn)[0]
    own = next(each for each in ask(row["period_days"], row["ticker"])["positions"] if each["ticker"] == row["ticker"])
    assert own["end"]["trade_date"] == str(AS_OF)
    version = own["end"]["version"]
    assert version["kafka"] == {"topic": "stock-daily-data", "partition": 2, "offset": 41}
    assert (own["start"]["version"]["kafka"], own["start"]["version"]["answer_digest"]) == (None, None)
    answer = api.get(f"/evidence/answers/{version['answer_digest']}")
    assert (answer.status_code, answer.content) == (200, SOURCE_ANSWER)
    assert hashlib.sha256(answer.content).hexdigest() == version["answer_digest"]
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("application/json", "nosniff")


def test_an_answer_that_is_packed_against_another_one_is_sent_whole(api: TestClient, conn: Connection) -> None:
    """As every answer of a ticker is from its second day on."""
    first, second = (json.dumps([math.sqrt(number) for number in range(2_000 + more)]).encode() for more in (0, 1))
    names = [hashlib.sha256(each).hexdigest() for each in (first, second)]
    source_answers.keep(conn, names[0], first)
    source_answers.keep(conn, names[1], second, like=names[0])
    [row] = fetch(
        conn, "SELECT base FROM evidence_source_answer WHERE digest = DECODE(%(digest)s, 'hex')", {"digest": names[1]}
    )
    assert bytes(row["base"]).hex() == names[0]
    answer = api.get(f"/evidence/answers/{names[1]}")
    assert (answer.status_code, answer.content) == (200, second)


def test_what_is_no_json_is_sent_as_bytes(api: TestClient, conn: Connection) -> None:
    page = b"<html><script>alert(1)</script>"
    digest = hashlib.sha256(page).hexdigest()
    change(conn, "INSERT INTO evidence_source_answer VALUES (DECODE(%s, 'hex'), %s)", digest, zlib.compress(page))
    answer = api.get(f"/evidence/answers/{digest}")
    assert (answer.content, answer.headers["content-type"]) == (page, "application/octet-stream")


@pytest.mark.parametrize("body", [zlib.compress(b"something else"), b"not compressed"])
def test_an_answer_that_was_changed_is_not_shown(api: TestClient, conn: Connection, body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest()
    change(conn, "INSERT INTO evidence_source_answer VALUES (DECODE(%s, 'hex'), %s)", digest, body)
    answer = api.get(f"/evidence/answers/{digest}")
    assert (answer.status_code, answer.json()["error"]) == (500, "EvidenceChanged")
    assert digest in answer.json()["detail"] and "./start.sh verify" in answer.json()["detail"]


def test_heads_are_the_newest_links(api: TestClient, conn: Connection) -> None:
    rows = fetch(
        conn,
        "SELECT DISTINCT ON (chain) chain, position, ENCODE(digest, 'hex') AS digest FROM evidence_link"
        " ORDER BY chain, position DESC",
    )
    heads = api.get("/evidence/head").json()["heads"]
    assert [{name: head[name] for name in ("chain", "position", "digest")} for head in heads] == rows


def test_a_chain_can_be_followed_down_from_its_head_and_computed_again(api: TestClient) -> None:
    """By a reader who has nothing but the head and what is served."""
    [head] = [each for each in api.get("/evidence/head").json()["heads"] if each["chain"] == "publications"]
    digest, position = head["digest"], head["position"]
    while position:
        link = api.get(f"/evidence/links/publications/{position}").json()
        covered = bytes.fromhex(link["previous"] + link["body_digest"]) + link["facts"].encode()
        assert hashlib.sha256(covered).hexdigest() == digest
        assert hashlib.sha256(link["body"].encode()).hexdigest() == link["body_digest"]
        digest, position = link["previous"], position - 1
    assert digest == "0" * 64


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("publications/1000000", 404, "there is no link 1000000 of a chain publications"),
        ("nobodys/1", 404, "there is no link 1 of a chain nobodys"),
        ("P;/1", 422, "a chain, like publications"),
        ("publications/0", 422, "position"),
    ],
)
def test_a_link_that_is_not_there_is_refused(api: TestClient, path: str, status: int, said: str) -> None:
    answer = api.get(f"/evidence/links/{path}")
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.json()


@pytest.mark.parametrize(
    ("path", "status", "error", "said"),
    [
        (
            f"{AS_OF}/20/NOBODY",
            404,
            "UnknownEvidence",
            "NOBODY has no weight in the 20-session portfolio of 2026-08-21",
        ),
        ("2026-08-20/20/NVDA", 404, "UnknownEvidence", "no evidence of the portfolios of 2026-08-20 is kept"),
        (
            f"{AS_OF}/20/NVDA?revision=3",
            404,
            "UnknownEvidence",
            "there is no revision 3 of the portfolios of",
        ),
        (f"{AS_OF}/7/NVDA", 422, "InvalidParameter", "period_days: choose one of 5, 10, 20"),
        ("2026-08-22/20/NVDA", 422, "NotASession", "the nearest are 2026-08-21"),
    ],
)
def test_a_weight_that_is_not_there_is_refused(api: TestClient, path: str, status: int, error: str, said: str) -> None:
    answer = api.get(f"/evidence/weights/{path}")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert said in answer.json()["detail"]


def test_a_publication_whose_rows_were_changed_is_not_shown(api: TestClient, conn: Connection) -> None:
    """Last: nothing of the session can be shown any more."""
    ticker = next(row["ticker"] for row in published(conn) if row["period_days"] == 20)
    change(conn, "ALTER TABLE evidence_link DISABLE TRIGGER evidence_is_never_changed")
    change(
        conn,
        "UPDATE evidence_link SET body = REPLACE(body, 'f', 't') WHERE chain = 'publications'"
        " AND about ->> 'job' = 'allocation'",
    )
    path = f"/evidence/weights/{AS_OF}/20/{ticker}"
    wait_until(lambda: api.get(path).status_code != 200, 3)
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]) == (500, "EvidenceChanged")
    assert "./start.sh verify names what was changed" in answer.json()["detail"]
