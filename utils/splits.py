"""How the ratio of a split is written, wherever a person reads it."""

from fractions import Fraction


def ratio_text(split: float) -> str:
    """Write how many new shares there are for how many old ones.

    >>> ratio_text(20.0), ratio_text(0.05), ratio_text(1.5), ratio_text(1.064)
    ('20:1', '1:20', '3:2', '1.064:1')
    """
    fraction = Fraction(split).limit_denominator(100)
    if abs(float(fraction) / split - 1) < 1e-9 and min(fraction.numerator, fraction.denominator) <= 10:
        return f"{fraction.numerator}:{fraction.denominator}"
    return f"{split:g}:1"
