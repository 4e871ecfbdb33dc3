"""A wire to a server of this machine, which can go dead: what is sent stays on the way, as from a frozen server."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

CHUNK = 2**16
HERE = "127.0.0.1"
# A request to Kafka by which a consumer says how far it has come.
COMMIT = 8

Rewrite = Callable[[bytes], bytes]


class Wire:
    """port: where it begins. It forwards to the server while it is not dead."""

    def __init__(self, listener: socket.socket, server_port: int, rewrite: Rewrite | None) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._server_port = server_port
        self._rewrite = rewrite
        self._is_alive = Event()
        self._is_alive.set()
        self._dies_at: int | None = None
        self._ends: list[socket.socket] = []

    @property
    def is_dead(self) -> bool:
        return not self._is_alive.is_set()

    def die(self) -> None:
        self._is_alive.clear()

    def die_at(self, request: int) -> None:
        """Die before the next request to Kafka of a kind is handed on."""
        self._dies_at = request

    def revive(self) -> None:
        self._dies_at = None
        self._is_alive.set()

    def accept(self) -> None:
        """Connect whoever comes, until the wire is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._is_alive.wait()
                server = socket.create_connection((HERE, self._server_port))
                self._ends += client, server
                requests = map(self._look, _frames(client)) if self._rewrite else _chunks(client)
                Thread(target=self._forward, args=(requests, client, server), daemon=True).start()
                answers = map(self._rewrite, _frames(server)) if self._rewrite else _chunks(server)
                Thread(target=self._forward, args=(answers, server, client), daemon=True).start()

    def close(self) -> None:
        self.revive()
        _close(*self._ends)

    def _look(self, request: bytes) -> bytes:
        if int.from_bytes(request[4:6]) == self._dies_at:
            self.die()
        return request

    def _forward(self, pieces: Iterator[bytes], origin: socket.socket, goal: socket.socket) -> None:
        with suppress(OSError):
            for piece in pieces:
                self._is_alive.wait()
                goal.sendall(piece)
        _close(origin, goal)


def _close(*ends: socket.socket) -> None:
    """Close connections, also those that another thread reads from."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def _chunks(origin: socket.socket) -> Iterator[bytes]:
    while piece := origin.recv(CHUNK):
        yield piece


def _frames(origin: socket.socket) -> Iterator[bytes]:
    """Yield whole requests to Kafka, or its answers, each behind its length."""
    with origin.makefile("rb") as pieces:
        while length := pieces.read(4):
            yield length + pieces.read(*struct.unpack(">i", length))


@contextmanager
def wire_to(server_port: int, port: int = 0, rewrite: Callable[[int], Rewrite] | None = None) -> Iterator[Wire]:
    """Open a wire to a server's port. rewrite: gets the wire's own port, and returns what is done to each answer."""
    with socket.create_server((HERE, port)) as listener:
        wire = Wire(listener, server_port, rewrite(listener.getsockname()[1]) if rewrite else None)
        Thread(target=wire.accept, daemon=True).start()
        try:
            yield wire
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            wire.close()


@contextmanager
def wire_to_kafka(broker_port: int) -> Iterator[Wire]:
    """Open a wire to a broker, whose clients would go past it to the address that the broker calls its own."""

    def rewrite(port: int) -> Rewrite:
        ours, theirs = (HERE.encode() + struct.pack(">i", each) for each in (port, broker_port))
        return lambda answer: answer.replace(theirs, ours)

    with wire_to(broker_port, rewrite=rewrite) as wire:
        yield wire
