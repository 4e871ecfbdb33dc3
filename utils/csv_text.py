"""Cells of a CSV file that a spreadsheet reads as what they are."""

# A spreadsheet takes what begins with one of these for a formula. Some drop a leading tab or line break first.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(text: str) -> str:
    r"""Return a text that no spreadsheet evaluates: what looks like a formula gets an apostrophe before it.

    >>> guarded("=1+1"), guarded("\t=1+1"), guarded("BRK-B")
    ("'=1+1", "'\t=1+1", 'BRK-B')
    """
    return f"'{text}" if text.startswith(FORMULA) else text
