"""A mail server and a webhook on this machine, which keep what they are sent."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class MailBox:
    """What a mail server was sent. url: how Apprise reaches it. refused: people whom it does not know."""

    def __init__(self, port: int) -> None:
        self.refused: set[str] = set()
        self.url = f"mailto://127.0.0.1:{port}?from=platform@example.org&to=person@example.org"
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def texts(self) -> list[str]:
        """Return the plain text of each mail."""
        bodies = [mail.get_body(("plain",)) for mail in self.mails]
        return [body.get_content() for body in bodies if body is not None]


class Webhook:
    """What was posted to a server. status: what it answers. longest: what is longer is refused."""

    def __init__(self, port: int) -> None:
        self.url = f"json://127.0.0.1:{port}/hook"
        self.posts: list[dict[str, Any]] = []
        self.status = 200
        self.longest = 10**6


@contextmanager
def mail_server() -> Iterator[MailBox]:
    box = MailBox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=int(box.url.split(":")[2].split("?")[0]))
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@contextmanager
def webhook() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = hook.status if len(post["message"]) <= hook.longest else 400
            if status < 400:
                hook.posts.append(post)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Webhook(server.server_port)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent_server() -> Iterator[int]:
    """Yield the port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
