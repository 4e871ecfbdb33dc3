"""docs/OPERATIONS.md: each of its commands is known and run by a test, and its figures and lists are the code's."""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from collector.yahoo_session import HOSTS
from config.config import PROJECT_ROOT, Settings
from front_door import front_door
from ops import cli
from ops.documents import blocks
from ops.native import compose, control
from ops.native.compose import ports
from ops.native.services import read_services
from ops.native.stack import Stack
from ops.native.stack_secrets import read_env_file
from ops.native.supervisor import State

PAGES = [PROJECT_ROOT / "docs" / name for name in ("OPERATIONS.md", "OPERATIONS.ko.md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
PROGRAMS = ("caddy", "curl", "docker", "git", "nginx", "psql", "python", "ssh", "sudo", "systemctl", "tar")
PROGRAM = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:\./start\.sh|{'|'.join(PROGRAMS)})\b")
# Fences of a file's content.
FILES = ("caddy", "ini")
# What the reader puts in.
FILLED = {
    "FILE": "actstock.tar",
    "HEADS": "heads.txt",
    "HOST": "server",
    "KEPT": "stockdb_before_restore_20260821T210000",
    "NAME": "API_KEY",
    "PASSWORD": "opens-the-page",
    "PERSON": "somebody",
    "SECRET": "a-new-one-of-mine",
    "USER": "sender",
}
HERE = "this module"
DRILL = "test/end_to_end_tests/containers/test_restore.py"
ASKING = "test/integration_tests/test_operations_commands.py"
NATIVE = "test/end_to_end_tests/test_the_drill.py"
NATIVE_DRILL = f"{NATIVE}::test_what_came_after_the_backup_is_there_after_the_restore"
CHANGING = "test/integration_tests/test_change_password.py::test_the_new_password_opens_and_the_old_one_does_not"
PROXY = "test/integration_tests/test_proxy.py"
BOOT = "test/integration_tests/test_start_at_boot.py"
# Each command of the pages, and the test that runs it.
RUN_BY = {
    "./start.sh": "ops/testing.py::_start",
    "./start.sh alert --test": f"{ASKING}::test_a_message_arrives",
    "./start.sh backup FILE": NATIVE_DRILL,
    "./start.sh backup --docker FILE": f"{DRILL}::test_the_data_of_postgresql_15_come_over",
    "./start.sh bench chaos --short": "test/end_to_end_tests/test_survived_faults.py::"
    "test_nothing_is_lost_or_doubled_and_nobody_is_needed",
    "./start.sh bench members --short": "test/integration_tests/test_bench_members.py::"
    "test_consumers_come_and_go_while_messages_come",
    "./start.sh bench memory": "test/unit_tests/test_bench.py::test_the_memory_of_each_service_and_of_all",
    "./start.sh bench chaos --resume": "test/unit_tests/test_bench_chaos.py::"
    "test_what_is_over_is_kept_when_it_is_interrupted",
    "./start.sh bench soak --short": "test/unit_tests/test_bench_chaos.py::test_a_soak_compares_rows_and_memory",
    "./start.sh closed-days": f"{ASKING}::test_what_the_database_is_asked",
    "./start.sh closed-days --add XKRX 2026-06-04 'local elections'": f"{ASKING}::test_a_day_is_added",
    "./start.sh env": HERE,
    "./start.sh env 'ALERT_URLS=mailtos://USER:PASSWORD@example.org?to=PERSON@example.com'": HERE,
    "./start.sh env ACTSTOCK_HOSTS=stocks.example.org,api.example.org DASHBOARD_PASSWORD=PASSWORD": HERE,
    "./start.sh env COMPOSE_PROFILES=monitoring CONSUMER_METRICS_PORT=9101 AIRFLOW_METRICS=1 SPARK_METRICS=1": HERE,
    "./start.sh env NAME=SECRET": HERE,
    "./start.sh exec python -m database.change_password": CHANGING,
    "./start.sh exec python -m database.change_password --airflow": CHANGING,
    "./start.sh gaps": f"{ASKING}::test_what_the_database_is_asked",
    "./start.sh logs backup": HERE,
    "./start.sh restore FILE": HERE,
    "./start.sh restore --native FILE": NATIVE_DRILL,
    "./start.sh restore --docker FILE": f"{DRILL}::test_a_platform_is_restored_over_another_state",
    "ACTSTOCK_HOME=/another/folder ./start.sh restore FILE": HERE,
    "./start.sh status": NATIVE_DRILL,
    "./start.sh stop": NATIVE_DRILL,
    "./start.sh verify": f"{ASKING}::test_what_the_database_is_asked",
    "./start.sh verify --head": f"{ASKING}::test_heads_that_are_kept_are_found_again",
    "./start.sh verify --head --send": f"{ASKING}::test_a_message_arrives",
    "./start.sh verify --kept HEADS": f"{ASKING}::test_heads_that_are_kept_are_found_again",
    "caddy validate --config /etc/caddy/Caddyfile": f"{PROXY}::test_the_proxy_takes_the_example",
    "curl --fail --silent --show-error https://stocks.example.org/health": f"{PROXY}::"
    "test_the_look_at_the_dashboard_behind_it",
    "docker compose exec airflow-db rm -r /var/lib/postgresql/before-18": f"{DRILL}::"
    "test_the_data_of_postgresql_15_come_over",
    "docker compose exec postgres dropdb --username postgres KEPT": f"{DRILL}::test_what_is_kept_can_be_removed",
    "docker compose exec postgres psql --username postgres --list": f"{DRILL}::test_what_is_kept_can_be_removed",
    "docker compose exec postgres rm -r /var/lib/postgresql/before-18": f"{DRILL}::"
    "test_the_data_of_postgresql_15_come_over",
    "docker image prune": "test/end_to_end_tests/containers/test_containers.py::"
    "test_what_operations_names_is_a_command_of_docker",
    "ssh -L 8080:127.0.0.1:8080 HOST": HERE,
    "systemctl enable actstock": f"{BOOT}::test_it_is_started_with_the_machine",
}
FRONT_DOOR = [command for command in RUN_BY if "./start.sh" in command]
ENV = [command for command in FRONT_DOOR if "./start.sh env" in command]
RESTORE = [command for command in FRONT_DOOR if " restore " in command and RUN_BY[command] == HERE]
ALONE = ["./start.sh logs backup"]


def text_of(page: Path) -> str:
    return blocks.BLOCK.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> list[str]:
    """Return every line of the shell, and whatever else in the page's code begins as a command does."""
    text = text_of(page)
    lines = [line for fence in FENCE.finditer(text) if fence[1] not in FILES for line in fence[2].splitlines()]
    typed = [line.partition(" #")[0].strip() for line in lines]
    inline = [found[1] for found in INLINE.finditer(FENCE.sub("", text))]
    return [*filter(None, typed), *(code for code in inline if PROGRAM.match(code) and " " in code)]


def filled(command: str) -> list[str]:
    """Return a command's words, with the reader's own filled in."""
    return shlex.split(re.sub(r"\b[A-Z]+\b", lambda word: FILLED.get(word[0], word[0]), command))


def arguments(command: str) -> list[str]:
    """Return what the front door hands to its command line."""
    words = filled(command)
    return [word for word in words[words.index("./start.sh") + 1 :] if word not in ("--docker", "--native")]


class TestCommands:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_each_is_run_by_a_test(self, page: Path) -> None:
        found = commands(page)
        assert len(found) > 20
        assert sorted(set(found) - set(RUN_BY)) == [], "say in RUN_BY which test runs it"

    def test_both_pages_have_the_same_blocks(self) -> None:
        english, korean = ([fence[2] for fence in FENCE.finditer(text_of(page))] for page in PAGES)
        assert [re.sub(r" +#.*", "", block) for block in korean] == [re.sub(r" +#.*", "", block) for block in english]

    def test_no_test_is_named_for_what_no_page_has(self) -> None:
        assert set(RUN_BY) == {command for page in PAGES for command in commands(page)}

    @pytest.mark.parametrize("place", sorted(set(RUN_BY.values()) - {HERE}))
    def test_the_tests_are_there(self, place: str) -> None:
        path, _, name = place.partition("::")
        text = (PROJECT_ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^ *def {name}\(", text, re.MULTILINE)
        if path in (ASKING, NATIVE):
            assert all(f'"{command}' in text for command, by in RUN_BY.items() if by == place)

    @pytest.mark.parametrize("command", FRONT_DOOR)
    def test_the_front_door_takes_it(self, command: str) -> None:
        given = cli.parser().parse_args(arguments(command))
        assert not hasattr(given, "service") or given.service in read_services()

    @pytest.mark.parametrize("command", ["./start.sh stauts", "./start.sh verify --haed", "./start.sh backup"])
    def test_a_slip_would_be_noticed(self, command: str) -> None:
        with pytest.raises(SystemExit):
            cli.parser().parse_args(arguments(command))

    @pytest.mark.parametrize("name", sorted({arguments(command)[0] for command in FRONT_DOOR if arguments(command)}))
    def test_each_has_help(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            cli.main([name, "--help"])
        assert ended.value.code == 0
        assert f"usage: ./start.sh {name}" in capsys.readouterr().out

    def test_none_is_said_to_be_run_here_that_is_not(self) -> None:
        here = [command for command in FRONT_DOOR if RUN_BY[command] == HERE]
        assert sorted(here) == sorted([*ENV, *RESTORE, *ALONE])

    def test_a_tunnel_leads_to_airflow(self) -> None:
        [tunnel] = [command for command in RUN_BY if command.startswith("ssh")]
        assert filled(tunnel)[:3] == ["ssh", "-L", f"{ports()['airflow']}:127.0.0.1:{ports()['airflow']}"]


class TestRunHere:
    """Those that need no platform."""

    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("ACTSTOCK_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        return tmp_path / "home"

    @pytest.mark.parametrize("command", ENV)
    def test_a_setting_is_written(self, tmp_path: Path, command: str) -> None:
        words = arguments(command)
        said = front_door(tmp_path, *words)
        assert said.returncode == 0, said.stderr
        written = read_env_file(tmp_path / ".env")
        given = dict(word.split("=", 1) for word in words[1:])
        assert written == given if given else set(written) == set(compose.secret_sizes())
        Settings.from_env(written)

    @pytest.mark.parametrize("command", RESTORE)
    def test_a_wrong_file_restores_nothing(
        self, home: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / FILLED["FILE"]).write_text("no backup\n")
        assert cli.main(arguments(command)) == 1
        assert "is no backup, or not the whole of one" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == [FILLED["FILE"]]

    def test_the_log_of_backups(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (home / "logs").mkdir(parents=True)
        (home / "logs" / "backup.log").write_text("made a backup\n")
        assert cli.main(arguments("./start.sh logs backup")) == 0
        assert capsys.readouterr().out == "made a backup\n"

    def test_nothing_is_left_to_stop(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(arguments("./start.sh stop")) == 0
        assert "Stopped." in capsys.readouterr().out

    def test_the_status_has_the_time_of_this_machine(
        self,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        in_zone: Callable[[str], None],
    ) -> None:
        def state(name: str) -> State:
            return State(name, "RUNNING", 7, 1_787_000_000, 60, 0, "", "")

        names = read_services()
        monkeypatch.setattr(control, "running_stack", lambda: Stack(home))
        monkeypatch.setattr(control, "is_ready", lambda *_: True)
        monkeypatch.setattr(
            control, "Supervisor", lambda _: SimpleNamespace(states=lambda: {name: state(name) for name in names})
        )
        in_zone("Asia/Seoul")
        assert control.status() == 0
        assert re.search(r"backup +ready +08-18 05:53 ", capsys.readouterr().out)

    @pytest.fixture
    def in_zone(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
        def move(name: str) -> None:
            monkeypatch.setenv("TZ", name)
            time.tzset()

        yield move
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
class TestFacts:
    def test_every_secret_can_be_changed(self, page: Path) -> None:
        [section] = [part for part in re.split(r"^##+ ", text_of(page), flags=re.MULTILINE) if "FERNET" in part]
        told = set(re.findall(r"^\| (.*?) \|", section, re.MULTILINE))
        named = {name for cell in told for name in re.findall(r"`([A-Z_]+)`", cell)}
        assert set(compose.secret_sizes()) | {"DASHBOARD_PASSWORD", "ALERT_URLS"} == named

    def test_every_host_that_is_asked_is_named(self, page: Path) -> None:
        assert set(re.findall(r"`([\w.]+\.yahoo\.com)`", text_of(page))) == set(HOSTS)

    def test_the_memory_is_that_of_the_limits(self, page: Path) -> None:
        services = compose.services()
        limits = {name: int(str(service["mem_limit"]).removesuffix("m")) for name, service in services.items()}
        always = [
            name
            for name, service in services.items()
            if service.get("restart") == "unless-stopped" and "profiles" not in service
        ]
        assert f"{sum(limits[name] for name in always):,} MB" in text_of(page)
        assert f"{limits['market-server']} MB" in text_of(page)

    def test_the_proxy_leads_to_the_ports_of_the_two(self, page: Path) -> None:
        [caddy] = [fence[2] for fence in FENCE.finditer(text_of(page)) if fence[1] == "caddy"]
        led = re.findall(r"^([\w.]+) \{.*?reverse_proxy 127\.0\.0\.1:(\d+)", caddy, re.MULTILINE | re.DOTALL)
        assert dict(led) == {"stocks.example.org": str(ports()["dashboard"]), "api.example.org": str(ports()["api"])}
        [hosts] = [word for command in commands(page) for word in filled(command) if word.startswith("ACTSTOCK_HOSTS=")]
        assert Settings.from_env(dict([hosts.split("=")])).web.hosts == {name for name, _ in led}


def test_the_code_names_no_other_host() -> None:
    """An address in a string may be asked for. Those of the platform itself have no dot."""
    shown = {"www.w3.org", "example.com", "bit.ly", "127.0.0.1", "stocks.example.org", "appriseit.com"}
    folders = (
        "alerts",
        "api",
        "batch",
        "collector",
        "config",
        "consumer",
        "contract",
        "dashboard",
        "database",
        "utils",
    )
    named = {
        host
        for folder in folders
        for path in (PROJECT_ROOT / folder).rglob("*.py")
        if "tests" not in path.parts
        for host in re.findall(r"https?://([\w-]+(?:\.[\w-]+)+)", path.read_text(encoding="utf-8"))
    }
    assert named - shown <= set(HOSTS)
    assert named & set(HOSTS)
