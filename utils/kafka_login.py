"""Whether Kafka takes a login, which its client does not tell.

The broker refuses a login and closes the connection at once. kafka-python 3.0.12 sees the end before the refusal, drops
that, and asks for ever (findings/kafka_python_wrong_password.sh).
"""

import socket
import time
from typing import Any

from kafka.cluster import collect_hosts
from kafka.errors import KafkaError, NoError, for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from config.config import KafkaSettings
from utils.errors import BrokerRefused

ANSWER_SECONDS = 5.0
AGAIN_SECONDS = 0.5
READ_BYTES = 4096
VERSION = 1  # of both requests


def require_login(settings: KafkaSettings, mechanism: str, patience_seconds: float = 0.0) -> None:
    """Log in at the first broker that answers, and raise BrokerRefused if it refuses for so long.

    A broker that is away, silent, or asks for no login is the client's to wait for or to complain of.
    """
    until = time.monotonic() + patience_seconds
    while True:
        try:
            return _log_in(settings, mechanism)
        except BrokerRefused:
            if time.monotonic() > until:
                raise
        time.sleep(AGAIN_SECONDS)


def _log_in(settings: KafkaSettings, mechanism: str) -> None:
    for host, port, _ in collect_hosts(settings.bootstrap_servers, randomize=False) if settings.user else ():
        try:
            refusal = _refusal(host, port, settings, mechanism)
        except (OSError, KafkaError):
            continue
        if refusal:
            raise BrokerRefused(
                f"Kafka at {host}:{port} refuses the login {settings.user}: {refusal}. It learns of a changed password "
                "when the platform starts: ./start.sh stop, then ./start.sh"
            )
        return


def _refusal(host: str, port: int, settings: KafkaSettings, mechanism: str) -> str | None:
    """Return why the broker refuses the login, or None if it takes it."""
    login = get_sasl_mechanism(mechanism)(
        host=host,
        sasl_mechanism=mechanism,
        sasl_plain_username=settings.user,
        sasl_plain_password=settings.password,
    )
    with socket.create_connection((host, port), timeout=ANSWER_SECONDS) as connection:
        protocol = KafkaProtocol()
        offered = _ask(connection, protocol, SaslHandshakeRequest(mechanism=mechanism))
        if error := _error(offered):
            return error
        while not login.is_done():
            answer = _ask(connection, protocol, SaslAuthenticateRequest(login.auth_bytes()))
            if error := _error(answer):
                return answer.error_message or error
            login.receive(answer.auth_bytes)
    return None


def _ask(connection: socket.socket, protocol: KafkaProtocol, request: Any) -> Any:
    request.API_VERSION = VERSION
    protocol.send_request(request)
    connection.sendall(protocol.send_bytes())
    while received := connection.recv(READ_BYTES):
        for _, answer in protocol.receive_bytes(received):
            return answer
    raise ConnectionError("the connection was closed")


def _error(answer: Any) -> str | None:
    error = for_code(answer.error_code)
    return None if error is NoError else error.__name__
