"""Names beside the ends of lines, none over another."""

from collections.abc import Mapping, Sequence


def spread(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """Return the heights, lowest first. Those closer than `gap` are moved apart around their middle.

    >>> spread({"a": 1.0, "b": 1.0, "c": 5.0}, 2.0)
    {'a': 0.0, 'b': 2.0, 'c': 5.0}
    """
    groups: list[list[str]] = []
    for name in sorted(heights, key=lambda name: heights[name]):
        groups.append([name])
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], heights, gap):
            upper = groups.pop()
            groups[-1] += upper
    return {
        name: _middle(group, heights) + (place - (len(group) - 1) / 2) * gap
        for group in groups
        for place, name in enumerate(group)
    }


def _overlap(lower: Sequence[str], upper: Sequence[str], heights: Mapping[str, float], gap: float) -> bool:
    return _middle(upper, heights) - _middle(lower, heights) < gap * (len(lower) + len(upper)) / 2


def _middle(group: Sequence[str], heights: Mapping[str, float]) -> float:
    return sum(heights[name] for name in group) / len(group)
