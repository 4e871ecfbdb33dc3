"""Returns of stored closes across a break: they have no value, wherever they are computed."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import stored_close

# SPY has a split on 12 August that the closes before lack, and an odd dividend before and after it. XLF's bar waits for
# a person, QQQ's waited. The rate of EWY, which is quoted in won, breaks.
TROUBLES = """
    UPDATE collected_daily_etf_ohlc SET adj_close = adj_close / 2 WHERE ticker = 'SPY' AND trade_date >= '2026-08-12';
    UPDATE collected_daily_etf_ohlc SET currency = 'KRW' WHERE ticker = 'EWY';
    INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) VALUES
        ('etf', 'SPY', '2026-08-12', TRUE, '[{"code": "stale_split", "params": {"session": "2026-08-12"}}]', now()),
        ('etf', 'SPY', '2026-08-05', FALSE, '[{"code": "text", "params": {"text": "an odd dividend"}}]', now()),
        ('etf', 'SPY', '2026-08-19', FALSE, '[{"code": "text", "params": {"text": "an odd one"}}]', now()),
        ('etf', 'QQQ', '2026-08-12', TRUE, '[{"code": "text", "params": {"text": "a step"}}]', now()),
        ('etf', 'XLF', '2026-08-13', TRUE, '[{"code": "text", "params": {"text": "a step"}}]', now()),
        ('rate', 'KRW=X', '2026-08-18', TRUE, '[{"code": "text", "params": {"text": "a step"}}]', now());
    INSERT INTO logs_consumer_error
        (raw_value, error_msg, received_at, topic, partition_id, kafka_offset, ticker, trade_date)
    VALUES ('{}', 'a step', '2026-08-24 12:01+00', 'etf-daily-data', 1, 4, 'XLF', '2026-08-13'),
        ('{}', 'a step', '2026-08-24 12:01+00', 'stock-daily-data', 1, 5, 'KRW=X', '2026-08-18');
"""


@pytest.mark.parametrize(
    ("query", "withheld_from", "doubts"),
    [
        ("", "2026-08-12", ["2026-08-05", "2026-08-19"]),
        ("from=2026-08-05", "2026-08-12", ["2026-08-19"]),
        ("from=2026-08-11&to=2026-08-14", "2026-08-12", []),
        ("from=2026-08-12", None, ["2026-08-19"]),
        ("from=2026-07-13&to=2026-08-11", None, ["2026-08-05"]),
    ],
)
def test_the_benchmarks_return_ends_where_its_prices_break(
    api: TestClient, sample_database: DatabaseSettings, query: str, withheld_from: str | None, doubts: list[str]
) -> None:
    series = api.get(f"/dashboard/spy-benchmark?limit=1000&{query}").json()
    first = stored_close(sample_database, "SPY", series["points"][0]["trade_date"])
    for point in series["points"]:
        if withheld_from and point["trade_date"] >= withheld_from:
            assert point["cumulative_return"] is None
        else:
            assert point["cumulative_return"] == pytest.approx(point["adj_close"] / first - 1)
    assert bool(series["missing_reasons"]) is (withheld_from is not None)
    assert [each["params"]["session"] for each in series["missing_reasons"]] == [withheld_from] * bool(withheld_from)
    assert [each["params"]["session"] for each in series["degraded_reasons"]] == doubts


def test_a_part_of_the_series_says_the_same_as_the_whole(api: TestClient) -> None:
    part = api.get("/dashboard/spy-benchmark?from=2026-08-03&limit=2").json()
    assert [each["cumulative_return"] for each in part["points"]] == [None, None]
    first = api.get("/dashboard/spy-benchmark?from=2026-08-03&limit=2&offset=13").json()["points"]
    assert [each["trade_date"] for each in first] == ["2026-08-03", "2026-08-04"]
    assert first[0]["cumulative_return"] == 0
    assert first[1]["cumulative_return"] == pytest.approx(first[1]["adj_close"] / first[0]["adj_close"] - 1)


def test_a_range_without_sessions_has_nothing_to_say(api: TestClient) -> None:
    series = api.get("/dashboard/spy-benchmark?from=2026-08-15&to=2026-08-16").json()
    assert (series["points"], series["missing_reason"], series["degraded_reason"]) == ([], None, None)


@pytest.mark.parametrize(
    ("sessions", "breaks"),
    [
        (21, {"SPY": ["2026-08-12"], "XLF": ["2026-08-13"], "EWY": ["2026-08-18"], "QQQ": []}),
        (8, {"SPY": [], "XLF": ["2026-08-13"], "EWY": ["2026-08-18"], "QQQ": []}),  # from the 12th on
        (4, {"SPY": [], "XLF": [], "EWY": [], "QQQ": []}),
    ],
)
def test_closes_come_with_the_days_from_which_they_do_not_go_on(
    api: TestClient, sessions: int, breaks: dict[str, list[str]]
) -> None:
    answer = api.get(f"/dashboard/etf-benchmark?sessions={sessions}").json()
    assert {each["ticker"]: each["breaks"] for each in answer["etfs"] if each["ticker"] in breaks} == breaks
    [spy] = [each for each in answer["etfs"] if each["ticker"] == "SPY"]
    assert None not in spy["adj_closes"], "the closes themselves are what is stored"
