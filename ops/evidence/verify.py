"""`verify`: work out every digest again, and name the row and the column that were changed."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from alerts.channels import Message, send
from config.config import Settings
from database.db_helper import Connection, reading_at_once
from database.queries import evidence
from ops.console import console, done, failed, say
from ops.evidence.checks import Check, checks
from ops.evidence.findings import Finding
from utils.command_line import exit_code_of
from utils.errors import EvidenceChanged, InvalidInput, NotStored

# More of them are counted: what was changed a thousand times is not found out by reading a thousand lines.
SHOWN = 50
SENT = """\
The newest digest of each chain of the evidence. Keep this message: nobody who changes the database can change it.
Save the lines below as a file, and ./start.sh verify --kept FILE says later whether the evidence still has them."""


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


def kept_digests(lines: Iterable[str]) -> Check:
    """Return the check that each chain still has the links whose digests were kept. lines: as --head prints them."""
    wanted = [(chain, int(position), digest) for chain, position, digest, *_ in map(str.split, lines)]

    def run(conn: Connection) -> Iterator[Finding]:
        for chain, position, digest in wanted:
            if evidence.digest_at(conn, chain, position) != digest:
                row = f"chain={chain} position={position}"
                yield Finding("evidence_link", row, ("digest",), "it is not the link whose digest was kept")

    return Check("kept digests", run)


def _verify(kept: Path | None) -> None:
    found: list[Finding] = []
    further = [kept_digests(_lines_of(kept))] if kept else []
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
    say(f"Nothing was changed: {links:,} links in {len(heads)} chains")


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


def _lines_of(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise InvalidInput(f"--kept {path}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
