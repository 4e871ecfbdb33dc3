"""Funds whose holdings could not be had for a session, or only in part: what is computed of it has to say so."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from database.db_helper import Connection, Row, fetch, transaction, upsert
from database.tables import MISSING_HOLDINGS
from utils.reasons import Reason, as_json, from_rows, of_ticker, reason

# What a list is compared with. One that stays short for longer is the fund's own way.
LISTS_BEFORE = 5
REMEMBERED = timedelta(days=200)
# A fund that never lists more is not judged: of a commodity's few lines one comes and goes.
FEW_LINES = 4


def record(conn: Connection, etf: str, as_of: date, why: Sequence[Reason], run_id: str | None) -> None:
    with transaction(conn):
        upsert(conn, MISSING_HOLDINGS, [(etf, as_of, as_json(why), run_id)])


def said_of_lists(conn: Connection, sessions: Collection[date]) -> dict[tuple[date, str], list[Reason]]:
    """(session, ETF) -> what to say of the list of holdings that counts on it. Of a list as usual there is nothing."""
    said = {key: [why] for key, why in stand_ins(conn, sessions).items()}
    for key, why in short_lists(conn, sessions).items():
        said.setdefault(key, []).append(why)
    return said


def is_short(listed: int, usual: int | None) -> bool:
    """Tell whether a list has less than half of a fund's usual lines.

    usual: the most lines of the LISTS_BEFORE lists before it, None without any

    >>> [is_short(*lines) for lines in ((2, 25), (4, 10), (5, 10), (1, 4), (1, None))]
    [True, True, False, False, False]
    """
    return usual is not None and usual > FEW_LINES and 2 * listed < usual


def short_lists(conn: Connection, sessions: Collection[date]) -> dict[tuple[date, str], Reason]:
    """(session, ETF) whose newest list by then is short -> what to say of it."""
    rows = fetch(
        conn,
        """
        WITH list AS (
            SELECT etf_ticker, collected_date, COUNT(*) AS listed,
                MAX(COUNT(*)) OVER (in_order ROWS BETWEEN %(before)s PRECEDING AND 1 PRECEDING) AS usual,
                LEAD(collected_date) OVER in_order AS until
            FROM collected_etf_holdings
            WHERE collected_date >= %(since)s
            GROUP BY etf_ticker, collected_date
            WINDOW in_order AS (PARTITION BY etf_ticker ORDER BY collected_date)
        )
        SELECT as_of_date, etf_ticker, collected_date, listed, usual
        FROM list
        JOIN UNNEST(%(sessions)s::date[]) AS as_of_date
            ON collected_date <= as_of_date AND (until IS NULL OR as_of_date < until)
        WHERE listed < usual
        ORDER BY as_of_date, etf_ticker
        """,
        {
            "sessions": list(sessions),
            "since": min(sessions, default=date.min + REMEMBERED) - REMEMBERED,
            "before": LISTS_BEFORE,
        },
    )
    return {
        (row["as_of_date"], row["etf_ticker"]): _short(
            row["etf_ticker"], row["collected_date"], row["listed"], row["usual"]
        )
        for row in rows
        if is_short(row["listed"], row["usual"])
    }


def why_short(conn: Connection, etf: str, collected_date: date, listed: int) -> Reason | None:
    """Return what to say of a list that is not stored yet, or None if it is as long as usual."""
    [before] = fetch(
        conn,
        """
        SELECT MAX(listed) AS usual FROM (
            SELECT COUNT(*) AS listed FROM collected_etf_holdings
            WHERE etf_ticker = %(etf)s AND collected_date < %(day)s AND collected_date >= %(since)s
            GROUP BY collected_date ORDER BY collected_date DESC LIMIT %(before)s
        ) AS list
        """,
        {"etf": etf, "day": collected_date, "since": collected_date - REMEMBERED, "before": LISTS_BEFORE},
    )
    usual = before["usual"]
    return _short(etf, collected_date, listed, usual) if is_short(listed, usual) else None


def _short(etf: str, day: date, listed: int, usual: int) -> Reason:
    return of_ticker(etf, [reason("short_list", day=day, listed=listed, usual=usual)])


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
