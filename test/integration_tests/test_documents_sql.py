"""The queries that documents offer run, and say what their document says they do."""

import re
from contextlib import closing

import pytest

from config.config import PROJECT_ROOT, DatabaseSettings
from database.db_helper import connect, fetch
from ops.documents.blocks import documents

QUERY = re.compile(r"```sql\n(.*?)```", re.DOTALL)
QUERIES = [
    (str(path.relative_to(PROJECT_ROOT)), query)
    for path in documents()
    for query in QUERY.findall(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("document", "query"), QUERIES)
def test_a_query_runs(sample_database: DatabaseSettings, document: str, query: str) -> None:
    with closing(connect(sample_database)) as conn:
        rows = fetch(conn, query)
    for row in rows:
        # The sample has a portfolio of cash alone.
        assert row.get("whole", 1.0) == pytest.approx(1.0), f"{document}: {row}"


def test_one_of_them_sums_the_weights() -> None:
    assert any(" AS whole" in query for _, query in QUERIES)
