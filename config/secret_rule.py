"""What a password or key may be that the platform itself logs in with."""

import re

# It becomes a part of an address, a header and a line of a file: nothing in it has a meaning there.
CARRIED = re.compile(r"[A-Za-z0-9_-]+")
SHORTEST = 12
RULE = f"give at least {SHORTEST} letters, digits, - and _"


def is_fit(secret: str) -> bool:
    """Tell whether a new secret can be used.

    >>> [is_fit(secret) for secret in ("only-letters-and-9", "too-short", "an address: a@b", "비밀번호" * 3)]
    [True, False, False, False]
    """
    return len(secret) >= SHORTEST and bool(CARRIED.fullmatch(secret))
