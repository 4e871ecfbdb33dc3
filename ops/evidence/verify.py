"""`verify`: work out every digest again, and name the row and the column that were changed."""

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from alerts.channels import Message, send
from config.config import Settings
from config.text_files import text_of
from database.db_helper import Connection, reading_at_once
from database.queries import evidence
from ops.console import console, done, failed, say
from ops.evidence.checks import Check, checks
from ops.evidence.findings import Finding
from utils.command_line import exit_code_of
from utils.errors import EvidenceChanged, InvalidInput, NotStored

# More of them are counted: what was changed a thousand times is not found out by reading a thousand lines.
SHOWN = 50
# A line of --head, as it is or quoted in a mail, and what is left of one that was cut.
HEAD = re.compile(r"[>\s]*([a-z_]+)\s+([0-9]{1,18})\s+([0-9a-fA-F]{64})(\s+\S+)?\s*")
CUT = re.compile(r"[>\s]*[a-z_]+\s+[0-9]+(\s+[0-9a-fA-F]+(\s+\S+)?)?\s*")
SENT = """\
The newest digest of each chain of the evidence. Keep this message: nobody who changes the database can change it.
Save it as a file, and ./start.sh verify --kept FILE says later whether the evidence still has these digests."""

Kept = tuple[str, int, str]  # a chain, a position in it, and the digest of the link that is there


def main(arguments: Sequence[str] | None = None) -> int:
    options = _command_line().parse_args(arguments)
    return exit_code_of(lambda: _run(options))


def verify(conn: Connection, further: Iterable[Check] = ()) -> Iterator[tuple[Check, float, list[Finding]]]:
    """Yield each check with the seconds that it took, and what it has found."""
    for check in (*checks(conn), *further):
        began = time.monotonic()
        with console.status(check.name):
            findings = list(check.run(conn))
        yield check, time.monotonic() - began, findings


def _run(options: argparse.Namespace) -> None:
    if options.send and not options.head:
        raise InvalidInput("verify --send sends what --head prints: give both")
    if not options.head:
        _verify(options.kept)
        return
    heads = list(_head_lines())
    print("\n".join(heads))
    if options.send:
        _send(heads)


def _command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./start.sh verify", description=__doc__)
    parser.add_argument("--head", action="store_true", help="only print the newest digest of each chain")
    parser.add_argument("--send", action="store_true", help="also send it through ALERT_URLS")
    parser.add_argument("--kept", metavar="FILE", type=Path, help="also look for the digests that --head printed once")
    return parser


def kept_digests(wanted: Iterable[Kept]) -> Check:
    """Return the check that each chain still has the links whose digests were kept."""

    def run(conn: Connection) -> Iterator[Finding]:
        for chain, position, digest in wanted:
            if evidence.digest_at(conn, chain, position) != digest:
                row = f"chain={chain} position={position}"
                yield Finding("evidence_link", row, ("digest",), "it is not the link whose digest was kept")

    return Check("kept digests", run)


def read_kept(path: Path) -> list[Kept]:
    """Read what --head has printed, with whatever text is around it.

    Raise InvalidInput for a file without such a line, and for a line that is not whole.
    """
    found = []
    for number, line in enumerate(text_of(path, _wrong_kept).splitlines(), start=1):
        if head := HEAD.fullmatch(line):
            found.append((head[1], int(head[2]), head[3].lower()))
        elif CUT.fullmatch(line):
            raise _wrong_kept(
                f"{path}, line {number}: {line.strip()!r:.80} is not a whole line: a digest has 64 digits"
            )
    if not found:
        raise _wrong_kept(f"{path}: has no line that ./start.sh verify --head prints")
    return found


def _wrong_kept(problem: str) -> InvalidInput:
    return InvalidInput(f"--kept {problem}")


def _verify(kept: Path | None) -> None:
    found: list[Finding] = []
    wanted = read_kept(kept) if kept else []
    further = [kept_digests(wanted)] if kept else []
    with reading_at_once(Settings.from_env().database) as (conn, _):
        for check, seconds, findings in verify(conn, further):
            found += findings
            if findings:
                failed(check.name, f"{len(findings)} changed")
            else:
                done(check.name, seconds)
        heads = evidence.heads(conn)
    for finding in found[:SHOWN]:
        say(f"  {finding}")
    if len(found) > SHOWN:
        say(f"  and {len(found) - SHOWN} more")
    if found:
        raise EvidenceChanged(f"{len(found)} rows are not what they were")
    links = sum(head["position"] for head in heads)
    among = f", {len(wanted)} kept digests among them" if kept else ""
    say(f"Nothing was changed: {links:,} links in {len(heads)} chains{among}")


def _head_lines() -> Iterator[str]:
    with reading_at_once(Settings.from_env().database) as (conn, _):
        for head in evidence.heads(conn):
            digest = bytes(head["digest"]).hex()
            yield f"{head['chain']} {head['position']} {digest} {head['known_at']:%Y-%m-%dT%H:%M:%S.%fZ}"


def _send(heads: Sequence[str]) -> None:
    if not heads:
        raise NotStored("nothing was sent: no evidence is stored yet")
    newest = max(line.split()[-1] for line in heads)
    text = "\n".join([SENT, "", *heads])
    taken = send(Settings.from_env().alerts.urls, Message(f"ActStock: head of the evidence of {newest}", text))
    print(f"The head was sent through {', '.join(taken)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
