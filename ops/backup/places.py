"""Where the parts of a backup come from: a native platform here, or the containers that this process is one of."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from config.config import PROJECT_ROOT, DatabaseSettings, KafkaSettings, Settings
from config.exchange_days import DEFAULT_FILE as EXCHANGE_DAYS_FILE
from config.universe import csv_named_in, universe_file
from ops.backup.manifest import EXCHANGE_DAYS, UNIVERSE, UNIVERSE_CSV
from ops.native.compose import secret_sizes
from ops.native.env_file import name_of, text_of
from ops.native.environment import chosen_settings, client_environment
from ops.native.stack import DataSource, Stack
from ops.native.stack_secrets import env_line
from ops.running import in_containers

# What ./start.sh demo sets in containers, whatever .env says.
OF_A_DEMO = ("COMPOSE_PROFILES", "YAHOO_BASE_URL", "YAHOO_PACE_SECONDS")


@dataclass(frozen=True)
class Place:
    """A running platform, as a backup reads it. files: what else there is to keep, by the name of the part."""

    platform: DatabaseSettings
    airflow: DatabaseSettings
    kafka: KafkaSettings
    market: DataSource
    secrets: Mapping[str, str]
    settings: str
    files: Mapping[str, Path]


def this_place() -> Place:
    """Return the platform that this process is a service of."""
    return container_place() if in_containers() else native_place(Stack.from_env())


def native_place(stack: Stack, environ: Mapping[str, str] = os.environ) -> Place:
    known = chosen_settings(stack, environ) | client_environment(stack, environ)
    settings = Settings.from_env(known)
    return Place(
        platform=settings.database,
        airflow=DatabaseSettings(
            "127.0.0.1", stack.port("airflow-db"), "airflow", "airflow", known["AIRFLOW_DB_PASSWORD"]
        ),
        kafka=settings.kafka,
        market=stack.source,
        secrets={name: known[name] for name in secret_sizes()},
        settings=settings_without_secrets(PROJECT_ROOT / ".env"),
        files=files_of(known),
    )


def container_place(environ: Mapping[str, str] = os.environ) -> Place:
    """Return the platform that this container is one of. Its environment has the secrets under their own names.

    ENV_FILE_SEEN is the .env that the platform was started with, where this process may read it. Else SETTINGS_SEEN has
    what Docker Compose was given of it.
    """
    settings = Settings.from_env(environ)
    url = make_url(environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    env_file = environ.get("ENV_FILE_SEEN")
    return Place(
        platform=settings.database,
        airflow=DatabaseSettings(
            str(url.host), url.port or 5432, str(url.database), str(url.username), str(url.password)
        ),
        kafka=settings.kafka,
        market=market_of(environ),
        secrets={name: environ[name] for name in secret_sizes()},
        settings=settings_without_secrets(Path(env_file)) if env_file else settings_seen(environ),
        files=files_of(environ),
    )


def market_of(environ: Mapping[str, str]) -> DataSource:
    """Return the market that containers were started with.

    >>> market_of({"YAHOO_BASE_URL": "http://market-server:8090", "MARKET_SERVER_ARGS": "--seed 7"}).label
    'simulated-7'
    >>> market_of({}).label
    'yahoo'
    """
    words = environ.get("MARKET_SERVER_ARGS", "").split()
    given = dict(zip(words[::2], words[1::2], strict=False))
    if "--market" in given:
        return DataSource("recorded", folder=environ.get("MARKET_FOLDER") or given["--market"])
    if not environ.get("YAHOO_BASE_URL"):
        return DataSource()
    seed = given.get("--seed")
    return DataSource("simulated", seed=int(seed) if seed else None, until=given.get("--until"))


def settings_without_secrets(env_file: Path) -> str:
    """Return the lines of a .env but for its secrets, which are a part of their own."""
    lines = text_of(env_file).splitlines()
    return "".join(f"{line}\n" for line in lines if name_of(line) not in secret_sizes())


def settings_seen(environ: Mapping[str, str]) -> str:
    """Return the settings that Docker Compose was given, as lines of a .env.

    What `demo` has decided is left out, and so are ports that ACTSTOCK_PORT_OFFSET has moved: the next start does.
    """
    lines = environ.get("SETTINGS_SEEN", "").splitlines()
    given = {name: value for name, _, value in (line.partition("=") for line in lines) if value}
    decided = set(OF_A_DEMO) if market_of(environ).served else set()
    if given.pop("ACTSTOCK_PORT_OFFSET", "0") != "0":
        decided |= {name for name in given if name.startswith("PORT_")}
    return "".join(env_line(name, value) for name, value in given.items() if name not in decided)


def files_of(settings: Mapping[str, str]) -> dict[str, Path]:
    """Return the universe, the CSV that it names, and the days that the calendars do not know.

    Raise UniverseError where the universe does not say which CSV it names.
    """
    universe = PROJECT_ROOT / universe_file(settings)
    days = PROJECT_ROOT / (settings.get("EXCHANGE_DAYS_FILE") or EXCHANGE_DAYS_FILE)
    named = csv_named_in(universe)
    files = {UNIVERSE: universe, EXCHANGE_DAYS: days} | ({UNIVERSE_CSV: universe.parent / named} if named else {})
    return {name: path for name, path in files.items() if path.exists()}
