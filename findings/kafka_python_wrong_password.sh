#!/usr/bin/env bash
# kafka-python 3.0.12 does not tell that a SCRAM password is wrong: a consumer with an `api_version` polls for ever.
#
# Kafka answers the last step of the login with SASL_AUTHENTICATION_FAILED and closes the connection. Two things hide it.
# Where answer and end are there together, the client reads both, sees the end first and drops the answer: its log says
# "socket disconnected". And where it reads the answer in time, it logs it and starts anew: the memory of refused logins,
# which is there to raise them, is filled by no refusal of the first connection. With `api_version`, which saves the
# client a question, `poll()` returns nothing and raises nothing. Without, and in `KafkaProducer` and `KafkaAdminClient`,
# a timeout says nothing of a login. Read until the answer is whole, the same bytes say every time what is wrong.
#
# Seen on 2026-11-29 with Python 3.11, Java 17 and Kafka 3.9.2 from Maven Central, in KRaft mode. It takes Maven and a free
# port 29399. Source: `_sock_recv` and `_read_from_sock` in kafka/net/transport.py, `_do_bootstrap` in kafka/net/manager.py.
set -euo pipefail
work=$(mktemp -d)
trap '[ -z "${broker:-}" ] || { kill "$broker"; wait "$broker" || true; }; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kafka-python==3.0.12
cat >"$work/pom.xml" <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>3.9.2</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
copy=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
mvn --quiet --batch-mode -Dstyle.color=never --file "$work/pom.xml" -Dmaven.repo.local="$work/maven" "$copy" -DoutputDirectory="$work/jars" \
    >"$work/maven.log" 2>&1 || { cat "$work/maven.log" >&2; exit 1; }
cat >"$work/broker.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:29398
listeners=CONTROLLER://127.0.0.1:29398,CLIENT://127.0.0.1:29399
advertised.listeners=CLIENT://127.0.0.1:29399
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENT:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="me" password="right";
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
log.dirs=$work/log
PROPERTIES
java -cp "$work/jars/*" kafka.tools.StorageTool 2>"$work/format.log" format --ignore-formatted --cluster-id AAAAAAAAAAAAAAAAAAAAAA \
    --config "$work/broker.properties" --add-scram 'SCRAM-SHA-512=[name=me,password=right]' >/dev/null || { cat "$work/format.log" >&2; exit 1; }
java -Xmx512m -cp "$work/jars/*" kafka.Kafka "$work/broker.properties" >"$work/broker.log" 2>&1 &
broker=$!
cat >"$work/look.py" <<'PYTHON'
import logging
import time

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

logging.getLogger("kafka").setLevel(logging.CRITICAL)


def login(password):
    return {
        "bootstrap_servers": "127.0.0.1:29399", "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "me", "sasl_plain_password": password,
    }


def error_of(make):
    try:
        make()
    except KafkaError as error:
        return f"{type(error).__name__}, names the login: {'uthentic' in str(error)}"
    return "no error"


with KafkaAdminClient(**login("right"), bootstrap_timeout_ms=60_000) as admin:
    admin.create_topics({"prices": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
with KafkaProducer(**login("right")) as producer:
    producer.send("prices", b"1").get(30)

print("kafka-python", kafka.__version__)
for password in ("right", "wrong"):
    group = {"group_id": "readers", "auto_offset_reset": "earliest", "api_version": (3, 9)}
    consumer = KafkaConsumer("prices", **login(password), **group)
    seen, raised, until = 0, set(), time.monotonic() + 30
    while time.monotonic() < until and not seen:
        try:
            seen += sum(map(len, consumer.poll(timeout_ms=1000).values()))
        except KafkaError as error:
            raised.add(type(error).__name__)
    remembered = consumer._manager._auth_failures
    print(f"consumer, {password} password, 30 s: {seen} message, raised {sorted(raised)}, remembered {remembered}")
    consumer.close()
print("without api_version:", error_of(lambda: KafkaConsumer("prices", **login("wrong"), bootstrap_timeout_ms=10_000)))
print("admin:", error_of(lambda: KafkaAdminClient(**login("wrong"), bootstrap_timeout_ms=10_000)))
print("producer:", error_of(lambda: KafkaProducer(**login("wrong"), max_block_ms=10_000).send("prices", b"2")))
PYTHON
# Reads until the answer is whole, with the client's own parts.
cat >"$work/plain.py" <<'PYTHON'
import logging
import socket

from kafka.errors import for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

logging.disable()


def ask(connection, protocol, request):
    request.API_VERSION = 1
    protocol.send_request(request)
    connection.sendall(protocol.send_bytes())
    answers = []
    while not answers:
        answers = protocol.receive_bytes(connection.recv(4096))
    return answers[0][1]


told = []
for _ in range(10):
    login = get_sasl_mechanism("SCRAM-SHA-512")(
        sasl_mechanism="SCRAM-SHA-512", sasl_plain_username="me", sasl_plain_password="wrong"
    )
    with socket.create_connection(("127.0.0.1", 29399), timeout=30) as connection:
        protocol = KafkaProtocol()
        ask(connection, protocol, SaslHandshakeRequest(mechanism="SCRAM-SHA-512"))
        login.receive(ask(connection, protocol, SaslAuthenticateRequest(login.auth_bytes())).auth_bytes)
        told.append(for_code(ask(connection, protocol, SaslAuthenticateRequest(login.auth_bytes())).error_code).__name__)
print("read to the end, 10 times:", *set(told))
PYTHON
seen=$("$work/venv/bin/python" "$work/look.py" && "$work/venv/bin/python" "$work/plain.py")
printf '%s\n' "$seen"
expected='kafka-python 3.0.12
consumer, right password, 30 s: 1 message, raised [], remembered {}
consumer, wrong password, 30 s: 0 message, raised [], remembered {}
without api_version: KafkaTimeoutError, names the login: False
admin: KafkaTimeoutError, names the login: False
producer: KafkaTimeoutError, names the login: False
read to the end, 10 times: SaslAuthenticationFailedError'
[ "$seen" = "$expected" ] || { tail -5 "$work/broker.log" >&2; echo "the behaviour has changed" >&2; exit 1; }
