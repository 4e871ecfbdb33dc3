"""The proxy of docs/OPERATIONS.md: Caddy takes the example, and the dashboard answers what is asked through it."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

import dashboard_samples as samples
from config.config import PROJECT_ROOT
from dashboard import dashboard_finviz_app

TEXT = (PROJECT_ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
NAME = "stocks.example.org"


def command(program: str) -> list[str]:
    """Return the page's only line that begins with a program."""
    [line] = re.findall(rf"^{program} .*$", TEXT, re.MULTILINE)
    return shlex.split(str(line))


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return Caddy: this machine's, else the one of Debian's package, unpacked. Installed, it would start a service."""
    if found := shutil.which("caddy"):
        return found
    folder = tmp_path_factory.mktemp("caddy")
    subprocess.run(["apt-get", "download", "caddy"], cwd=folder, check=True, capture_output=True)
    [package] = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return str(folder / "usr" / "bin" / "caddy")


def validated(caddy: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the page's command on a file of these words."""
    file = folder / "Caddyfile"
    file.write_text(text, encoding="utf-8")
    words = [str(file) if word == "/etc/caddy/Caddyfile" else word for word in command("caddy")[1:]]
    environ = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return subprocess.run([caddy, *words], env=environ, capture_output=True, text=True, check=False)


def test_the_proxy_takes_the_example(caddy: str, tmp_path: Path) -> None:
    [example] = re.findall(r"^```caddy\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    said = validated(caddy, example, tmp_path)
    assert (said.returncode, said.stdout) == (0, "Valid configuration\n"), said.stderr
    assert "automatic HTTP->HTTPS redirects" in said.stderr
    assert validated(caddy, example.replace("reverse_proxy", "reverse_poxy"), tmp_path).returncode != 0


@contextmanager
def behind_a_proxy(name: str) -> Iterator[str]:
    """Serve what the dashboard answers to a proxy that hands this name on, and yield the address."""
    app = dashboard_finviz_app.create_app(samples.Api({}).client, samples.PERIODS, frozenset({NAME}), None)
    client = app.server.test_client()

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = client.get(self.path, headers={"Host": name})
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(("name", "code"), [(NAME, 0), ("another.example.org", 22)])
def test_the_look_at_the_dashboard_behind_it(name: str, code: int) -> None:
    words = command("curl")
    assert words[-1] == f"https://{NAME}/health"
    with behind_a_proxy(name) as address:
        asked = [*words[:-1], words[-1].replace(f"https://{NAME}", address)]
        assert subprocess.run(asked, capture_output=True, text=True, check=False).returncode == code
