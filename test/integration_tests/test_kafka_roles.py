"""Kafka lets nobody in without a login, and each user does its own work and no other. ZooKeeper lets Kafka in alone."""

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from config.config import KafkaSettings, Settings, Topic
from ops.native.compose import ports
from own_topics import own_topics
from utils import kafka_roles
from utils.errors import BrokerRefused, BrokerUnavailable
from utils.kafka_login import require_login
from utils.kafka_utils import (
    LOGIN_SECONDS,
    SCRAM,
    admin_client,
    client_options,
    committed_offsets,
    connect_consumer,
    count_members,
    end_offsets,
    publisher,
    topic_ids,
)

PASSWORD = "made up for tests"
BRIEFLY = {"bootstrap_timeout_ms": 3000}
PATIENCE_MS = 15_000
AT_ONCE_SECONDS = 10.0
# What ZooKeeper answers before it ends a session without a login.
LOGIN_REQUIRED = -124
CHILDREN_OF = 8


@pytest.fixture(scope="module")
def owner() -> Iterator[KafkaSettings]:
    """Return the owner's settings, with topics and users of this module's own."""
    with own_topics() as settings:
        roles = [replace(role, name=settings.prefix + role.name) for role in kafka_roles.ROLES]
        passwords = {role.password_setting: PASSWORD for role in roles}
        for _ in range(2):  # as a second start does
            assert kafka_roles.apply_roles(settings, passwords, roles) == [role.name for role in roles]
        yield settings


def user(owner: KafkaSettings, name: str) -> KafkaSettings:
    return replace(owner, user=owner.prefix + name, password=PASSWORD)


def send(settings: KafkaSettings, topic: Topic) -> None:
    with publisher(settings) as publishing:
        publishing.send_raw(topic, b"SPY", b"{}")
        publishing.wait()


def read_and_commit(settings: KafkaSettings, topic: Topic, group: str) -> int:
    with closing(connect_consumer(settings, topic, group)) as consumer:
        count = sum(map(len, consumer.poll(timeout_ms=PATIENCE_MS).values()))
        consumer.commit()
        return count


@pytest.mark.parametrize(
    "login", [{"user": ""}, {"password": "a guess"}, {"user": "somebody"}], ids=["no login", "a guess", "a stranger"]
)
def test_nobody_gets_in_without_a_login(owner: KafkaSettings, login: dict[str, Any]) -> None:
    with (
        pytest.raises((KafkaError, TimeoutError)),
        closing(KafkaAdminClient(**client_options(replace(owner, **login)), **BRIEFLY)) as admin,
    ):
        admin.list_topics()


@pytest.mark.parametrize("login", [{"password": "a guess"}, {"user": "somebody"}], ids=["a guess", "a stranger"])
@pytest.mark.parametrize(
    "use",
    [
        topic_ids,
        lambda settings: send(settings, Topic.ETF_DAILY),
        lambda settings: end_offsets(settings, Topic.ETF_DAILY),
    ],
)
def test_a_refused_login_is_told_at_once(
    owner: KafkaSettings, use: Callable[[KafkaSettings], object], login: dict[str, Any]
) -> None:
    refused = replace(owner, **login)
    began = time.monotonic()
    with pytest.raises(
        BrokerRefused, match=rf"refuses the login {refused.user}: Authentication failed .* \./start\.sh"
    ):
        use(refused)
    assert time.monotonic() - began < AT_ONCE_SECONDS


def test_a_consumer_that_is_refused_ends(owner: KafkaSettings) -> None:
    """So that it is started again, and whoever watches is told of the loop."""
    refused = user(owner, "consumer-etf-daily")
    environ = os.environ | {"KAFKA_USER": refused.user, "KAFKA_PASSWORD": "a guess"}
    began = time.monotonic()
    command = [sys.executable, "-m", "consumer.kafka_consumer_etf_daily"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert time.monotonic() - began < LOGIN_SECONDS + AT_ONCE_SECONDS
    told = ended.stderr.splitlines()[-1]
    assert (ended.returncode, told.split(":")[0]) == (1, "error")
    assert f"refuses the login {refused.user}" in told


def test_a_password_that_the_broker_learns_of_later_is_waited_for(owner: KafkaSettings) -> None:
    late = replace(owner, user=f"{owner.prefix}late", password=PASSWORD)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(require_login, late, SCRAM, 30.0)
        time.sleep(1)
        assert not waiting.done()
        with admin_client(owner) as admin:
            admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(late.user, ScramMechanism.SCRAM_SHA_512, PASSWORD)]
            )
        waiting.result(30)


def test_what_a_producer_sends_its_consumer_reads(owner: KafkaSettings) -> None:
    collect = user(owner, "collect")
    for topic in Topic:
        send(collect, topic)
        reader = user(owner, f"consumer-{topic.consumer_group}")
        assert read_and_commit(reader, topic, topic.consumer_group) == 1
        # A member without a partition asks this.
        assert count_members(reader, topic.consumer_group) == 0
        # The producer's stage waits for this.
        assert sum(committed_offsets(collect, topic.consumer_group)[topic].values()) == 1
    assert topic_ids(collect).keys() == set(Topic)


@pytest.mark.parametrize("name", [role.name for role in kafka_roles.ROLES if role is not kafka_roles.COLLECT])
def test_a_consumer_sends_nothing(owner: KafkaSettings, name: str) -> None:
    topic = next(topic for topic in Topic if name.endswith(topic.consumer_group))
    with pytest.raises(BrokerUnavailable, match=r"(?i)authoriz"):
        send(user(owner, name), topic)


@pytest.mark.parametrize(
    ("name", "topic", "group"),
    [
        ("consumer-etf-daily", Topic.STOCK_DAILY, Topic.ETF_DAILY.consumer_group),
        ("consumer-etf-daily", Topic.ETF_DAILY, Topic.STOCK_DAILY.consumer_group),
        ("collect", Topic.ETF_DAILY, Topic.ETF_DAILY.consumer_group),
    ],
    ids=["another's topic", "another's group", "as a producer"],
)
def test_nobody_reads_what_is_not_theirs(
    owner: KafkaSettings, name: str, topic: Topic, group: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client tries for as long as the topic is not shown to it, and raises where the group is not."""
    send(user(owner, "collect"), topic)
    with suppress(GroupAuthorizationFailedError, TopicAuthorizationFailedError):
        assert read_and_commit(user(owner, name), topic, group) == 0
        assert f"Topic {owner.prefix}{topic} is not authorized" in caplog.text


@pytest.mark.parametrize("name", ["collect", "consumer-etf-daily"])
def test_nobody_but_the_owner_makes_or_deletes(owner: KafkaSettings, name: str) -> None:
    denied = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError, BrokerUnavailable)
    layout = {"num_partitions": 1, "replication_factor": 1}
    with pytest.raises(denied), admin_client(user(owner, name)) as admin:
        admin.create_topics({f"{owner.prefix}more": layout})
    with pytest.raises(denied), admin_client(user(owner, name)) as admin:
        admin.delete_topics([owner.prefix + Topic.ETF_DAILY])
    assert topic_ids(owner).keys() == set(Topic)


def test_zookeeper_has_no_session_for_who_does_not_log_in() -> None:
    host, _, port = Settings.from_env().kafka.bootstrap_servers.rpartition(":")
    place = (host, int(port) - ports()["kafka"] + ports()["zookeeper"])
    try:
        connection = socket.create_connection(place, timeout=10)
    except OSError as away:
        pytest.skip(str(away))
    with connection:
        # Version, newest change seen, patience in ms, no earlier session.
        _send(connection, struct.pack(">iqiqi16s?", 0, 0, 10_000, 0, 16, b"", False))
        _receive(connection)
        path = b"/config/users"
        _send(connection, struct.pack(f">iii{len(path)}s?", 1, CHILDREN_OF, len(path), path, False))
        _, _, error = struct.unpack_from(">iqi", _receive(connection))
    assert error == LOGIN_REQUIRED


def _send(connection: socket.socket, body: bytes) -> None:
    connection.sendall(struct.pack(">i", len(body)) + body)


def _receive(connection: socket.socket) -> bytes:
    [length] = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(length, socket.MSG_WAITALL)
