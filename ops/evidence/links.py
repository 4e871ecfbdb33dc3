"""Which column of a link was changed: the one that, put back, gives the link's digest again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from database.db_helper import Connection
from database.queries import evidence_checks
from database.queries.evidence_checks import Link
from ops.evidence.findings import Finding

TABLE = "evidence_link"
# In a longer gap a link has not got by a changed position: it is there because many links are gone.
TRIED = 10_000

Place = tuple[str, int]  # chain and position


@dataclass
class Chains:
    """All chains as they are: what does not fit, and the positions at which links are missing.

    misplaced: the true and the present places of links whose chain or position was changed
    suspect: the places of links whose facts may have been changed
    """

    broken: dict[str, list[Link]] = field(default_factory=dict)
    gaps: dict[str, list[range]] = field(default_factory=dict)
    misplaced: set[Place] = field(default_factory=set)
    suspect: set[Place] = field(default_factory=set)

    def read(self, conn: Connection, chain: str) -> None:
        """Read what does not fit in a chain."""
        self.broken[chain] = evidence_checks.broken_links(conn, chain)
        self.gaps[chain] = [gap for link in self.broken[chain] if (gap := _gap_before(link))]

    def is_missing(self, chain: str, position: int) -> bool:
        """Tell whether a link is missing here, or is here by mistake."""
        is_in_gap = any(position in gap for gap in self.gaps.get(chain, ()))
        return is_in_gap or (chain, position) in self.misplaced

    def findings(self) -> Iterator[Finding]:
        """Yield what was changed in the links of all chains."""
        links = [link for links in self.broken.values() for link in links]
        changed = [link for link in links if link.digest != link.computed or link.body_digest != link.of_body]
        opened: set[Place] = set()  # gaps that a misplaced link has made before it, where it is now
        for link in changed:
            place, columns = self._explain(link)
            if place != (link.chain, link.position):
                self.misplaced |= {place, (link.chain, link.position)}
                opened.add((link.chain, link.position))
            elif "about" in columns:
                self.suspect.add(place)
            yield _finding(place, columns)
        gone = [
            (link, gap) for link in links if (gap := _gap_before(link)) and (link.chain, link.position) not in opened
        ]
        for link, gap in gone:
            if not any((link.chain, position) in self.misplaced for position in gap[:TRIED]):
                yield Finding(TABLE, _row((link.chain, gap[0])), (), f"{len(gap)} links are gone")
        if not changed and not gone:
            # Each link is what it says, and one does not rest on the one before: it was put in another one's place.
            for link in links:
                yield Finding(TABLE, _row((link.chain, link.position)), ("previous",), "it rests on another link")

    def _explain(self, link: Link) -> tuple[Place, tuple[str, ...]]:
        """Return where the link was, and the columns of which one was changed."""
        own = (link.chain, link.position)
        if link.digest == link.computed:
            return own, ("body",)
        if link.digest_with(body_digest=link.of_body) == link.digest:
            return own, ("body_digest",)
        if link.digest_with(previous=link.before) == link.digest:
            return own, ("previous",)
        if place := self._place_of(link):
            return place, ("position",) if place[0] == link.chain else ("chain",)
        if link.after == link.computed:
            return own, ("digest",)
        return own, ("about", "known_at") if link.after else ("about", "known_at", "digest")

    def _place_of(self, link: Link) -> Place | None:
        """Return the missing place at which the link has its digest."""
        tried = (
            (chain, position)
            for chain, gaps in self.gaps.items()
            for gap in gaps
            if len(gap) <= TRIED
            for position in gap
        )
        at_the_end = ((chain, link.position) for chain in evidence_checks.known_chains())
        for chain, position in (*tried, *at_the_end):
            if (chain, position) != (link.chain, link.position) and (
                link.digest_with(chain=chain, position=position) == link.digest
            ):
                return chain, position
        return None


def _gap_before(link: Link) -> range:
    return range((link.position_before or 0) + 1, link.position)


def _finding(place: Place, columns: tuple[str, ...]) -> Finding:
    what = columns[0] if len(columns) == 1 else f"one of {', '.join(columns)}"
    return Finding(TABLE, _row(place), columns, f"{what} was changed")


def _row(place: Place) -> str:
    return "chain={} position={}".format(*place)
