"""What people type: the commands of ./start.sh, the settings, and the API's routes."""

import argparse
import ast
import re
from collections.abc import Iterator
from typing import Any

from config.config import PROJECT_ROOT, Settings
from ops import cli
from ops.documents.markdown import code, table

ENV_EXAMPLE = PROJECT_ROOT / ".env.example"
SETTING = re.compile(r"^#(?P<name>[A-Z][A-Z0-9_]*)=(?P<default>.*)$")
SECTION = "# --- "
COMMAND_FOLDERS = ("collector", "consumer", "database", "market")
MAIN = '__name__ == "__main__"'
METHODS = ("get", "post", "put", "delete")


def commands() -> str:
    """Write one line for each command, as --help gives them."""
    return table(
        ["command", "what it does"],
        [[f"`{_usage(parser)}`", said] for parser, said in front_door_commands()],
    )


def front_door_commands() -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Yield each command's own parser and its help."""
    for action in cli.parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                yield action.choices[choice.dest], str(choice.help)


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(parser.format_usage().removeprefix("usage: ").replace("[-h]", "").split())


def settings() -> str:
    """Write one line for each setting, under the headings of the file."""
    return table(["setting", "default", "meaning"], _settings(ENV_EXAMPLE.read_text(encoding="utf-8")))


def _settings(text: str) -> Iterator[list[str]]:
    """Yield the table's rows: a heading, or a setting with its default and its comment.

    >>> list(_settings("# --- Schedule\\n# which\\n# one\\n#MODE=a\\n"))
    [['**Schedule**', '', ''], ['`MODE`', '`a`', 'which one']]
    """
    comment: list[str] = []
    for line in text.splitlines():
        if line.startswith(SECTION):
            yield [f"**{line.removeprefix(SECTION)}**", "", ""]
            comment = []
        elif setting := SETTING.match(line):
            default = f"`{setting['default']}`" if setting["default"] else ""
            yield [f"`{setting['name']}`", default, " ".join(comment)]
            comment = []
        else:
            comment = [*comment, line.removeprefix("# ")] if line else []


def modules() -> str:
    """Write one line for each command `python -m module`, with the first line of its file."""
    return table(
        ["`python -m …`", "what it does"],
        [[f"`{name}`", _first_line(text)] for name, text in module_commands()],
    )


def module_commands() -> Iterator[tuple[str, str]]:
    """Yield name and source of each module that is a command."""
    for folder in COMMAND_FOLDERS:
        for path in sorted((PROJECT_ROOT / folder).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            if MAIN in text:
                yield f"{folder}.{path.stem}", text


def _first_line(text: str) -> str:
    return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]


def routes() -> str:
    """Write one line for each route, from the API's own OpenAPI document."""
    from api.main import create_app  # takes a second

    document = create_app(Settings.from_env({"API_KEY": "for the documents"})).openapi()
    return table(
        ["route", "parameters", "answers with"],
        [
            [f"`{method.upper()} {path}`", _parameters(operation), _described(operation)]
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in METHODS
        ],
    )


def _described(operation: dict[str, Any]) -> str:
    return " ".join(str(operation["description"]).partition("\n\n")[0].split())


def _parameters(operation: dict[str, Any]) -> str:
    return code(each["name"] for each in operation.get("parameters", []) if each["in"] == "query")
