"""A backup and a restore: the same rows, the same evidence; and whatever cannot be restored is refused before."""

import io
import json
import os
import signal
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backup_places import LAST, SECRETS, a_place
from config.config import DatabaseSettings
from database.db_helper import connect, fetch, reading_at_once, transaction
from database.migrate import read_migrations
from ops.backup import before_upgrade, native, places, restoring
from ops.backup.archive import Archive
from ops.backup.dumps import count_rows
from ops.backup.making import back_up
from ops.backup.manifest import PLATFORM_DUMP
from ops.backup.places import Place
from ops.errors import BackupBroken, CannotBackUp, CannotRestore
from ops.evidence.verify import verify
from ops.native import swap
from ops.native.stack import DataSource, Stack
from ops.native.stack_secrets import read_env_file
from scratch_databases import a_database, load_version_0_1_0
from utils.errors import DatabaseUnavailable


@pytest.fixture(scope="module")
def place(scratch_database: DatabaseSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return a platform with a few days of everything, without Kafka."""
    with a_place(
        scratch_database,
        tmp_path_factory.mktemp("universe"),
        sizes={"tickers": 8, "days": 4, "answers": 5},
        universe='etfs = "mine.csv"\n',
        settings="HISTORY_SESSIONS=99\n",
        airflow=[
            "CREATE TABLE dag_run (id SERIAL PRIMARY KEY, dag_id TEXT, conf JSONB)",
            "INSERT INTO dag_run (dag_id, conf) SELECT 'a dag', '{}' FROM generate_series(1, 30)",
        ],
    ) as made:
        yield made


@pytest.fixture(scope="module")
def backup(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "actstock.tar"
    back_up(place, path)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of state. What `restore` starts at its end is noted, not started."""
    monkeypatch.setenv("ACTSTOCK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(native, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(native, "start", lambda stack: (stack.home / "started").write_text(stack.source.label) * 0)
    return tmp_path / "home"


@pytest.fixture
def changed(backup: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the backup again, with members changed, added (name -> bytes) or left out."""

    def write(left_out: str = "", manifest: dict[str, object] | None = None, **added: bytes) -> Path:
        path = tmp_path / "changed.tar"
        with tarfile.open(backup) as old, tarfile.open(path, "w") as new:
            for member in old:
                file = old.extractfile(member)
                assert file
                body = added.pop(member.name, file.read())
                if member.name == "manifest.json":
                    body = json.dumps(json.loads(body) | (manifest or {})).encode()
                if member.name != left_out:
                    _add(new, member.name, body)
            for name, body in added.items():
                _add(new, name, body)
        return path

    return write


def _add(archive: tarfile.TarFile, name: str, body: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(body)
    archive.addfile(info, io.BytesIO(body))


def rows_of(database: DatabaseSettings) -> dict[str, list[str]]:
    """Return every row of every table as text. One that is counted anew by each change is left out."""
    with reading_at_once(database) as (conn, _):
        tables = [name for name in count_rows(conn) if name != "logs_data_change"]
        return {
            name: [row["line"] for row in fetch(conn, f"SELECT t::text AS line FROM {name} AS t ORDER BY 1")]
            for name in tables
        }


def test_a_backup_is_restored_row_for_row(
    place: Place, backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found: dict[str, dict[str, list[str]]] = {}
    complaints: list[object] = []
    fill_platform = restoring.fill_platform

    def look(archive: Archive, database: DatabaseSettings, secrets: dict[str, str]) -> None:
        fill_platform(archive, database, secrets)
        found["rows"] = rows_of(database)
        with closing(connect(database)) as conn:
            complaints.extend(finding for _, _, findings in verify(conn) for finding in findings)
        with closing(connect(replace(database, user="actstock_read", password=SECRETS["DB_READ_PASSWORD"]))) as reader:
            fetch(reader, "SELECT COUNT(*) FROM collected_daily_etf_ohlc")

    monkeypatch.setattr(native, "fill_platform", look)
    assert native.restore_native(backup, True) == 0
    assert found["rows"] == rows_of(place.platform)
    assert sum(map(len, found["rows"].values())) > 100
    assert len(found["rows"]["owned_positions"]) == 1
    assert complaints == []
    stack = Stack(home, source=DataSource("simulated", seed=7))
    assert (home / "started").read_text() == "simulated-7"
    assert {path.name for path in stack.data.iterdir()} == {"postgres", "airflow-db"}
    assert read_env_file(stack.secrets_file) == SECRETS
    assert os.stat(stack.secrets_file).st_mode & 0o777 == 0o600
    assert (home / "config" / "mine.csv").read_text() == "ticker,name\n"
    assert (home.parent / ".env").read_text() == (f"HISTORY_SESSIONS=99\nUNIVERSE_FILE={home}/config/universe.toml\n")
    assert "made-up" not in capsys.readouterr().out


def test_a_backup_of_the_last_release_is_restored_and_upgraded(
    place: Place, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated: list[str] = []
    fill_platform = restoring.fill_platform

    def look(archive: Archive, database: DatabaseSettings, secrets: dict[str, str]) -> None:
        fill_platform(archive, database, secrets)
        with closing(connect(database)) as conn:
            migrated.extend(row["name"] for row in fetch(conn, "SELECT name FROM schema_migration ORDER BY version"))

    monkeypatch.setattr(native, "fill_platform", look)
    with a_database() as old:
        with closing(connect(old)) as conn:
            load_version_0_1_0(conn)
        manifest = back_up(replace(place, platform=old), tmp_path / "old.tar")
    assert (manifest.migration, manifest.heads) == ("0000_version_0_1_0.sql", {})
    assert native.restore_native(tmp_path / "old.tar", True) == 0
    assert migrated == [each.name for each in read_migrations()]


class TestBeforeAnUpgrade:
    """A start that migrates something makes a backup first, and migrates nothing without one."""

    @pytest.fixture
    def environ(self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        airflow = place.airflow
        address = f"{airflow.user}:{airflow.password}@{airflow.host}:{airflow.port}/{airflow.name}"
        environ = {
            "DB_NAME": place.platform.name,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{address}",
            "BACKUP_FOLDER": str(tmp_path / "backups"),
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(places, "this_place", lambda: place)
        return environ

    @pytest.fixture
    def one_migration_to_come(self, place: Place) -> Iterator[None]:
        with closing(connect(place.platform)) as conn:
            newest = fetch(conn, "SELECT MAX(version) AS newest FROM schema_migration")[0]["newest"]
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("UPDATE schema_migration SET version = -version WHERE version = %s", (newest,))
            yield
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("UPDATE schema_migration SET version = -version WHERE version < 0")

    def test_nothing_is_done_where_nothing_is_upgraded(self, environ: dict[str, str], tmp_path: Path) -> None:
        assert before_upgrade.main() == 0
        assert not (tmp_path / "backups").exists()

    def test_a_migration_is_preceded_by_a_backup(
        self, environ: dict[str, str], tmp_path: Path, one_migration_to_come: None
    ) -> None:
        assert before_upgrade.main() == 0
        [made] = (tmp_path / "backups").glob("before-upgrade-*.tar")
        with Archive(made) as archive:
            restoring.check(archive)

    def test_without_a_backup_the_start_ends(
        self, environ: dict[str, str], tmp_path: Path, one_migration_to_come: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "backups").write_text("a file, and no folder")
        assert before_upgrade.main() == 1
        assert "nothing is upgraded without a backup" in capsys.readouterr().out

    def test_another_airflow_is_an_upgrade(self, environ: dict[str, str], place: Place) -> None:
        with closing(connect(place.airflow)) as conn, transaction(conn), conn.cursor() as cursor:
            cursor.execute(f"COMMENT ON DATABASE {place.airflow.name} IS 'airflow 3.0.1, pools 00'")
        [reason] = before_upgrade.upgrades(os.environ)
        assert reason.startswith("Airflow 3.0.1 to 3.")


def test_what_was_there_is_kept(backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = home / "data" / "simulated-7"
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "old").touch()
    monkeypatch.setattr(native, "fill", lambda *_: None)
    monkeypatch.setattr(native, "fill_platform", lambda *_: None)
    assert native.restore_native(backup, True) == 0
    [_] = data.glob("postgres.before-restore-*/old")
    assert not (data / "postgres" / "old").exists()


def test_a_restore_that_fails_changes_nothing(backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise CannotRestore("rows are missing")

    monkeypatch.setattr(native, "fill", fail)
    with pytest.raises(CannotRestore, match="rows are missing"):
        native.restore_native(backup, True)
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("no_signal_is_ignored")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_restore_that_is_stopped_changes_nothing(
    backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Nor does its server go on running."""
    monkeypatch.setattr(native, "fill_platform", lambda *_: os.kill(os.getpid(), number))
    with pytest.raises(KeyboardInterrupt):
        native.restore_native(backup, True)
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_takes_its_place_does_so_whole(
    backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Else the restore would remove what it has prepared, with some of it in its place."""
    finish = swap.finish
    monkeypatch.setattr(native, "fill", lambda *_: None)
    monkeypatch.setattr(native, "fill_platform", lambda *_: None)
    monkeypatch.setattr(swap, "finish", lambda stack: os.kill(os.getpid(), number) or finish(stack))
    with pytest.raises(KeyboardInterrupt):
        native.restore_native(backup, True)
    data = home / "data" / "simulated-7"
    assert (data / "postgres" / "PG_VERSION").exists() and (data / "airflow-db" / "PG_VERSION").exists()
    assert read_env_file(home / "secrets.env") == SECRETS
    assert list((home / "run").glob("swap*")) == []


def test_nobody_to_be_asked(backup: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(CannotRestore, match="give --yes"):
        native.restore_native(backup, False)
    assert not home.exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"left_out": "manifest.json"}, "not the whole of one: it ends without manifest.json"),
        ({"left_out": "airflow.dump"}, "not the whole of a backup: airflow.dump is missing or cut off"),
        ({"secrets.env": b"DB_PASSWORD=x\n"}, "not the whole of a backup: secrets.env is missing or cut off"),
        ({"../.bashrc": b"x"}, "it has '../.bashrc', which no backup has"),
        ({"/etc/passwd": b"x"}, "it has '/etc/passwd', which no backup has"),
        ({"manifest": {"version": "99.1.0"}}, "made by version 99.1.0, which is newer than this one"),
        ({"manifest": {"format": 2, "rows": 7}}, "which is newer than this one"),
        ({"manifest": {"migration": "9999_later.sql"}}, "which is newer than this one"),
        ({"manifest": {"rows": 7}}, "its manifest cannot be read: Expected `object`, got `int`"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_whole_backup_is_refused(
    changed: Callable[..., Path], home: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(BackupBroken, match=complaint):
        native.restore_native(changed(**change), True)
    assert not home.exists()


def test_a_changed_byte_is_noticed(backup: Path, changed: Callable[..., Path], home: Path) -> None:
    with tarfile.open(backup) as archive:
        file = archive.extractfile(PLATFORM_DUMP)
        assert file
        body = bytearray(file.read())
    body[len(body) // 2] ^= 1
    with pytest.raises(BackupBroken, match=r"is damaged: platform\.dump in it is not what was written"):
        native.restore_native(changed(**{PLATFORM_DUMP: bytes(body)}), True)
    assert not home.exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.97])
def test_a_truncated_backup_is_refused(backup: Path, home: Path, tmp_path: Path, share: float) -> None:
    cut = tmp_path / "cut.tar"
    cut.write_bytes(backup.read_bytes()[: int(backup.stat().st_size * share)])
    with pytest.raises(BackupBroken, match="is no backup, or not the whole of one"):
        native.restore_native(cut, True)
    assert not home.exists()


def test_a_backup_is_its_owners_alone_and_replaces_nothing(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "actstock.tar"
    manifest = back_up(place, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert manifest.topics is None
    assert manifest.newest_session == LAST
    before = path.read_bytes()
    with pytest.raises(CannotBackUp, match=r"actstock.tar exists: give another name"):
        back_up(place, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_backup_that_fails_leaves_nothing(place: Place, tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="nowhere is no folder"):
        back_up(place, tmp_path / "nowhere" / "actstock.tar")
    gone = replace(place, files={"universe.toml": tmp_path / "gone"})
    with pytest.raises(CannotBackUp, match="gone: cannot be read: No such file"):
        back_up(gone, tmp_path / "actstock.tar")
    with pytest.raises(DatabaseUnavailable):
        back_up(replace(place, airflow=replace(place.airflow, name="nowhere")), tmp_path / "actstock.tar")
    assert list(tmp_path.iterdir()) == []
