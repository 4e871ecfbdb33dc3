"""What the readers own, where they asked the platform to keep it: one set of positions for all of them."""

from contract.orders import KeptPositions
from database.db_helper import Connection, fetch, transaction


def kept(conn: Connection) -> KeptPositions:
    """Return what is kept. Without `saved_at` that is nothing."""
    rows = fetch(conn, "SELECT positions, cash, saved_at FROM owned_positions")
    return KeptPositions(**rows[0]) if rows else KeptPositions("", 0.0, None)


def keep(conn: Connection, positions: str, cash: float) -> KeptPositions:
    """Keep these positions in the place of those before, and return what is kept then."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO owned_positions (positions, cash)
            VALUES (%s, %s)
            ON CONFLICT (only_one) DO UPDATE
                SET positions = EXCLUDED.positions, cash = EXCLUDED.cash, saved_at = EXCLUDED.saved_at
            """,
            (positions, cash),
        )
    return kept(conn)


def forget(conn: Connection) -> KeptPositions:
    """Delete what is kept, and return that there is nothing."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("DELETE FROM owned_positions")
    return kept(conn)
