"""Funds whose holdings could not be had for a session: what is computed of it from an earlier list has to say so."""

from collections.abc import Collection, Sequence
from datetime import date

from database.db_helper import Connection, Row, fetch, transaction, upsert
from database.tables import MISSING_HOLDINGS
from utils.reasons import Reason, as_json, from_rows, reason


def record(conn: Connection, etf: str, as_of: date, why: Sequence[Reason], run_id: str | None) -> None:
    with transaction(conn):
        upsert(conn, MISSING_HOLDINGS, [(etf, as_of, as_json(why), run_id)])


def stand_ins(conn: Connection, sessions: Collection[date]) -> dict[tuple[date, str], Reason]:
    """(session, ETF) whose holdings were asked for in vain and are those of an earlier session -> what to say of it.

    A list of the session itself that came after all ends it; without any earlier list there is nothing that stands in.
    """
    rows = fetch(
        conn,
        """
        SELECT missing.as_of_date, missing.etf_ticker, MAX(snapshot.collected_date) AS used, missing.reason
        FROM logs_missing_holdings AS missing
        JOIN collected_etf_holdings AS snapshot
            ON snapshot.etf_ticker = missing.etf_ticker AND snapshot.collected_date <= missing.as_of_date
        WHERE missing.as_of_date = ANY(%(sessions)s)
        GROUP BY missing.as_of_date, missing.etf_ticker
        HAVING MAX(snapshot.collected_date) < missing.as_of_date
        ORDER BY missing.as_of_date, missing.etf_ticker
        """,
        {"sessions": list(sessions)},
    )
    return {(row["as_of_date"], row["etf_ticker"]): _stand_in(row) for row in rows}


def _stand_in(row: Row) -> Reason:
    """Return what to say of an earlier list that is used.

    >>> why = [{"code": "no_holdings_listed", "params": {"etf": "XLF"}}]
    >>> str(_stand_in({"etf_ticker": "XLF", "used": date(2026, 8, 14), "reason": why}))
    'holdings of XLF are of 2026-08-14 (Yahoo lists no holdings of XLF)'
    """
    return reason("earlier_holdings", etf=row["etf_ticker"], used=row["used"], reasons=from_rows(row["reason"]))
