"""The documents are true: generated blocks are current, and their commands, links, paths and tests exist."""

import re
import shlex
import subprocess
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from api.auth import OPEN_PATHS
from config.config import PROJECT_ROOT
from database import tables
from database.schema_reader import schema
from ops import cli
from ops.documents import blocks
from ops.documents.interfaces import ENV_EXAMPLE, SETTING, front_door_commands, module_commands
from ops.native.services import read_services
from ops.pipeline import runs

DOCUMENTS = {str(path.relative_to(PROJECT_ROOT)): path for path in blocks.documents()}
WINDOWS = ("start.bat", "deploy_staggered_dags.bat", "setup_etf_holdings.bat")
SET_BY_THE_PLATFORM = {
    "ACTSTOCK_RESTORING",
    "ACTSTOCK_SOCKET",
    "AIRFLOW_URL",
    "ALERT_FOLDER",
    "BACKUP_PLATFORM",
    "BACKUP_STATE_FOLDER",
    "ALERT_PROBES",
    "ALERT_STARTS",
    "CONSUMER_HEARTBEAT",
    "CONSUMER_METRICS_BIND",
    "ACTSTOCK_NAME_INSIDE",
    "ACTSTOCK_DATA",
    "SPARK_JDBC_JAR",
    "SPARK_CLASS_ARCHIVE",
    "YAHOO_CACHE_DIR",
    "DB_SPARK_USER",
    "DB_SPARK_PASSWORD",
    "SPARK_DRIVER_TOKEN",
}
# What stands in the documents for a value of the user's.
EXAMPLES = {"FROM": "2026-08-10", "TO": "2026-08-14", "DATE": "2026-08-21", "SERVICE": "api", "DIR": "market"}
CODE = re.compile(r"```\w*\n(.*?)```|`([^`]+)`", re.DOTALL)
COMMAND = re.compile(r"(?:\./start\.sh|(?<![\w./])start\.bat)((?: [^\s#|&;<>()]+| '[^']*')*)")
SHELL = re.compile(r"```bash\n(.*?)```", re.DOTALL)
# A command that containers refuse: `bench) die "..."`.
REFUSED = re.compile(r"^ +([\w-]+)\) die ", re.MULTILINE)
MODULE = re.compile(r"python -m ([\w.]+)")
COMPOSE_SERVICE = re.compile(r"docker compose (?:exec|run --rm|logs --follow) ([\w-]+)|--scale ([\w-]+)=")
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)]*))?\)")
PATH = re.compile(r"`([\w./-]+/[\w./-]*|[\w.-]+\.(?:py|sql|md|sh|bat|yml|toml|txt))(?:::(\w+))?(?:::(\w+))?`")
FOLDERS = tuple(f"{path.name}/" for path in PROJECT_ROOT.iterdir() if path.is_dir())
# Made when the platform is started.
MADE = (".actstock/", "logs/", "data/", "checkpoints/", "airflow/logs/")


def everywhere(pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    """Document -> each place in it."""
    return [(name, found) for name, path in DOCUMENTS.items() for found in pattern.finditer(path.read_text("utf-8"))]


def commands() -> list[tuple[str, str]]:
    """Return (document, arguments) of each front door call in the documents' code. Generated code does not count."""
    return [
        (name, found[1].strip())
        for name, path in DOCUMENTS.items()
        for code in CODE.finditer(blocks.BLOCK.sub("", path.read_text("utf-8")))
        for found in COMMAND.finditer(code[1] or code[2].replace("\n", " "))
    ]


def strings_of(*patterns: str) -> str:
    """Return the source of files, each text that is written in several lines put together."""
    sources = (path.read_text("utf-8") for pattern in patterns for path in sorted(PROJECT_ROOT.glob(pattern)))
    return "\n".join(re.sub(r'"\s*\n\s*f?"', "", source) for source in sources)


PARTS = (
    "alerts",
    "airflow",
    "api",
    "batch",
    "collector",
    "config",
    "consumer",
    "dashboard",
    "database",
    "ops",
    "utils",
)
PROGRAM = strings_of(*(f"{part}/**/*.py" for part in PARTS), "ops/**/*.sh", "start.sh", "docker-compose.yml")
SCREENS = strings_of("dashboard/texts/*.py", "alerts/texts.py")


def messages() -> list[tuple[str, str]]:
    """Return (document, message) of each message that the first column of the troubleshooting has."""
    return [
        (name, message)
        for name in ("docs/troubleshooting.md", "docs/troubleshooting.ko.md")
        for row in re.findall(r"^\| (.*?) \|", DOCUMENTS[name].read_text("utf-8"), re.MULTILINE)
        for message in re.findall("`(.*?)`", row)
    ]


def on_screen() -> list[str]:
    """Return the Korean words of the glossary's last column."""
    cells = re.findall(
        r"^\|(?: [^|]* \|){3} ([^|]*) \|$", DOCUMENTS["docs/GLOSSARY.md"].read_text("utf-8"), re.MULTILINE
    )
    words = (re.sub(r"{.*?} ?", "", word) for cell in cells for word in cell.split(", "))
    return sorted({word for word in words if not word.isascii() and word != "–"})


class TestGeneratedBlocks:
    @pytest.mark.parametrize("name", blocks.BLOCKS)
    def test_are_what_they_describe(self, name: str) -> None:
        places = [
            (document, text)
            for document, path in DOCUMENTS.items()
            for block, text in blocks.blocks_of(path)
            if block == name
        ]
        assert len(places) == 1, f"the block {name} stands in {[document for document, _ in places]}"
        document, text = places[0]
        assert text == blocks.generated(name), f"{document} is not current: run python -m ops.documents"

    def test_every_marker_names_a_block(self) -> None:
        assert {found[1] for _, found in everywhere(re.compile("<!-- generated: (.*?) -->"))} == set(blocks.BLOCKS)

    def test_writing_twice_changes_nothing(self, tmp_path: Path) -> None:
        document = tmp_path / "document.md"
        document.write_text("before\n<!-- generated: modules -->\nstale\n<!-- end -->\nafter\n")
        assert blocks.write(document)
        text = document.read_text()
        assert "stale" not in text and "`consumer.replay_errors`" in text
        assert text.startswith("before\n<!-- generated: modules -->\n") and text.endswith("\n<!-- end -->\nafter\n")
        assert not blocks.write(document)

    def test_a_table_is_read_from_the_schema_as_writers_know_it(self) -> None:
        """Its key may be a serial number beside what writers call so."""
        read = schema()
        known = [value for value in vars(tables).values() if isinstance(value, tables.Table)]
        assert len(known) > 10
        for table in known:
            assert set(table.columns) <= set(read[table.name].columns), table.name
            assert read[table.name].key in (table.key, ("id",))


class TestSettings:
    def test_all_that_is_read_is_listed(self) -> None:
        lines = ENV_EXAMPLE.read_text(encoding="utf-8").splitlines()
        listed = {setting["name"] for setting in map(SETTING.match, lines) if setting}
        reader = (PROJECT_ROOT / "config" / "config.py").read_text(encoding="utf-8")
        compose = (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        read = set(re.findall(r'read\.\w+\(\s*"(\w+)"', reader)) | set(re.findall(r"\$\{(\w+):-", compose))
        assert read - listed == SET_BY_THE_PLATFORM


class TestCommands:
    @pytest.mark.parametrize(("document", "words"), commands())
    def test_the_front_door_takes_it(self, document: str, words: str) -> None:
        """A command's name alone is no call."""
        if words not in {parser.prog.split()[-1] for parser, _ in front_door_commands()}:
            self.parse(words)

    @pytest.mark.parametrize(("document", "text"), [(name, found[1]) for name, found in everywhere(SHELL)])
    def test_a_shell_reads_it(self, document: str, text: str) -> None:
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
        two = [line for line in text.splitlines() if line.endswith(r"\\")]
        assert not two, f"{document}: the command ends there, with a backslash of its own"

    def test_what_containers_refuse_is_marked(self) -> None:
        script = (PROJECT_ROOT / "ops" / "containers" / "commands.sh").read_text(encoding="utf-8")
        refused = set(REFUSED.findall(script))
        assert refused == {"bench", "screenshots"}
        assert {parser.prog.split()[-1] for parser, said in front_door_commands() if "(native)" in said} >= refused

    @pytest.mark.parametrize("script", WINDOWS[1:])
    def test_windows_scripts_only_call_the_front_door(self, script: str) -> None:
        lines = (PROJECT_ROOT / script).read_text(encoding="utf-8").splitlines()
        code = [line for line in lines if not line.startswith(("@echo off", "rem "))]
        calls = [re.fullmatch(r'call "%~dp0start\.bat"( .+?)(?: %\*)?(?: \|\| exit /b 1)?', line) for line in code]
        assert calls
        for call in calls:
            assert call is not None
            self.parse(call[1])

    def test_windows_hands_everything_over(self) -> None:
        text = (PROJECT_ROOT / "start.bat").read_text(encoding="utf-8")
        assert '"%BASH%" ./start.sh --docker %*\nexit /b %errorlevel%\n' in text

    @pytest.mark.parametrize("script", WINDOWS)
    def test_windows_scripts_have_its_line_ends(self, script: str) -> None:
        raw = (PROJECT_ROOT / script).read_bytes()
        assert raw.count(b"\r\n") == raw.count(b"\n") > 0
        assert raw.isascii(), "a Windows console shows other letters by its own code page"

    @pytest.mark.parametrize(("document", "module"), [(name, found[1]) for name, found in everywhere(MODULE)])
    def test_a_module_is_there(self, document: str, module: str) -> None:
        assert find_spec(module) is not None

    @pytest.mark.parametrize("name", [name for name, _ in module_commands()])
    @pytest.mark.parametrize(("words", "code"), [("--help", 0), ("--no-such-option", 2)])
    def test_a_module_that_is_a_command_says_how_to_use_it(
        self, name: str, words: str, code: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Whoever asks for help, or misspells an option, does not want it to act."""
        with pytest.raises(SystemExit) as ended:
            import_module(name).main([words])
        assert ended.value.code == code
        said = capsys.readouterr()
        assert "usage: " in (said.err if code else said.out)

    def test_services_of_docker_compose_are_there(self) -> None:
        services = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
        named = {found[1] or found[2] for _, found in everywhere(COMPOSE_SERVICE)}
        assert named and named <= set(services)

    def test_both_readmes_show_the_same_commands(self) -> None:
        shown = {
            name: [words for document, words in commands() if document == name]
            for name in ("README.md", "README.ko.md")
        }
        assert shown["README.ko.md"] == shown["README.md"]

    def parse(self, words: str) -> None:
        """SystemExit if the front door would refuse it."""
        given = [EXAMPLES.get(word, word) for word in shlex.split(words) if word not in ("--docker", "--native")]
        if not given or given[-1] == "--help":
            return
        options = cli.parser().parse_args(given)
        if given[0] in ("logs", "restart"):
            named = [options.service] if given[0] == "logs" else options.services
            assert set(named) <= set(read_services())
        if given[0] == "run":
            dags = {path.name.removesuffix("_dag.py") for path in (PROJECT_ROOT / "airflow" / "dags").glob("*_dag.py")}
            assert options.name in dags | set(runs.SHORT_NAMES)
        if given[:2] == ["exec", "python"] and given[2] != "-m":
            assert (PROJECT_ROOT / given[2]).is_file()


class TestReferences:
    def test_links_lead_somewhere(self) -> None:
        for name, link in everywhere(LINK):
            target, heading = link[1], link[2]
            if target.startswith("http"):
                continue
            path = (DOCUMENTS[name].parent / target).resolve() if target else DOCUMENTS[name]
            assert path.exists(), f"{name}: {target}"
            assert heading is None or heading in anchors(path), f"{name}: {target}#{heading}"

    def test_paths_and_tests_exist(self) -> None:
        for name, found in everywhere(PATH):
            path = found[1]
            if path.startswith(MADE) or not (path.startswith(FOLDERS) or "/" not in path):
                continue
            here = [base / path for base in (PROJECT_ROOT, DOCUMENTS[name].parent) if (base / path).exists()]
            assert here, f"{name}: {path}"
            for test in filter(None, (found[2], found[3])):
                assert re.search(rf"(?:def|class) {test}\b", here[0].read_text(encoding="utf-8")), f"{name}: {test}"


class TestWords:
    """What a reader looks for by its words is found by them."""

    @pytest.mark.parametrize(("document", "message"), messages())
    def test_a_message_of_the_troubleshooting_is_one_of_the_code(self, document: str, message: str) -> None:
        # An example's number or ticker is a value of the code's, and so is a sign that is written with one.
        fixed = re.escape(re.sub("…(%|=X)", "…", message).strip("… "))
        pattern = re.sub(r"SPY|XNYS|\d+", r"({[^}]+}|\g<0>)", fixed).replace("…", ".+")
        assert re.search(pattern, PROGRAM), f"{document}: {message}"

    @pytest.mark.parametrize("word", on_screen())
    def test_a_word_on_screen_is_on_a_screen(self, word: str) -> None:
        assert word in SCREENS

    @pytest.mark.parametrize(
        "document", ["QUICK_REFERENCE.md", "SECURITY.md", "docs/operating.md", "docs/operating.ko.md"]
    )
    def test_what_needs_no_key_is_listed_whole(self, document: str) -> None:
        text = DOCUMENTS[document].read_text("utf-8")
        assert all(f"`{path}`" in text for path in OPEN_PATHS)


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
