"""What a judgement starts from, and what it finds."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date

from database.db_helper import Row
from utils.reasons import Reason

STALE_SPLIT = "stale_split"  # logs_open_break has it, too


@dataclass(frozen=True)
class Break:
    """The first session behind a place where the prices do not go on.

    is_withheld: its bar waits for a person, or a stored one beside it is of before a split.
    """

    session: date
    is_withheld: bool
    reasons: Sequence[Reason]

    @property
    def is_at_stale_split(self) -> bool:
        return any(each.code == STALE_SPLIT for each in self.reasons)


@dataclass(frozen=True)
class Known:
    """What is known of a ticker beside the answer.

    stored: the rows by session.
    accepted: the steps (close / previous close) that a person has found true, None for any step.
    lost_dividends: dividends that were stored once and that the source left out later.
    gaps: expected sessions that the answer lacks, from the last bar on that is stored of before it.
    waiting: the rejected bars by session, as messages. What is stored of these sessions proves nothing.
    currency: the answer's. None when everything stored is known to be in it.
    rejected_steps: the steps of the rejected bars.
    incomplete: sessions whose bars lack prices that their table needs: none is stored, or waits for a person.
    """

    stored: Mapping[date, Row] = field(default_factory=dict)
    accepted: Mapping[date, float | None] = field(default_factory=dict)
    lost_dividends: Mapping[date, float] = field(default_factory=dict)
    gaps: Set[date] = frozenset()
    waiting: Mapping[date, Row] = field(default_factory=dict)
    currency: str | None = None
    rejected_steps: Sequence[float] = ()
    incomplete: Set[date] = frozenset()

    def row_of(self, session: date) -> Row | None:
        """Return the stored row of a session where it may excuse the new bar."""
        return None if session in self.waiting else self.stored.get(session)


@dataclass
class Judgement:
    """What was found in an answer.

    doubts: session -> why a person should look at its bar.
    previous_closes: session -> the close that its bar is measured against.
    approved: sessions whose doubt a person has settled, or that are stored already just so.
    contradiction: why nothing of the answer can be used.
    """

    doubts: dict[date, list[Reason]] = field(default_factory=dict)
    previous_closes: dict[date, float] = field(default_factory=dict)
    approved: set[date] = field(default_factory=set)
    contradiction: Reason | None = None
    _breaks: dict[date, list[Break]] = field(default_factory=dict)

    @property
    def breaks(self) -> list[Break]:
        """One a session, in order, with everything that was found there."""
        return [
            Break(session, any(each.is_withheld for each in found), [each for one in found for each in one.reasons])
            for session, found in sorted(self._breaks.items())
        ]

    def note(self, session: date, reason: Reason) -> None:
        """Record a break whose bar is stored."""
        self._breaks.setdefault(session, []).append(Break(session, False, [reason]))

    def withhold(self, session: date, reason: Reason) -> None:
        """Record a break that no return may cross, though its bar is stored."""
        self._breaks.setdefault(session, []).append(Break(session, True, [reason]))

    def doubt(self, session: date, reason: Reason, is_break: bool = True) -> None:
        """Quarantine a bar. Without a break the prices go on behind it as before it."""
        self.doubts.setdefault(session, []).append(reason)
        if is_break:
            self._breaks.setdefault(session, []).append(Break(session, True, [reason]))
