"""A backup becomes databases of servers that go on: beside the old ones, then in their place."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from backup_places import SECRETS, a_place
from config.config import DatabaseSettings, KafkaSettings
from database.db_helper import connect, fetch, transaction
from ops.backup import containers
from ops.backup.archive import Archive
from ops.backup.containers import fill_databases, market_words, universe_in_containers, write_settings
from ops.backup.making import back_up
from ops.backup.places import Place
from ops.errors import CannotRestore
from ops.native.stack import DataSource
from ops.native.stack_secrets import read_env_file
from scratch_databases import a_database

TABLE = "collected_daily_etf_ohlc"


@pytest.fixture(scope="module")
def place(scratch_database: DatabaseSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with a_place(
        scratch_database,
        tmp_path_factory.mktemp("universe"),
        sizes={"tickers": 4, "days": 3, "answers": 3},
        universe='etfs = "mine.csv" # ours\n[fund_sizes]\nSPY = 10\n',
        settings="HISTORY_SESSIONS=99\nDASHBOARD_PASSWORD='a$b'\n",
        airflow=["CREATE TABLE dag_run AS SELECT number FROM generate_series(1, 30) AS number"],
    ) as made:
        yield made


@pytest.fixture(scope="module")
def archive(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    path = tmp_path_factory.mktemp("backup") / "actstock.tar"
    back_up(place, path)
    with Archive(path) as opened:
        yield opened


@pytest.fixture
def servers(place: Place) -> Iterator[Place]:
    """Return two empty databases, and remove whatever comes of them."""
    with a_database() as platform, a_database() as airflow:
        yield replace(place, platform=platform, airflow=airflow)
        for name in (*names(platform), *names(airflow)):
            if name not in (platform.name, airflow.name):
                drop(platform, name)


@pytest.fixture(autouse=True)
def groups(monkeypatch: pytest.MonkeyPatch) -> list[KafkaSettings]:
    """Note whose groups are set back: test_backup_kafka does it."""
    found: list[KafkaSettings] = []
    monkeypatch.setattr(containers, "apply_roles", lambda kafka, passwords: None)
    monkeypatch.setattr(containers, "set_groups_back", lambda manifest, kafka: found.append(kafka))
    return found


def names(database: DatabaseSettings) -> list[str]:
    """Return the databases of the server whose names begin as this one's does."""
    with closing(connect(database)) as conn:
        found = fetch(conn, "SELECT datname FROM pg_database ORDER BY datname")
    return [row["datname"] for row in found if row["datname"].startswith(database.name)]


def drop(database: DatabaseSettings, name: str) -> None:
    with suppress(Exception), closing(connect(replace(database, name="postgres"))) as conn:
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def rows(database: DatabaseSettings) -> list[dict[str, object]]:
    with closing(connect(database)) as conn:
        return fetch(conn, f"SELECT * FROM {TABLE} ORDER BY ticker, trade_date")


def restore(archive: Archive, servers: Place) -> None:
    # The logins are the whole server's, where other tests use them.
    fill_databases(archive, servers, {})


def test_empty_servers_are_filled_and_nothing_empty_is_kept(
    archive: Archive, place: Place, servers: Place, groups: list[KafkaSettings]
) -> None:
    restore(archive, servers)
    assert rows(servers.platform) == rows(place.platform) != []
    assert names(servers.platform) == [servers.platform.name]
    assert names(servers.airflow) == [servers.airflow.name]
    assert groups == [place.kafka]


def test_what_was_there_is_kept_under_another_name(archive: Archive, servers: Place) -> None:
    with closing(connect(servers.platform)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute("CREATE TABLE of_today AS SELECT 1 AS number")
    restore(archive, servers)
    [kept] = [name for name in names(servers.platform) if name != servers.platform.name]
    assert kept.startswith(f"{servers.platform.name}_before_restore_")
    with closing(connect(replace(servers.platform, name=kept))) as conn:
        assert fetch(conn, "SELECT number FROM of_today") == [{"number": 1}]
    assert rows(servers.platform)


def test_a_restore_that_fails_changes_nothing(
    archive: Archive, servers: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise CannotRestore("Kafka is away")

    monkeypatch.setattr(containers, "set_groups_back", fail)
    with pytest.raises(CannotRestore, match="Kafka is away"):
        restore(archive, servers)
    assert names(servers.platform) == [servers.platform.name]
    assert names(servers.airflow) == [servers.airflow.name]


def test_one_that_was_interrupted_is_simply_begun_again(
    archive: Archive, servers: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two servers: the platform's database is the new one already, and Airflow's the old one."""
    swap = containers._swap
    swapped: list[DatabaseSettings] = []

    def swap_once(database: DatabaseSettings, kept: str) -> None:
        if swapped:
            raise KeyboardInterrupt
        swap(database, kept)
        swapped.append(database)

    monkeypatch.setattr(containers, "_swap", swap_once)
    with pytest.raises(KeyboardInterrupt):
        restore(archive, servers)
    monkeypatch.setattr(containers, "_swap", swap)
    restore(archive, servers)
    assert rows(servers.platform)
    with closing(connect(servers.airflow)) as conn:
        assert len(fetch(conn, "SELECT * FROM dag_run")) == 30


class TestSettings:
    def test_an_empty_machine_gets_all_secrets(self, archive: Archive, tmp_path: Path) -> None:
        write_settings(archive, None, tmp_path, Path("/home/me/.actstock/config"))
        known = read_env_file(tmp_path / "env")
        assert {name: known[name] for name in SECRETS} == SECRETS
        assert (known["HISTORY_SESSIONS"], known["DASHBOARD_PASSWORD"]) == ("99", "a$b")

    def test_a_server_keeps_its_owners_password(self, archive: Archive, tmp_path: Path) -> None:
        here = tmp_path / "here.env"
        here.write_text("DB_PASSWORD=of-today\nAPI_KEY=of-today\n")
        write_settings(archive, here, tmp_path, Path("/config"))
        known = read_env_file(tmp_path / "env")
        assert (known["DB_PASSWORD"], known["API_KEY"]) == ("of-today", SECRETS["API_KEY"])
        assert known["AIRFLOW_DB_PASSWORD"] == SECRETS["AIRFLOW_DB_PASSWORD"]

    def test_the_universe_lies_where_docker_finds_it(self, archive: Archive, tmp_path: Path) -> None:
        write_settings(archive, None, tmp_path, Path("/home/me/.actstock/config"))
        known = read_env_file(tmp_path / "env")
        assert known["UNIVERSE_FILE"] == "/home/me/.actstock/config/universe.toml"
        assert known["UNIVERSE_CSV"] == "/home/me/.actstock/config/universe.csv"
        assert (tmp_path / "config" / "universe.csv").read_text() == "ticker,name\n"

    def test_containers_see_its_csv_under_their_name(self, archive: Archive) -> None:
        files, _ = universe_in_containers(archive, Path("/config"))
        assert files[Path("/config/universe.toml")] == 'etfs = "universe.csv"\n[fund_sizes]\nSPY = 10\n'

    def test_a_market_of_another_size_is_native_only(self) -> None:
        with pytest.raises(CannotRestore, match="restore --native FILE"):
            market_words(DataSource("simulated", etfs=500))
