"""The tables and views of schema.sql, read from its text: columns with their comments, keys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql")
STATEMENT = re.compile(
    r"^(?P<about>(?:-- [^\n]*\n)*)"
    r"(?:CREATE TABLE (?P<table>\w+) \((?P<definitions>.*?)^\);|CREATE VIEW (?P<view>\w+) AS)",
    re.MULTILINE | re.DOTALL,
)
COLUMN = re.compile(r"^(?P<name>[a-z]\w*) +[A-Z]")
LIKE = re.compile(r"^LIKE (?P<table>\w+)")
KEY = re.compile(r"PRIMARY KEY \((?P<columns>[^)]*)\)")


@dataclass
class TableText:
    """`columns`: name -> comment, empty without one; in the order of the file. A view has none here."""

    name: str
    about: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    def read(self, lines: str, known: "Mapping[str, TableText]") -> None:
        """Add what the lines of a definition say. known: the tables before it, whose columns it may take over."""
        for line in lines.splitlines():
            definition, _, comment = line.strip().partition("--")
            if column := COLUMN.match(definition):
                self.columns[column["name"]] = comment.strip()
                if "PRIMARY KEY" in definition:
                    self.key = (column["name"],)
            elif like := LIKE.match(definition):
                self.columns |= known[like["table"]].columns
            elif key := KEY.match(definition):
                self.key = tuple(key["columns"].split(", "))


def read_tables(text: str) -> dict[str, TableText]:
    """Return the tables and views of a schema by their names.

    >>> read_tables("-- All.\\nCREATE TABLE t (\\n    a TEXT,  -- of b\\n    b DATE,\\n    PRIMARY KEY (a)\\n);\\n")
    {'t': TableText(name='t', about='All.', columns={'a': 'of b', 'b': ''}, key=('a',))}
    """
    tables: dict[str, TableText] = {}
    for found in STATEMENT.finditer(text):
        name = found["table"] or found["view"]
        about = " ".join(line.removeprefix("-- ") for line in found["about"].splitlines())
        tables[name] = TableText(name, about)
        tables[name].read(found["definitions"] or "", tables)
    return tables


@cache
def schema() -> dict[str, TableText]:
    """Return the tables and views of schema.sql by their names."""
    return read_tables(SCHEMA.read_text(encoding="utf-8"))
