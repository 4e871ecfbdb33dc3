"""Text of a source's, which may hold anything, as text that can be stored and shown."""


def printable(text: str, longest: int) -> str:
    r"""Without signs that cannot be printed, and cut: Postgres takes no zero, and no JSON half a character.

    >>> printable("Nestlé\x00 S.A.\n", 9), printable("\ud800", 9)
    ('Nestlé S.', '')
    """
    return "".join(sign for sign in text if sign.isprintable()).strip()[:longest]
