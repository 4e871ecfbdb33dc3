"""In which order a restore into containers does what cannot be undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from config.config import DatabaseSettings, KafkaSettings
from ops.backup import containers
from ops.backup.archive import Archive
from ops.backup.places import Place
from ops.native import compose
from ops.native.stack import DataSource
from utils.errors import BrokerRefused
from utils.kafka_roles import ROLES

PASSWORDS = {"KAFKA_PASSWORD": "of the backup", "KAFKA_COLLECT_PASSWORD": "of the backup, too"}
PLATFORM = DatabaseSettings("postgres", 5432, "stockdb", "postgres", "x")
PLACE = Place(
    platform=PLATFORM,
    airflow=replace(PLATFORM, host="airflow-db", name="airflow"),
    kafka=KafkaSettings("kafka:9092", 1, 1, user="kafka", password="of the backup"),
    market=DataSource(),
    secrets=PASSWORDS,
    settings="",
    files={},
)
ARCHIVE = cast(Archive, SimpleNamespace(manifest=None))


class FirstTime:
    """A Kafka that nobody has told of its users, beside two databases."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.users: dict[str, str] = {}
        for name in ("apply_roles", "set_groups_back", "fill_platform", "fill", "_swap", "_new_beside"):
            monkeypatch.setattr(containers, name, getattr(self, name))
        monkeypatch.setattr(containers, "require_space", lambda *_: None)

    def apply_roles(self, kafka: KafkaSettings, passwords: dict[str, str]) -> None:
        self.done.append("users")
        self.users = {kafka.user: kafka.password} | dict(passwords)

    def set_groups_back(self, manifest: object, kafka: KafkaSettings) -> None:
        if self.users.get(kafka.user) != kafka.password:
            raise BrokerRefused(f"Kafka refuses the login {kafka.user}")
        self.done.append("groups")

    def fill_platform(self, *_: object) -> None:
        self.done.append("platform")

    def fill(self, *_: object) -> None:
        self.done.append("airflow")

    def _swap(self, database: DatabaseSettings, kept: str) -> None:
        self.done.append(f"{database.name} in its place")

    @contextmanager
    def _new_beside(self, database: DatabaseSettings) -> Iterator[DatabaseSettings]:
        yield database


def test_kafkas_users_are_made_before_anybody_logs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty machine's Kafka has none, and that of another .env has them with other passwords."""
    machine = FirstTime(monkeypatch)
    containers.fill_databases(ARCHIVE, PLACE)
    assert machine.done == ["platform", "airflow", "users", "groups", "stockdb in its place", "airflow in its place"]
    assert machine.users.items() >= PASSWORDS.items()


def test_a_kafka_that_is_away_leaves_the_databases_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FirstTime(monkeypatch)

    def refuse(*_: object) -> None:
        raise BrokerRefused("ZooKeeper is away")

    monkeypatch.setattr(containers, "apply_roles", refuse)
    with pytest.raises(BrokerRefused):
        containers.fill_databases(ARCHIVE, PLACE)
    assert machine.done == ["platform", "airflow"]


def test_its_container_has_every_password_of_kafkas_users() -> None:
    environment = compose.services()["backup"]["environment"]
    for role in ROLES:
        assert environment[role.password_setting] == f"${{{role.password_setting}}}"
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9092", "the listener at which the broker's own login counts"
