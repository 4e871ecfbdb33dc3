"""The tables and views of database/schema.sql, read from its text: columns with their comments, keys."""

import re
from dataclasses import dataclass, field

from config.config import PROJECT_ROOT
from database.roles import ROLES
from ops.documents.dags import writers
from ops.documents.markdown import code

SCHEMA = PROJECT_ROOT / "database" / "schema.sql"
STATEMENT = re.compile(
    r"^(?P<about>(?:-- [^\n]*\n)*)"
    r"(?:CREATE TABLE (?P<table>\w+) \((?P<definitions>.*?)^\);|CREATE VIEW (?P<view>\w+) AS)",
    re.MULTILINE | re.DOTALL,
)
COLUMN = re.compile(r"^(?P<name>[a-z]\w*) +[A-Z]")
KEY = re.compile(r"PRIMARY KEY \((?P<columns>[^)]*)\)")


@dataclass
class TableText:
    """`columns`: name -> comment, empty without one; in the order of the file. A view has none here."""

    name: str
    about: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    def read(self, lines: str) -> None:
        for line in lines.splitlines():
            definition, _, comment = line.strip().partition("--")
            if column := COLUMN.match(definition):
                self.columns[column["name"]] = comment.strip()
                if "PRIMARY KEY" in definition:
                    self.key = (column["name"],)
            elif key := KEY.match(definition):
                self.key = tuple(key["columns"].split(", "))


def read_tables(text: str) -> dict[str, TableText]:
    """Read tables and views.

    >>> read_tables("-- All.\\nCREATE TABLE t (\\n    a TEXT,  -- of b\\n    b DATE,\\n    PRIMARY KEY (a)\\n);\\n")
    {'t': TableText(name='t', about='All.', columns={'a': 'of b', 'b': ''}, key=('a',))}
    """
    tables: dict[str, TableText] = {}
    for found in STATEMENT.finditer(text):
        name = found["table"] or found["view"]
        about = " ".join(line.removeprefix("-- ") for line in found["about"].splitlines())
        tables[name] = TableText(name, about)
        tables[name].read(found["definitions"] or "")
    return tables


def tables() -> str:
    """Write one paragraph for each table or view."""
    return "\n\n".join(_paragraph(each) for each in read_tables(SCHEMA.read_text(encoding="utf-8")).values())


def _paragraph(described: TableText) -> str:
    if not described.columns:
        return f"**`{described.name}`** · a view<br>\n{described.about}"
    columns = ", ".join(f"`{name}`" + (f" ({said})" if said else "") for name, said in described.columns.items())
    heading = f"**`{described.name}`** · key: {code(described.key)} · written by {_writers(described.name)}<br>\n"
    return heading + (f"{described.about}<br>\n" if described.about else "") + columns


def _writers(name: str) -> str:
    logins = code(role.name for role in ROLES if role.writes and name.startswith(role.writes)) or "the owner"
    dags = writers(name)
    return f"{logins}, in {code(dags)}" if dags else logins
