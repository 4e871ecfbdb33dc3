"""The source's own answers, by the SHA-256 of their bytes."""

import hashlib
import zlib

from database.db_helper import Connection, fetch
from utils.errors import EvidenceChanged, NotPublished


def source_answer(conn: Connection, digest: str) -> bytes:
    """Return an answer as it was sent. Raise EvidenceChanged where the bytes are not those that the digest is of."""
    rows = fetch(
        conn, "SELECT body FROM evidence_source_answer WHERE digest = DECODE(%(digest)s, 'hex')", {"digest": digest}
    )
    if not rows:
        raise NotPublished(f"no answer of the source with the digest {digest} is kept")
    try:
        body = zlib.decompress(rows[0]["body"])
    except zlib.error:
        body = b""
    if hashlib.sha256(body).hexdigest() != digest:
        raise EvidenceChanged(
            f"the kept answer of the source is not what its digest {digest} was made of: ./start.sh verify lists all"
        )
    return body
