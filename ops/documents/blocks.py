"""Generated blocks of the documents, each between its two markers.

<!-- generated: services -->
...
<!-- end -->
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from config.config import PROJECT_ROOT
from ops.documents import dags, interfaces, logins, schema, services

BLOCKS: Mapping[str, Callable[[], str]] = {
    "commands": interfaces.commands,
    "dags": dags.schedules,
    "logins": logins.logins,
    "modules": interfaces.modules,
    "parameters": dags.parameters,
    "routes": interfaces.routes,
    "secrets": services.secrets,
    "services": services.services,
    "settings": interfaces.settings,
    "tables": schema.tables,
}
BLOCK = re.compile(r"(?P<begin><!-- generated: (?P<name>\w+) -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.DOTALL)


def documents() -> list[Path]:
    """Return every document of the repository."""
    names = ("", "database", "docs", "docs/decisions", "findings", "test")
    return sorted(path for name in names for path in (PROJECT_ROOT / name).glob("*.md"))


def blocks_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each generated block."""
    for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
        yield block["name"], block["text"]


def generated(name: str) -> str:
    return f"\n{BLOCKS[name]()}\n\n"


def write(path: Path) -> bool:
    """Bring a document's blocks up to date, and return whether anything changed."""
    old = path.read_text(encoding="utf-8")
    new = BLOCK.sub(lambda block: block["begin"] + generated(block["name"]) + block["end"], old)
    if new != old:
        path.write_text(new, encoding="utf-8")
    return new != old
