"""The settings of all services, read once from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from enum import StrEnum
from pathlib import Path

from config.stages import BEGINS, begins_at

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# So many holdings of a fund Yahoo lists.
YAHOOS_LARGEST = 10

OFF = ("", "0", "false", "no", "off")


def is_on(environ: Mapping[str, str], name: str) -> bool:
    """Tell whether a setting switches something on.

    >>> [is_on({"SPARK_METRICS": value}, "SPARK_METRICS") for value in ("1", "true", "0", "False", "")]
    [True, True, False, False, False]
    """
    return environ.get(name, "").strip().lower() not in OFF


class ConfigError(ValueError):
    """A setting is missing or cannot be used. The message names it."""


class Topic(StrEnum):
    """Kafka topics, one per kind of message."""

    ETF_DAILY = "etf-daily-data"
    ETF_HOLDINGS = "etf-holdings-data"
    STOCK_DAILY = "stock-daily-data"

    @property
    def consumer_group(self) -> str:
        """The group that stores the topic. Its service is called consumer-<group>."""
        return self.value.removesuffix("-data")


@dataclass(frozen=True)
class DatabaseSettings:
    """Where a database is, and how to log in."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class KafkaSettings:
    """Where Kafka is, and how its topics are made.

    prefix: put before the names of all topics and groups, so that one broker can hold a second set of them
    user: who this process is. Empty: a broker that lets everybody in.
    """

    bootstrap_servers: str
    partitions: int
    replication: int
    prefix: str = ""
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class SparkSettings:
    """Where the Spark master is, and what its JVMs load.

    class_archive: the file from which JVMs map Spark's classes (see batch.class_archive). It may be missing.
    profile: small, wide, or auto: wide from so many rows on (wide_rows)
    executor_memory: of each executor of a wide job
    driver_url: the warm driver (see batch.warm_driver). Empty: every job is submitted.
    secret: what master, workers and drivers prove to each other that they know. Empty: they ask for none.
    """

    master_url: str
    jdbc_jar: str
    class_archive: Path
    profile: str = "auto"
    wide_rows: int = 100_000
    driver_memory: str = "1g"
    executor_memory: str = "1g"
    driver_url: str = ""
    driver_token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class YahooSettings:
    """How Yahoo is asked. Times are in seconds.

    base_url: a server that speaks Yahoo's protocol (empty: Yahoo itself)
    requests_per_day: how many requests a day may make (0: as many as there are)
    day_begins: the hour (UTC) at which such a day begins: with the first stage, so that it is of one session's run
    breaker_failures: after this many failed tickers in a row, a request for SPY shows whether Yahoo is down
    """

    base_url: str
    pace_seconds: float
    cooldown_seconds: float
    timeout_seconds: float
    cache_dir: Path
    breaker_failures: int = 4
    requests_per_day: int = 0
    day_begins: time = field(default_factory=lambda: begins_at("staggered"))

    @property
    def listed_holdings(self) -> int | None:
        """So many holdings of a fund the source lists. None: a market server lists as many as it likes."""
        return None if self.base_url else YAHOOS_LARGEST


@dataclass(frozen=True)
class CollectorSettings:
    """What the collector fetches.

    history_sessions: how many sessions a ticker's first fetch covers
    refetch_sessions: how many sessions a later fetch covers at least
    late_sessions: for how many sessions a bar that is not there counts as late, before it counts as missing
    disk_free_mb: with less free on the disk of disk_folder nothing is collected (0: whatever is free)
    """

    history_sessions: int
    refetch_sessions: int
    late_sessions: int
    sector_lookups_per_run: int
    stored_timeout_seconds: float
    disk_free_mb: int
    disk_folder: Path


@dataclass(frozen=True)
class AlertSettings:
    """How a person is told.

    urls: the channels, as Apprise writes them. They hold passwords and keys.
    heartbeat_url: asked for after each round of the watcher (empty: nothing is)
    late_minutes: from then on a run that has not ended is late
    published_by: the hour (UTC) at which a session's portfolios should be there
    disk_mb, memory_mb: less than that is short
    folder: where the watcher keeps what it has told
    supervisor_socket: how it sees the services natively
    probes, starts: how in containers: where they answer, and the folder in which each start is noted
    """

    urls: tuple[str, ...] = field(repr=False)
    language: str
    digest: bool
    heartbeat_url: str = field(repr=False)
    late_minutes: int
    published_by: time
    disk_mb: int
    memory_mb: int
    folder: Path
    supervisor_socket: str
    probes: Mapping[str, str]
    starts: Path | None = None


@dataclass(frozen=True)
class BackupSettings:
    """Where backups go by themselves.

    platform: whose they are, in a folder that other platforms may share
    keep: how many of each day (0: none is made)
    hour: the hour UTC from which on a day's backup is due
    state_folder: where it is said how that goes
    """

    folder: Path
    platform: str
    keep: int
    hour: int
    state_folder: Path


@dataclass(frozen=True)
class RetentionSettings:
    """For how many days what only tells of past runs is kept: their rows, and their logs and working files."""

    rows_days: int
    files_days: int


@dataclass(frozen=True)
class WebSettings:
    """What the API and the dashboard ask of a browser.

    bind: the address at which they can be reached. Empty: the one that they listen on.
    hosts: the names that they go by, besides this machine's own
    name_inside: how the platform's own containers name this service. Nobody comes from elsewhere under it.
    dashboard_password: what a reader from beyond this machine logs in with. Empty: the API's key.
    """

    bind: str
    hosts: frozenset[str]
    dashboard_password: str = field(repr=False)
    name_inside: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Every name under which a request may come."""
        return self.hosts | {self.name_inside} - {""}


@dataclass(frozen=True)
class MetricsSettings:
    """Where the consumers serve their figures for Prometheus, and how a health check sees that they are at work.

    consumer_port: the first topic's; those of the others follow (0: none is open)
    heartbeat: the file that a consumer touches while it is at work
    """

    consumer_port: int
    bind: str
    heartbeat: Path | None = None


@dataclass(frozen=True)
class Settings:
    """All settings.

    database: with the login of this process
    spark_database: the same database with the login of Spark jobs
    airflow_url: where services find Airflow
    airflow_ui_url, spark_ui_url: for links in a browser (no service sends requests there)
    """

    database: DatabaseSettings
    spark_database: DatabaseSettings
    kafka: KafkaSettings
    spark: SparkSettings
    yahoo: YahooSettings
    collector: CollectorSettings
    alerts: AlertSettings
    backup: BackupSettings
    retention: RetentionSettings
    web: WebSettings
    metrics: MetricsSettings
    schedule: str
    stage_delay_minutes: int
    api_key: str = field(repr=False)
    api_url: str
    airflow_url: str
    airflow_ui_url: str
    spark_ui_url: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings that .env.example lists, or raise ConfigError, which names a wrong one."""
        read = _Reader(environ)
        schedule = read.choice("PIPELINE_SCHEDULE", tuple(BEGINS))
        database = DatabaseSettings(
            host=read.text("DB_HOST", "127.0.0.1"),
            port=read.integer("DB_PORT", 5432),
            name=read.text("DB_NAME", "stockdb"),
            user=read.text("DB_USER", "postgres"),
            password=read.text("DB_PASSWORD", ""),
        )
        return cls(
            database=database,
            spark_database=_spark_login(read, database),
            kafka=KafkaSettings(
                bootstrap_servers=read.text("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
                partitions=read.integer("KAFKA_PARTITIONS", 3, at_least=1),
                replication=read.integer("KAFKA_REPLICATION", 1, at_least=1),
                prefix=read.text("KAFKA_PREFIX", ""),
                user=read.text("KAFKA_USER", ""),
                password=read.text("KAFKA_PASSWORD", ""),
            ),
            spark=SparkSettings(
                master_url=read.text("SPARK_MASTER_URL", "spark://127.0.0.1:7077"),
                jdbc_jar=read.text("SPARK_JDBC_JAR", ""),
                class_archive=Path(
                    read.text("SPARK_CLASS_ARCHIVE", str(PROJECT_ROOT / ".actstock" / "jars" / "spark-classes.jsa"))
                ),
                profile=read.choice("SPARK_PROFILE", ("auto", "small", "wide")),
                wide_rows=read.integer("SPARK_WIDE_ROWS", 100_000, at_least=1),
                driver_memory=read.memory("SPARK_DRIVER_MEMORY", "1g"),
                executor_memory=read.memory("SPARK_EXECUTOR_MEMORY", "1g"),
                driver_url=read.text("SPARK_DRIVER_URL", "").rstrip("/"),
                driver_token=read.text("SPARK_DRIVER_TOKEN", ""),
                secret=read.text("SPARK_SECRET", ""),
            ),
            yahoo=YahooSettings(
                base_url=read.text("YAHOO_BASE_URL", "").rstrip("/"),
                pace_seconds=read.number("YAHOO_PACE_SECONDS", 5.0),
                cooldown_seconds=read.number("YAHOO_COOLDOWN_SECONDS", 900.0),
                timeout_seconds=read.number("YAHOO_TIMEOUT_SECONDS", 30.0),
                cache_dir=Path(read.text("YAHOO_CACHE_DIR", str(PROJECT_ROOT / ".actstock" / "yahoo"))),
                breaker_failures=read.integer("YAHOO_BREAKER_FAILURES", 4, at_least=1),
                # A market server has no limit of its own.
                requests_per_day=read.integer("YAHOO_REQUESTS_PER_DAY", 0 if read.text("YAHOO_BASE_URL", "") else 2000),
                day_begins=begins_at(schedule),
            ),
            collector=CollectorSettings(
                history_sessions=read.integer("HISTORY_SESSIONS", 260, at_least=21),
                refetch_sessions=read.integer("REFETCH_SESSIONS", 30, at_least=21),
                late_sessions=read.integer("LATE_SESSIONS", 2),
                sector_lookups_per_run=read.integer("SECTOR_LOOKUPS_PER_RUN", 4),
                stored_timeout_seconds=read.number("STORED_TIMEOUT_SECONDS", 300.0),
                disk_free_mb=read.integer("DISK_FREE_MB", 1000),
                # In containers: the disk of the images, on which the volumes are as well.
                disk_folder=Path(read.text("ACTSTOCK_DATA", "") or "/"),
            ),
            alerts=AlertSettings(
                urls=read.channels("ALERT_URLS"),
                language=read.choice("ALERT_LANGUAGE", ("en", "ko")),
                digest=read.choice("ALERT_DIGEST", ("0", "1")) == "1",
                heartbeat_url=read.text("ALERT_HEARTBEAT_URL", ""),
                late_minutes=read.integer("ALERT_LATE_MINUTES", 180, at_least=1),
                published_by=read.hour("ALERT_PUBLISHED_BY", "15:00"),
                disk_mb=read.integer("ALERT_DISK_MB", 2000),
                memory_mb=read.integer("ALERT_MEMORY_MB", 300),
                folder=Path(read.text("ALERT_FOLDER", str(PROJECT_ROOT / ".actstock" / "alerts"))),
                supervisor_socket=read.text("ACTSTOCK_SOCKET", ""),
                probes=read.pairs("ALERT_PROBES"),
                starts=read.path("ALERT_STARTS"),
            ),
            backup=BackupSettings(
                folder=Path(read.text("BACKUP_FOLDER", "") or PROJECT_ROOT / ".actstock" / "backups"),
                platform=read.text("BACKUP_PLATFORM", "actstock"),
                keep=read.integer("BACKUP_KEEP", 7),
                hour=read.integer("BACKUP_HOUR", 3, at_most=23),
                state_folder=Path(read.text("BACKUP_STATE_FOLDER", str(PROJECT_ROOT / ".actstock" / "backup"))),
            ),
            retention=RetentionSettings(
                # Much is looked up in a month of requests and runs.
                rows_days=read.integer("KEEP_ROWS_DAYS", 365, at_least=60),
                files_days=read.integer("KEEP_FILES_DAYS", 30, at_least=2),
            ),
            web=WebSettings(
                bind=read.text("ACTSTOCK_BIND", ""),
                hosts=read.hosts("ACTSTOCK_HOSTS"),
                dashboard_password=read.text("DASHBOARD_PASSWORD", ""),
                name_inside=read.text("ACTSTOCK_NAME_INSIDE", ""),
            ),
            metrics=MetricsSettings(
                consumer_port=read.integer("CONSUMER_METRICS_PORT", 0, at_most=65_535 - len(Topic)),
                bind=read.text("CONSUMER_METRICS_BIND", "127.0.0.1"),
                heartbeat=read.path("CONSUMER_HEARTBEAT"),
            ),
            schedule=schedule,
            stage_delay_minutes=read.integer("STAGE_DELAY_MINUTES", 60),
            api_key=read.header("API_KEY"),
            api_url=read.text("API_URL", "http://127.0.0.1:8000").rstrip("/"),
            airflow_url=read.text("AIRFLOW_URL", "http://127.0.0.1:8080").rstrip("/"),
            airflow_ui_url=read.text("AIRFLOW_UI_URL", "http://localhost:8080").rstrip("/"),
            spark_ui_url=read.text("SPARK_UI_URL", "http://localhost:8081").rstrip("/"),
        )


def _spark_login(read: "_Reader", database: DatabaseSettings) -> DatabaseSettings:
    """Return the login of Spark jobs, which differs from that of the Airflow tasks that start them."""
    user = read.text("DB_SPARK_USER", "")
    return replace(database, user=user, password=read.text("DB_SPARK_PASSWORD", "")) if user else database


class _Reader:
    """Reads typed settings. Its errors name the setting."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, default).strip()

    def header(self, name: str) -> str:
        """Return what goes into a header of HTTP. It is a secret: no error shows it."""
        value = self.text(name, "")
        if not re.fullmatch(r"[ -~]*", value):
            raise ConfigError(f"{name}: give English letters, digits, - and _: it goes into a header of HTTP")
        return value

    def path(self, name: str) -> Path | None:
        value = self.text(name, "")
        return Path(value) if value else None

    def integer(self, name: str, default: int, at_least: int = 0, at_most: float = float("inf")) -> int:
        value = self.number(name, default)
        if value != int(value) or not at_least <= value <= at_most:
            most = f" and at most {at_most}" if at_most < float("inf") else ""
            raise ConfigError(f"{name}={self._environ[name]!r}: give a whole number, at least {at_least}{most}")
        return int(value)

    def number(self, name: str, default: float) -> float:
        raw = self.text(name, "")
        try:
            value = float(raw) if raw else default
        except ValueError:
            raise ConfigError(f"{name}={raw!r} is not a number") from None
        if not 0 <= value < float("inf"):
            raise ConfigError(f"{name}={raw!r}: give a number that is not negative")
        return value

    def memory(self, name: str, default: str) -> str:
        value = self.text(name, "") or default
        if not re.fullmatch(r"[1-9][0-9]*[mg]", value):
            raise ConfigError(f"{name}={value!r}: give a whole number of megabytes or gigabytes, as in 512m or 2g")
        return value

    def channels(self, name: str) -> tuple[str, ...]:
        """Return addresses between which commas or spaces are. One may have commas of its own."""
        found = tuple(filter(None, re.split(r"[\s,]+(?=[\w+.-]+://)", self.text(name, "").strip(","))))
        for number, url in enumerate(found, start=1):
            if not re.match(r"[a-z][a-z0-9+.-]*://.", url):
                raise ConfigError(f"{name}: no. {number} is not an address of the form scheme://..., see .env.example")
        return found

    def pairs(self, name: str) -> dict[str, str]:
        """Return what is written as NAME=VALUE, with spaces between."""
        found = [pair.partition("=") for pair in self.text(name, "").split()]
        for key, sign, _ in found:
            if not key or not sign:
                raise ConfigError(f"{name}={self.text(name, '')!r}: give NAME=ADDRESS, with spaces between several")
        return {key: value for key, _, value in found}

    def hosts(self, name: str) -> frozenset[str]:
        """Return names of hosts between which commas or spaces are."""
        found = frozenset(filter(None, re.split(r"[\s,]+", self.text(name, "").lower())))
        for host in sorted(found):
            if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", host):
                raise ConfigError(f"{name}={host!r}: give names without scheme and port, as in stocks.example.org")
        return found

    def hour(self, name: str, default: str) -> time:
        value = self.text(name, "") or default
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ConfigError(f"{name}={value!r}: give an hour of the day (UTC), as in 15:00")
        return time.fromisoformat(value)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, "") or allowed[0]
        if value not in allowed:
            raise ConfigError(f"{name}={value!r}: choose one of {', '.join(allowed)}")
        return value
