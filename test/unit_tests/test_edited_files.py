"""The files that people edit: however an editor has saved them they are read, or refused with what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import exchanges, universe
from config.config import ConfigError
from config.universe_csv import read_funds
from lab import variants
from market.faults import read_faults
from market.recorded import BadMarketFile, _rows
from ops.evidence.verify import read_kept
from utils.errors import InvalidInput

DIGEST = "ab" * 32
HEADS = f"publications 12 {DIGEST} 2026-08-21T21:00:00.000000Z\n"
Read = Callable[[Path], object]

# What reads a file, its name, a text of it, and a line that has letters beyond ASCII.
FILES: list[tuple[Read, str, str, str]] = [
    (universe.load, "universe.toml", universe.DEFAULT_FILE.read_text(encoding="utf-8"), "# 지수\n"),
    (exchanges.load, "exchanges.toml", exchanges.FILE.read_text(encoding="utf-8"), "# 서울\n"),
    (read_funds, "mine.csv", "ticker,name\nSPY,S&P 500\n", "069500.KS,코덱스\n"),
    (read_faults, "faults.toml", '[[faults]]\nkind = "rate_limit"\n', "# 고장\n"),
    (read_faults, "faults.json", '[{"kind": "rate_limit"}]\n', " \n"),
    (lambda path: list(_rows(path.parent, path.name)), "actions.csv", "ticker,date,dividend,split_ratio\n", "가,,,\n"),
    (variants.load, "variants.toml", variants.DEFAULT_FILE.read_text(encoding="utf-8"), "# 규칙\n"),
    (read_kept, "heads", HEADS, "증거\n"),
]
READERS = pytest.mark.parametrize(("read", "name", "text", "line"), FILES, ids=[name for _, name, _, _ in FILES])


@READERS
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_as_windows_saves_it(
    tmp_path: Path, read: Read, name: str, text: str, line: str, encoding: str
) -> None:
    file = tmp_path / name
    file.write_bytes((text + line).replace("\n", "\r\n").encode(encoding))
    read(file)


@READERS
def test_another_encoding_is_refused_with_what_to_do(
    tmp_path: Path, read: Read, name: str, text: str, line: str
) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode() + "지수\n".encode("cp949"))
    number = len(text.splitlines()) + 1
    with pytest.raises(
        (ConfigError, InvalidInput),
        match=f"{name}: cannot be read: line {number} is not in UTF-8: save the file as UTF-8",
    ):
        read(file)


@READERS
def test_what_is_no_text_is_refused(tmp_path: Path, read: Read, name: str, text: str, line: str) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode("utf-16-le"))
    with pytest.raises((ConfigError, InvalidInput), match=f"{name}: cannot be read: .*: save the file as UTF-8"):
        read(file)


@READERS
def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path, read: Read, name: str, text: str, line: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises((ConfigError, InvalidInput), match=f"{name}: cannot be read: it is a folder|has neither"):
        read(tmp_path / name)


def test_a_list_of_faults_under_another_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('[[fault]]\nkind = "rate_limit"\n')
    with pytest.raises(InvalidInput, match=r"faults.toml: no key is called 'fault': did you mean faults"):
        read_faults(file)


def test_a_recorded_cell_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "actions.csv").write_text("ticker,date,dividend,split_ratio\nA," + "9" * 200_000)
    with pytest.raises(BadMarketFile, match=r"actions.csv, row 2: field larger than field limit"):
        list(_rows(tmp_path, "actions.csv"))


@pytest.mark.parametrize(
    "text",
    [
        HEADS,
        HEADS.upper().replace("PUBLICATIONS", "publications"),
        f"Keep this message: nobody can change it.\n\nDate: 21 Aug 2026\n> {HEADS}",
        f"publications 12 {DIGEST}\n2026-08-21T21:00:00.000000Z\n",
    ],
    ids=["as printed", "in capitals", "a quoted mail", "wrapped"],
)
def test_kept_digests_are_found_in_what_was_saved(tmp_path: Path, text: str) -> None:
    file = tmp_path / "heads"
    file.write_text(text)
    assert read_kept(file) == [("publications", 12, DIGEST)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no line that ./start.sh verify --head prints"),
        ("Nothing was sent.\n", "has no line that ./start.sh verify --head prints"),
        (HEADS + "publications 13 abcdef", "line 2: 'publications 13 abcdef' is not a whole line"),
        (HEADS + "publications 13", "line 2: 'publications 13' is not a whole line"),
        (f"publications 9{'9' * 30} {DIGEST}", "line 1: .* is not a whole line"),
    ],
)
def test_a_file_that_compares_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "heads"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=f"--kept {file}.*{said}"):
        read_kept(file)
