"""Clean text from a source, so that it can be stored and shown."""


def printable(text: str, longest: int) -> str:
    r"""Remove characters that cannot be printed, and cut the text to its longest length.

    Postgres refuses a zero byte, and JSON refuses half of a surrogate pair.

    >>> printable("Nestlé\x00 S.A.\n", 9), printable("\ud800", 9)
    ('Nestlé S.', '')
    """
    return "".join(character for character in text if character.isprintable()).strip()[:longest]
