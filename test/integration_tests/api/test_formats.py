"""Every list in every format: the same rows, the right headers, and no format in the place of another."""

import csv
import io
from typing import Any

import httpx
import pytest
from arro3.io import read_ipc_stream, read_parquet
from fastapi.testclient import TestClient

from sample_api import KNOWN, NOTICED_WITHIN_SECONDS, wait_until

PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
MEDIA_TYPES = {"json": "application/json", "csv": "text/csv", "parquet": PARQUET, "arrow": ARROW}


def lists(api: TestClient) -> list[str]:
    document = api.get("/openapi.json").json()
    return [
        path.format(**KNOWN)
        for path, operations in document["paths"].items()
        if "text/csv" in operations["get"]["responses"]["200"]["content"]
    ]


def columns(table: Any) -> dict[str, list[Any]]:
    return {name: table.column(name).to_pylist() for name in table.schema.names}


def test_lists_are_many_and_those_that_grow_are_among_them(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        asked = {parameter["name"] for parameter in operations["get"].get("parameters", [])}
        if "limit" in asked:
            assert set(operations["get"]["responses"]["200"]["content"]) == set(MEDIA_TYPES.values()), path
            assert "format" in asked, path
    assert len(lists(api)) > 20


def test_all_formats_of_every_list_have_the_same_rows(api: TestClient) -> None:
    for path in lists(api):
        asked = {name: api.get(path, headers={"Accept": accept}) for name, accept in MEDIA_TYPES.items()}
        for name, answer in asked.items():
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["Content-Type"].partition(";")[0] == MEDIA_TYPES[name], path
        parquet = columns(read_parquet(io.BytesIO(asked["parquet"].content)).read_all())
        arrow = columns(read_ipc_stream(io.BytesIO(asked["arrow"].content)).read_all())
        header, *rows = csv.reader(io.StringIO(asked["csv"].text, newline=""))
        assert parquet == arrow, path
        assert list(parquet) == header, path
        assert {len(values) for values in parquet.values()} == {len(rows)}, path
        assert len({answer.headers["ETag"] for answer in asked.values()}) == len(asked), path


def test_rows_are_those_of_the_json(api: TestClient) -> None:
    whole = api.get("/portfolios/weights").json()["weights"]
    table = columns(read_parquet(io.BytesIO(api.get("/portfolios/weights?format=parquet").content)).read_all())
    for name in ("ticker", "weight", "rank", "market_cap", "source_etfs", "is_degraded", "degraded_reason"):
        assert table[name] == [row[name] for row in whole], name
    assert [str(day) for day in table["session"]] == [row["session"] for row in whole]
    assert [each.isoformat().replace("+00:00", "Z") for each in table["published_at"]] == [
        row["published_at"] for row in whole
    ]


def test_a_portfolio_without_positions_is_one_row_that_says_why(api: TestClient) -> None:
    [row] = csv.DictReader(io.StringIO(api.get("/stocks/portfolio?period_days=5&format=csv").text))
    assert (row["status"], row["cash_weight"], row["ticker"]) == ("empty", "1.0", "")
    assert row["reason"] == "no ETF trends over 5 sessions"
    table = columns(
        read_parquet(io.BytesIO(api.get("/stocks/portfolio?period_days=5&format=parquet").content)).read_all()
    )
    assert (table["status"], table["ticker"]) == (["empty"], [None])
    assert api.get("/stocks/NVDA/history?from=2026-08-22&to=2026-08-23&format=csv").text.count("\n") == 1, (
        "pages have none"
    )


@pytest.mark.parametrize(("wanted", "media_type"), MEDIA_TYPES.items())
def test_a_browser_asks_by_parameter(api: TestClient, wanted: str, media_type: str) -> None:
    accept = {"Accept": "text/html,*/*;q=0.8"}
    answer = api.get(f"/portfolios/record?format={wanted}", headers=accept)
    assert answer.headers["Content-Type"].partition(";")[0] == media_type
    file = {"csv": "record.csv", "parquet": "record.parquet", "arrow": "record.arrows"}.get(wanted)
    assert answer.headers.get("Content-Disposition") == (f'attachment; filename="{file}"' if file else None)


def test_a_kept_body_is_of_one_format(api: TestClient) -> None:
    """The same address, in turns: each answer is of the format that was asked for, and has its own tag."""
    path, tags = "/stocks/MU/history", dict[str, str]()
    for _ in range(2):
        for accept in MEDIA_TYPES.values():
            answer = api.get(path, headers={"Accept": accept})
            assert answer.headers["Content-Type"].partition(";")[0] == accept
            assert answer.headers["Vary"] == "Accept, Accept-Encoding"
            assert tags.setdefault(accept, answer.headers["ETag"]) == answer.headers["ETag"]
    for accept, tag in tags.items():
        for other in MEDIA_TYPES.values():
            again = api.get(path, headers={"Accept": other, "If-None-Match": tag})
            assert again.status_code == (304 if other == accept else 200)


def test_a_part_says_where_the_next_one_is(api: TestClient) -> None:
    answer = api.get("/v1/stocks/MU/history?limit=2&format=csv")
    following = httpx.URL(answer.links["next"]["url"])
    assert following.path == "/v1/stocks/MU/history"
    assert dict(following.params) == {"limit": "2", "format": "csv", "offset": "2"}
    assert int(answer.headers["X-Total-Count"]) > 2
    part = api.get(str(following))
    assert part.headers["Content-Type"].startswith("text/csv") and part.text != answer.text


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/portfolios/weights", "application/xml"), ("/dashboard/performance", "text/csv"), ("/lab", PARQUET)],
)
def test_what_cannot_be_had_is_406(api: TestClient, path: str, accept: str) -> None:
    answer = api.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["error"]) == (406, "NotAcceptable")
    assert "application/json" in answer.json()["detail"]


def test_the_sources_own_answer_is_what_it_is(api: TestClient) -> None:
    answer = api.get(f"/evidence/answers/{KNOWN['digest']}", headers={"Accept": "application/octet-stream"})
    assert answer.status_code == 200


def test_uncached_lists_have_formats_too(api: TestClient) -> None:
    wait_until(lambda: api.get("/dashboard/errors?format=csv").status_code == 200, NOTICED_WITHIN_SECONDS)
    assert api.get("/dashboard/errors?format=csv").text.startswith("id,topic,")
