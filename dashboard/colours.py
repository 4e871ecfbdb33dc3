"""Colour arithmetic: the scale of the map, and ink that can be read on it. Colours are written #rrggbb."""

from typing import NamedTuple

INKS = ("#000000", "#ffffff")


class Scale(NamedTuple):
    """A scale with a middle: the colours of the strongest fall, of no change, and of the strongest rise."""

    down: str
    neutral: str
    up: str

    def at(self, strength: float) -> str:
        """Return the colour of -1 (down) through 0 (neutral) to 1 (up). Beyond them it stays the same.

        >>> scale = Scale("#ff8000", "#808080", "#0080ff")
        >>> scale.at(0), scale.at(0.5), scale.at(-3)
        ('#808080', '#4080c0', '#ff8000')
        """
        share, end = min(abs(strength), 1.0), self.up if strength > 0 else self.down
        mixed = (round(a + (b - a) * share) for a, b in zip(_parts(self.neutral), _parts(end), strict=True))
        return "#" + "".join(f"{part:02x}" for part in mixed)


def readable_on(colour: str) -> str:
    """Black or white, whichever can be told better from the colour: their contrast is never below 4.58.

    >>> readable_on("#1f6fd0"), readable_on("#f0c020")
    ('#ffffff', '#000000')
    """
    return max(INKS, key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """How far apart two colours are in brightness, by WCAG 2: 1 to 21, text wants 4.5.

    >>> contrast("#000000", "#ffffff"), contrast("#777777", "#777777")
    (21.0, 1.0)
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = (part / 255 for part in _parts(colour))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
