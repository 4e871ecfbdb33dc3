"""The kinds of faults: each strikes a running stack in the middle of a chain, and says what it did."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import psutil

from config.config import Topic
from database.db_helper import connect, fetch
from ops.bench.chaos_disk import Disk
from ops.bench.chaos_field import Field
from ops.bench.chaos_rows import POISON_KEY
from ops.errors import RunFailed
from ops.native.supervisor import DOWN
from ops.replay.sandbox import CONSUMER_MODULES, module_process
from utils.errors import ActstockError
from utils.kafka_utils import admin_client, create_topics, publisher, set_back, topic_ids

# What the source answers to everything for a while. The last two are believed of single tickers.
ANSWERS: tuple[Mapping[str, Any], ...] = (
    {"kind": "server_error"},
    {"kind": "rate_limit"},
    {"kind": "unauthorized"},
    {"kind": "http_status", "status": 502, "body": "html"},
    {"kind": "http_status", "status": 403},
    {"kind": "http_status", "status": 999, "body": "html"},
    {"kind": "http_status", "status": 200, "body": "html"},
    {"kind": "consent_redirect"},
    {"kind": "crumb_text"},
    {"kind": "delay", "seconds": 3},
    {"kind": "http_status", "status": 200, "body": "empty"},
    {"kind": "http_status", "status": 200, "body": "null"},
)
# What no contract takes.
POISON = (
    b"",
    b"null",
    b"no JSON",
    b"\xff\xfe",
    b"{}",
    b'{"more": ' + b"[" * 100_000,
    b'{"ticker": "SPY", "trade_date": "9999-12-31"}',
    b'{"ticker": "' + b"A" * 201 + b'", "trade_date": "2026-08-21"}',
    b"[]",
    b'"SPY"',
    b"1e400",
    b"NaN",
    b"[" * 100_000,
    b'{"ticker": "SPY"',
    b'{"ticker": "SPY"} {}',
    b'{"ticker": null, "trade_date": "2026-08-21"}',
    b'{"ticker": 5, "trade_date": "2026-08-21"}',
    b'{"ticker": "../SPY", "trade_date": "2026-08-21"}',
    b'{"ticker": "SP\\u0000Y", "trade_date": "2026-08-21"}',
    b'{"ticker": "SPY", "trade_date": "2026-02-30"}',
    b'{"ticker": "SPY", "trade_date": "2026-08-21", "close_price": -1}',
    b'{"ticker": "SPY", "trade_date": "2026-08-21", "close_price": "1e400"}',
)
SHORT_WAIT, LONG_WAIT, LONGEST_WAIT = 5.0, 30.0, 180.0
MOST_KILLED = 6
# Each round adds one, and no topic of ours needs more.
MOST_PARTITIONS = 12
MOST_CONNECTIONS = 1000
GONE_SECONDS = 60
MB = 2**20
# More than it may write before it removes what is older.
MOST_LOG_MB = 1100
DISK_FULL = "disk full"

# Gets the stack and what draws at random. Returns what was done, in words.
Strike = Callable[[Field, Random], str]


@dataclass(frozen=True)
class Fault:
    """is_of_source: what the source said was wrong, so the right rows come when it is asked again."""

    name: str
    strike: Strike
    is_of_source: bool = False


def kinds(field: Field) -> dict[str, Fault]:
    """Return every kind of fault that can strike here, by its name."""
    killed = [Fault(f"kill -9 {name}", partial(_kill, service=name)) for name in field.services()]
    others = [
        Fault("consumers rebalance", _rebalance),
        Fault("several killed", _kill_several),
        Fault("kafka frozen", partial(_freeze, services=["kafka"])),
        Fault("postgres frozen", partial(_freeze, services=["postgres"])),
        Fault("consumers frozen", partial(_freeze, services=list(map(field.service_of, CONSUMER_MODULES.values())))),
        Fault("postgres away", partial(_take_away, service="postgres")),
        Fault("airflow-db away", partial(_take_away, service="airflow-db", longest=LONGEST_WAIT)),
        Fault("topic made anew", _make_topic_anew),
        Fault("messages read again", _read_again),
        Fault("poison", _poison),
        Fault("no connection left", _use_up_connections),
        Fault("wrong answers", _answer_wrongly, is_of_source=True),
    ]
    on_disk = [Fault(DISK_FULL, partial(_fill_disk, disk=field.disk))] if field.disk else []
    return {fault.name: fault for fault in [*killed, *others, *on_disk]}


def _kill(field: Field, chance: Random, service: str) -> str:
    """Kill a service's process, in half of all cases with all that it has started."""
    process = _process(field, service)
    if process is None:
        return f"{service} was down"
    family = [process, *(process.children(recursive=True) if chance.random() < 0.5 else [])]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    return f"killed {service}" + (f" and its {len(family) - 1} processes" if len(family) > 1 else "")


def _kill_several(field: Field, chance: Random) -> str:
    """Kill several services at once."""
    chosen = chance.sample(field.services(), chance.randint(2, MOST_KILLED))
    return ", ".join(_kill(field, chance, service) for service in chosen)


def _freeze(field: Field, chance: Random, services: Sequence[str]) -> str:
    """Stop services, with all that they have started, and let them go on."""
    seconds = chance.uniform(SHORT_WAIT, LONG_WAIT)
    found = [process for service in services if (process := _process(field, service))]
    frozen = [each for process in found for each in (process, *process.children(recursive=True))]
    _send(frozen, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        _send(frozen, signal.SIGCONT)
    return f"{len(frozen)} processes of {', '.join(services)} frozen for {seconds:.0f} s"


def _send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _take_away(field: Field, chance: Random, service: str, longest: float = LONG_WAIT) -> str:
    seconds = chance.uniform(SHORT_WAIT, longest)
    with _stopped(field, service):
        time.sleep(seconds)
    return f"{service} away for {seconds:.0f} s"


@contextmanager
def _stopped(field: Field, service: str) -> Iterator[None]:
    """Stop a service, and start it again behind the block. What fails inside leaves it down."""
    supervisor = field.supervisor
    supervisor.stop_service(service)
    _wait(lambda: supervisor.state(service).name_of_state in DOWN, f"{service} does not stop")
    yield
    supervisor.start_service(service)


def _rebalance(field: Field, chance: Random) -> str:
    """Let two more members of each group come, add a partition to each topic, and let the members go."""
    pause = partial(chance.uniform, SHORT_WAIT, 2 * SHORT_WAIT)
    log = field.logs / "further-consumers.log"
    with ExitStack() as members:
        for module in CONSUMER_MODULES.values():
            for _ in range(2):
                members.enter_context(module_process([module], field.client_environ, log))
        time.sleep(pause())
        added = _add_partitions(field)
        time.sleep(pause())
    return f"two members more of each group came and went, {added} topics got a partition"


def _add_partitions(field: Field) -> int:
    kafka = field.settings.kafka
    with admin_client(kafka) as admin:
        described = admin.describe_topics([kafka.prefix + topic for topic in Topic])
        counts = {topic["name"]: len(topic["partitions"]) for topic in described}
        more = {name: count + 1 for name, count in counts.items() if count < MOST_PARTITIONS}
        if more:
            admin.create_partitions(more)
    return len(more)


def _make_topic_anew(field: Field, chance: Random) -> str:
    topic, kafka = chance.choice(list(Topic)), field.settings.kafka
    before = topic_ids(kafka)[topic]
    with admin_client(kafka) as admin:
        admin.delete_topics([kafka.prefix + topic])
    _wait(lambda: _is_new(field, topic, before), f"{topic} is not made anew")
    return f"{topic} deleted and created again"


def _is_new(field: Field, topic: Topic, before: str) -> bool:
    with suppress(ActstockError):  # the broker deletes a topic in its own time, and refuses the name meanwhile
        create_topics(field.settings.kafka)
        return topic_ids(field.settings.kafka).get(topic, before) != before
    return False


def _read_again(field: Field, chance: Random) -> str:
    """Have each consumer read again what this chain has sent so far."""
    for topic, module in CONSUMER_MODULES.items():
        with _stopped(field, field.service_of(module)):
            set_back(field.settings.kafka, topic, field.begun[topic])
    return "all consumers went back to the chain's first message"


def _poison(field: Field, chance: Random) -> str:
    """Send what no contract takes to every topic, and wait until each message is kept once, with its reason."""
    messages = [(topic, value) for topic in Topic for value in chance.sample(POISON, len(POISON))]
    expected = field.poisoned() + len(messages)
    with publisher(field.settings.kafka) as sending:
        for topic, value in messages:
            sending.send_raw(topic, POISON_KEY.encode(), value)
        sending.wait()
    _wait(lambda: field.poisoned() == expected, f"{len(messages)} unusable messages are not kept once each")
    return f"{len(messages)} messages that no contract takes"


def _use_up_connections(field: Field, chance: Random) -> str:
    """Take all connections that PostgreSQL still has."""
    seconds, database = chance.uniform(SHORT_WAIT, LONG_WAIT), field.settings.database
    with ExitStack() as held:
        taken = 0
        with suppress(ActstockError):
            while taken < MOST_CONNECTIONS:
                held.enter_context(closing(connect(database)))
                taken += 1
        time.sleep(seconds)
    return f"{taken} connections taken for {seconds:.0f} s"


def _answer_wrongly(field: Field, chance: Random) -> str:
    answer, seconds = chance.choice(ANSWERS), chance.uniform(SHORT_WAIT, LONG_WAIT)
    field.market.add_fault(answer)
    try:
        time.sleep(seconds)
    finally:
        field.market.clear_faults()
    said = " ".join(str(value) for value in answer.values())
    return f"the source answered {said} for {seconds:.0f} s"


def _fill_disk(field: Field, chance: Random, disk: Disk) -> str:
    """Leave too little room to collect, then none for new rows, then none for PostgreSQL's log; then make room."""
    little, none = (chance.uniform(SHORT_WAIT, LONG_WAIT) for _ in range(2))
    try:
        disk.keep_free(field.settings.collector.disk_free_mb * MB // 2, little)
        disk.keep_free(0, none)
        _use_up_log(field)
        disk.keep_free(0, none)
        down = field.not_ready()
    finally:
        disk.widen()
    told = f"the disk was short of room for {little:.0f} s and full for {2 * none:.0f} s"
    return f"{told}; not ready at its end: {', '.join(down) or 'none'}"


def _use_up_log(field: Field) -> None:
    """Have PostgreSQL write its log until there is no room for it, which ends the server."""
    with suppress(ActstockError), closing(connect(field.settings.database)) as conn:
        for _ in range(MOST_LOG_MB):
            fetch(conn, f"SELECT pg_logical_emit_message(false, 'chaos', repeat('x', {MB}))")


def _process(field: Field, service: str) -> psutil.Process | None:
    """Return the process of a service, or None while it has none."""
    supervisor = field.supervisor
    children = psutil.Process(supervisor.pid()).children()
    pid = supervisor.state(service).pid
    return next((process for process in children if process.pid == pid), None)


def _wait(is_so: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + GONE_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise RunFailed(f"{complaint} within {GONE_SECONDS} s")
        time.sleep(0.5)
