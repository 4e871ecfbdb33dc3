"""The source's own answers: kept compressed under the SHA-256 of their bytes, each once.

A ticker's daily answer repeats its whole history. So it is packed against an earlier one, which is kept by itself.
"""

import hashlib
import zlib

from database.db_helper import Connection, Row, fetch, transaction
from utils.errors import EvidenceChanged
from utils.reasons import reason

# Each block is compressed with the part of the base around its own place as a dictionary: zlib looks back 32 KB only.
BLOCK = 16 * 1024
BEFORE, AFTER = 8 * 1024, 24 * 1024
# An answer that has changed more than this is kept by itself, and is the base of those that follow.
WORTHWHILE = 0.5
NEEDS_DICTIONARY = 0x20  # in the second byte of a stream (RFC 1950)


def keep(conn: Connection, digest: str | None, body: bytes, like: str | None = None) -> None:
    """Keep an answer, in a transaction of its own. One without bytes has no digest, and is not kept.

    like: the digest of an earlier answer of the same kind
    """
    if digest is None:
        return
    base = _base(conn, like) if like else None
    packed = pack(body)
    if base is not None and len(smaller := pack(body, base[1])) < len(packed) * WORTHWHILE:
        packed = smaller
    else:
        base = None
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO evidence_source_answer (digest, body, base)
            VALUES (decode(%(digest)s, 'hex'), %(body)s, %(base)s)
            ON CONFLICT DO NOTHING
            """,
            {"digest": digest, "body": packed, "base": base and base[0]},
        )


def read(conn: Connection, digest: str) -> bytes | None:
    """Return the bytes of an answer, or None when it is not kept. Raise EvidenceChanged when they are not its own."""
    row = _row(conn, digest)
    if row is None:
        return None
    base = _row(conn, bytes(row["base"]).hex()) if row["base"] else None
    return unpack(digest, bytes(row["body"]), unpack(bytes(base["digest"]).hex(), bytes(base["body"])) if base else b"")


def pack(body: bytes, base: bytes = b"") -> bytes:
    """Compress an answer, given another one that is much like it."""
    if not base:
        return zlib.compress(body, 9)
    return b"".join(_pack_block(body[at : at + BLOCK], _window(base, at)) for at in range(0, len(body), BLOCK))


def unpack(digest: str, packed: bytes, base: bytes = b"") -> bytes:
    """Return the bytes of an answer as it is kept. Raise EvidenceChanged when they are not its own.

    >>> body, base = b'{"close": [1.0, 2.0, 3.0]}', b'{"close": [1.0, 2.0]}'
    >>> unpack(hashlib.sha256(body).hexdigest(), pack(body, base), base) == body
    True
    """
    body = b""
    try:
        while packed or not body:
            window = _window(base, len(body))
            if bool(window) != bool(packed[1:2] and packed[1] & NEEDS_DICTIONARY):
                raise zlib.error("its base was changed")
            reader = zlib.decompressobj(zdict=window) if window else zlib.decompressobj()
            body += reader.decompress(packed)
            if not reader.eof:
                raise zlib.error("it is cut off")
            packed = reader.unused_data
    except zlib.error as error:
        raise EvidenceChanged(reason("answer_not_unpacked", digest=digest, error=str(error))) from None
    if hashlib.sha256(body).hexdigest() != digest:
        raise EvidenceChanged(reason("answer_changed", digest=digest))
    return body


def _base(conn: Connection, like: str) -> tuple[bytes, bytes] | None:
    """Return the digest and the bytes of the answer that one like this is packed against."""
    row = _row(conn, like)
    if row is None:
        return None
    found = bytes(row["base"] or row["digest"])
    body = read(conn, found.hex())
    return (found, body) if body is not None else None


def _row(conn: Connection, digest: str) -> Row | None:
    query = "SELECT digest, body, base FROM evidence_source_answer WHERE digest = decode(%(digest)s, 'hex')"
    return next(iter(fetch(conn, query, {"digest": digest})), None)


def _pack_block(block: bytes, window: bytes) -> bytes:
    packer = zlib.compressobj(9, zdict=window) if window else zlib.compressobj(9)
    return packer.compress(block) + packer.flush()


def _window(base: bytes, at: int) -> bytes:
    return base[max(0, at - BEFORE) : at + AFTER]
