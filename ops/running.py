"""Where the running platform answers, for the commands that use it from outside: native processes or containers."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.config import Settings
from ops.console import say
from ops.native.environment import AIRFLOW_USER, LOOPBACK, chosen_settings, client_environment
from ops.native.stack import Stack
from utils.web_safety import dashboard_asks


@dataclass(frozen=True)
class Platform:
    """Addresses as this process reaches them; `shown`: as a browser on this machine does.

    market_url: the server that stands for Yahoo, empty on live Yahoo.
    dashboard_login: what the dashboard asks of a reader, in words
    """

    airflow_url: str
    airflow_password: str
    api_url: str
    api_key: str
    market_url: str
    shown: Mapping[str, str]
    dashboard_login: str

    @classmethod
    def of_stack(cls, stack: Stack) -> "Platform":
        known = client_environment(stack)
        return cls(
            airflow_url=known["AIRFLOW_URL"],
            airflow_password=known["AIRFLOW_PASSWORD"],
            api_url=known["API_URL"],
            api_key=known["API_KEY"],
            market_url=stack.url("market-server") if stack.source.served else "",
            shown={
                "Airflow": stack.url("airflow"),
                "Spark": stack.url("spark-master-ui"),
                "API": stack.url("api"),
                "Dashboard": stack.url("dashboard"),
            },
            dashboard_login=dashboard_login(chosen_settings(stack), _origin("DASHBOARD_PASSWORD")),
        )

    @classmethod
    def of_containers(cls, environ: Mapping[str, str]) -> "Platform":
        """Read the addresses that docker-compose.yml gives to its service `cli`."""
        return cls(
            airflow_url=environ["AIRFLOW_URL"],
            airflow_password=environ["AIRFLOW_PASSWORD"],
            api_url=environ["API_URL"],
            api_key=environ["API_KEY"],
            market_url=environ["YAHOO_BASE_URL"],
            shown={name: environ[f"ADDRESS_{name.upper()}"] for name in ("Airflow", "Spark", "API", "Dashboard")},
            # Here it is only known that one is set: the password itself is none of this container's.
            dashboard_login=dashboard_login(environ, ".env, or the environment of the start"),
        )

    def show(self) -> None:
        """Print the addresses for people, with the login or key that each asks for."""
        notes = {
            "Airflow": f"   user {AIRFLOW_USER}, password {self.airflow_password}",
            "API": f"/docs   X-API-Key: {self.api_key}",
            "Dashboard": f"   {self.dashboard_login}",
        }
        for name, address in self.shown.items():
            say(f"  {name:<10} {address}{notes.get(name, '')}")


def dashboard_login(known: Mapping[str, str], origin: str) -> str:
    """Say which password the dashboard asks for, without saying it. origin: where DASHBOARD_PASSWORD stands.

    >>> dashboard_login({"DASHBOARD_PASSWORD": "opens"}, ".env"), dashboard_login({"ACTSTOCK_BIND": "0.0.0.0"}, "")
    ('password: DASHBOARD_PASSWORD of .env', 'password: the API key')
    >>> dashboard_login({}, "")
    'no password: this machine alone reaches it'
    """
    web = Settings.from_env(known).web
    if web.dashboard_password:
        return f"password: DASHBOARD_PASSWORD of {origin}"
    if dashboard_asks(web, LOOPBACK):
        return "password: the API key"
    return "no password: this machine alone reaches it"


def _origin(setting: str) -> str:
    """Return where a native platform has a setting from: the environment goes before .env."""
    return "the environment" if os.environ.get(setting) else ".env"


def in_containers() -> bool:
    """Return whether this process is the `cli` container of docker-compose.yml."""
    return os.environ.get("ACTSTOCK_PLATFORM") == "containers"


def running_platform() -> Platform:
    """Return the platform that is up. NotRunning says that there is none."""
    if in_containers():
        return Platform.of_containers(os.environ)
    from ops.native.control import running_stack  # needs packages of a native installation

    return Platform.of_stack(running_stack())


def alert_folder() -> Path:
    """Return where the watcher keeps what it has told."""
    return Settings.from_env().alerts.folder if in_containers() else Stack.from_env().alerts


def run_module(name: str, arguments: Sequence[str]) -> int:
    """Run `python -m name` with the platform's settings and passwords, which a container has already."""
    command = ["python", "-m", name, *arguments]
    if in_containers():
        return subprocess.run(command, check=False).returncode
    from ops.native.control import execute  # needs packages of a native installation

    return execute(command)
