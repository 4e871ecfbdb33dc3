"""The daily message about what was published, from the sample's two sessions."""

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from alerts import journal, ledger, state_files
from alerts.digest import digest
from alerts.observed import Ledger, Observed
from alerts.watcher import Watcher
from config.config import DatabaseSettings, Settings
from database.db_helper import connect, one_transaction
from receivers import webhook

BEFORE, SESSION = date(2026, 8, 20), date(2026, 8, 21)


class OfTheLedger(Watcher):
    """A watcher to which all else is well."""

    def look(self, now: datetime) -> Observed:
        read = ledger.read(self._settings)
        shown = Ledger(read.now, published=read.published, recorded=read.recorded)
        return Observed(now, airflow={"scheduler": True}, ledger=shown, market_now=now)

    def _read_calendar(self, moment: datetime | None) -> None:
        pass


@pytest.fixture(scope="module")
def english(sample_database: DatabaseSettings) -> str:
    with closing(connect(sample_database)) as conn:
        return digest(conn, SESSION, "en").text


def test_it_says_what_each_portfolio_holds_and_what_has_changed(english: str) -> None:
    lines = english.splitlines()
    assert lines[0] == "Published for 2026-08-21. Prices: Simulated."
    assert "5 sessions: no ETF trends over 5 sessions" in lines
    twenty = lines[lines.index("20 sessions") :]
    assert {line.split()[0] for line in twenty[1:9]} == {
        "CRDO", "NEM", "WELL", "GE", "GS", "MU", "000660.KS", "NFLX"
    }  # fmt: skip
    [stayed] = [line for line in twenty[1:9] if not line.endswith(", new")]
    assert stayed.startswith("  GS ") and ", was " in stayed
    assert twenty[9].startswith("  gone: NVDA (") and twenty[10] == "  cash 5.0%"


def test_it_says_what_is_traded_at_the_next_close(english: str) -> None:
    trades = english[english.index("Trades at the close of 2026-08-24") :].splitlines()
    assert trades[1] == "  5 sessions: none"
    assert "; sell " in trades[3] and "NVDA" in trades[3].partition("; sell ")[2]
    assert "NVDA" not in trades[3].partition("; sell ")[0]


def test_it_says_what_the_record_has_come_to(english: str) -> None:
    record = english[english.index("Record up to 2026-08-21, after costs:") :].splitlines()
    assert len(record) > 1
    assert all(" in the last session, " in line and "(SPY " in line for line in record[1:])


def test_in_korean(sample_database: DatabaseSettings) -> None:
    with closing(connect(sample_database)) as conn:
        message = digest(conn, SESSION, "ko")
    assert message.subject == "ActStock: 2026-08-21 포트폴리오"
    assert "5거래일: 5거래일 동안 상승 추세인 ETF가 없습니다" in message.text
    assert "2026-08-24 종가의 매매" in message.text and "2026-08-21까지의 성과" in message.text


def test_the_first_session_has_nothing_before_it(sample_database: DatabaseSettings) -> None:
    with closing(connect(sample_database)) as conn:
        text = digest(conn, BEFORE, "en").text
    assert ", new" not in text and ", was " not in text and "degraded: " in text


def test_a_session_that_was_not_computable_is_no_decision(sample_database: DatabaseSettings, english: str) -> None:
    """What was decided before it is what is traded from. It is not kept."""
    with closing(connect(sample_database)) as connection, one_transaction(connection) as conn:
        with conn.cursor() as cursor:
            for table in ("analytics_publication", "analytics_portfolio_allocation"):
                cursor.execute(f"UPDATE {table} SET as_of_date = '2026-08-19' WHERE as_of_date = %s", (BEFORE,))
            cursor.execute(
                "INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, cash_weight, "
                "source) VALUES ('allocation', %s, 20, 'not_computable', 0, 1, 'simulated')",
                (BEFORE,),
            )
        of_session, of_none = (digest(conn, day, "en").text for day in (SESSION, BEFORE))
        connection.rollback()
    assert of_session == english
    assert "gone: " not in of_none and "20 sessions: no decision" in of_none


def test_it_is_sent_once_a_session(
    sample_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with webhook() as hook:
        given = {"ALERT_URLS": hook.url, "ALERT_FOLDER": str(tmp_path), "ALERT_DIGEST": "1"}
        for name, value in {**given, "DB_NAME": sample_database.name}.items():
            monkeypatch.setenv(name, value)
        now = datetime.now(UTC)
        OfTheLedger(Settings.from_env()).round(now)  # what was published before it first ran is no news
        assert hook.posts == []
        state_files.write(tmp_path / journal.FILE, journal.Journal(now, digested=BEFORE))
        for _ in range(2):
            OfTheLedger(Settings.from_env()).round(now)
        assert [post["title"] for post in hook.posts] == ["ActStock: the portfolios of 2026-08-21"]
