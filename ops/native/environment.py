"""The environment of a stack's services: addresses, all of Airflow's settings, and each one's own secrets."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from config.config import PROJECT_ROOT, ConfigError, is_on
from database.roles import ROLES, SPARK
from ops.native import stack_secrets
from ops.native.compose import native_services, private_settings, private_variables
from ops.native.env_file import read_settings
from ops.native.services import USERS
from ops.native.stack import JARS, JDBC_JAR, VENV, Stack

# Marks every process of a stack, so that those whose supervisor was killed can be told from anybody else's.
MARK = "ACTSTOCK_STACK"
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
AIRFLOW_USER = "admin"
ENV_FILE = PROJECT_ROOT / ".env"
AIRFLOW_SETTINGS = PROJECT_ROOT / "airflow" / "settings.env"
# Settings that are a file or a folder of this machine.
FILES = ("UNIVERSE_FILE", "EXCHANGE_DAYS_FILE", "BACKUP_FOLDER")
REPLACEABLE_SECRETS = ("API_KEY", "AIRFLOW_PASSWORD")
SPARK_DAEMON_OPTIONS = "-Xms64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dspark.authenticate=true"
# What its UI and its REST server would let everybody do.
SPARK_MASTER_OPTIONS = (
    "-Dspark.master.rest.enabled=false -Dspark.ui.killEnabled=false -Dspark.master.ui.decommission.allow.mode=DENY"
)
# Spark knows the servlet by this name alone.
_SINK = "-Dspark.metrics.conf.*.sink.prometheusServlet"
SPARK_METRICS_OPTIONS = (
    f"{_SINK}.class=org.apache.spark.metrics.sink.PrometheusServlet {_SINK}.path=/metrics/prometheus"
)
AIRFLOW_METRICS_URL = "http://127.0.0.1:9090/api/v1/otlp/v1/metrics"
CLIENT_SECRETS = ("API_KEY", "AIRFLOW_PASSWORD", "MARKET_TOKEN", "SPARK_SECRET", "KAFKA_PASSWORD")
LOGINS = tuple(role.password_setting for role in ROLES)
SITE_PACKAGES = VENV / "lib" / "python3.11" / "site-packages"


def service_environment(stack: Stack, java_home: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Combine outside settings, the stack's secrets, and what the stack itself decides: all that services may need."""
    chosen = _chosen(stack, environ)
    return (
        _sizes()
        | chosen
        | _defaults(stack, chosen)
        | _platform(stack)
        | _served_market(stack)
        | _processes(stack, java_home, chosen)
        | _airflow(stack, chosen)
        | _reachable(chosen)
    )


def shared_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what every service may see: all but users and the secrets, under whatever name a service has one."""
    hidden = {*USERS, *private_settings()}.union(
        *(private_variables(service) for service in native_services().values())
    )
    return {name: value for name, value in environment.items() if name not in hidden}


def secrets_for(variables: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return a service's own secrets (variable -> setting that it has the value of), but for those that are not set."""
    return {name: environment[setting] for name, setting in variables.items() if setting in environment}


def client_environment(stack: Stack, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a client of the running stack needs, under the settings' public names."""
    known = _chosen(stack, environ)
    return (
        {name: known[name] for name in ("DB_PASSWORD", *LOGINS, *CLIENT_SECRETS)}
        | _platform(stack)
        | _served_market(stack)
        | {
            "AIRFLOW_USER": AIRFLOW_USER,
            "DASHBOARD_URL": stack.url("dashboard"),
        }
    )


def chosen_settings(stack: Stack, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings that the stack's services take from outside, and those that its market decides."""
    return _chosen(stack, environ) | _served_market(stack)


def tools(java_home: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings by which a command finds Java, Spark, the Python environment, our packages, and files."""
    return {
        "PATH": f"{java_home / 'bin'}:{VENV / 'bin'}:{environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": str(VENV),
        "PYTHONPATH": str(PROJECT_ROOT),
        "JAVA_HOME": str(java_home),
        "SPARK_HOME": str(SITE_PACKAGES / "pyspark"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        # By it Java takes the names of files and folders, which may have letters of any language.
        "LC_ALL": "C.UTF-8",
    }


def _chosen(stack: Stack, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings from outside, with the stack's own secrets.

    Its first databases are made with the secrets of .env, if it has some, so that containers have the same ones. After
    that nothing from outside may replace those.
    """
    settings = read_settings(ENV_FILE, environ)
    made = stack_secrets.load(stack.secrets_file, settings, are_in_use=stack.has_databases)
    outside = settings | dict(environ)
    # As Docker Compose does where it mounts them.
    outside |= {name: os.path.expanduser(outside[name]) for name in FILES if outside.get(name, "").startswith("~")}
    replaced = {name: outside[name] for name in REPLACEABLE_SECRETS if outside.get(name)}
    return outside | made | replaced


def _sizes() -> dict[str, str]:
    spark = {"SPARK_WORKER_CORES": "2", "SPARK_WORKER_MEMORY": "2g", "SPARK_DAEMON_MEMORY": "128m"}
    # Each arena keeps what threads have freed, and a process of many threads makes eight for each core: the warm driver
    # grew by 35 MB in 20 chains.
    return spark | {"MALLOC_ARENA_MAX": "2"}


def _defaults(stack: Stack, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return what a setting may replace: addresses for people, such as one of a proxy, and where backups go."""
    links = {"AIRFLOW_UI_URL": stack.url("airflow"), "SPARK_UI_URL": stack.url("spark-master-ui")}
    defaults = links | {"BACKUP_FOLDER": str(stack.home / "backups")}
    return {name: chosen.get(name) or default for name, default in defaults.items()}


def _platform(stack: Stack) -> dict[str, str]:
    """Return the addresses on this machine, whatever is set outside."""
    return {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(stack.port("postgres")),
        "DB_NAME": "stockdb",
        "DB_USER": "postgres",
        "AIRFLOW_DB_PORT": str(stack.port("airflow-db")),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{stack.port('kafka')}",
        "KAFKA_USER": "kafka",
        "SPARK_MASTER_URL": f"spark://127.0.0.1:{stack.port('spark-master')}",
        "SPARK_MASTER_PORT": str(stack.port("spark-master")),
        "SPARK_MASTER_UI_PORT": str(stack.port("spark-master-ui")),
        "SPARK_WORKER_UI_PORT": str(stack.port("spark-worker-ui")),
        "SPARK_JDBC_JAR": str(JDBC_JAR),
        "SPARK_DRIVER_PORT": str(stack.port("spark-driver")),
        "SPARK_DRIVER_URL": stack.url("spark-driver"),
        "API_PORT": str(stack.port("api")),
        "API_URL": stack.url("api"),
        "AIRFLOW_URL": stack.url("airflow"),
        "ALERT_FOLDER": str(stack.alerts),
        "BACKUP_PLATFORM": stack.name,
        "BACKUP_STATE_FOLDER": str(stack.data / "backup"),
        "DASHBOARD_PORT": str(stack.port("dashboard")),
        "YAHOO_CACHE_DIR": str(stack.data / "yahoo"),
    }


def _served_market(stack: Stack) -> dict[str, str]:
    """Send every request to the market server, if there is one. Else YAHOO_BASE_URL stays as it is set."""
    source = stack.source
    if not source.served:
        return {"ACTSTOCK_MARKET": source.kind, "MARKET_SERVER_ARGS": ""}
    port = stack.port("market-server")
    arguments = ["--port", str(port)]
    if source.folder:
        arguments += ["--market", shlex.quote(source.folder)]
    if source.seed is not None:
        arguments += ["--seed", str(source.seed)]
    if source.until:
        arguments += ["--until", source.until]
    for name, number in source.sizes.items():
        arguments += [f"--{name}", str(number)]
    return ({"UNIVERSE_FILE": str(stack.universe_file)} if stack.universe_file else {}) | {
        "YAHOO_BASE_URL": f"http://127.0.0.1:{port}",
        "YAHOO_PACE_SECONDS": "0",
        "MARKET_SERVER_ARGS": " ".join(arguments),
        "ACTSTOCK_MARKET": source.kind,
    }


def _processes(stack: Stack, java_home: Path, chosen: Mapping[str, str]) -> dict[str, str]:
    local = ",".join(filter(None, [chosen.get("NO_PROXY"), "127.0.0.1,localhost"]))
    return tools(java_home, chosen) | {
        "DB_SPARK_USER": SPARK.name,
        MARK: str(stack.home),
        # Airflow renames its processes; without this the mark would be overwritten.
        "SPT_NOENV": "1",
        "ACTSTOCK_HOME": str(stack.home),
        "ACTSTOCK_PORT_OFFSET": str(stack.port_offset),
        "ACTSTOCK_ROOT": str(PROJECT_ROOT),
        "ACTSTOCK_RUN": str(stack.run),
        "ACTSTOCK_LOGS": str(stack.logs),
        "ACTSTOCK_DATA": str(stack.data),
        "ACTSTOCK_SOCKET": str(stack.supervisor_socket),
        "ACTSTOCK_JARS": str(JARS),
        "PYTHONUNBUFFERED": "1",
        # Compiled once and kept: Airflow's processes import thousands of modules.
        "PYTHONDONTWRITEBYTECODE": "",
        "TZ": "UTC",
        "NO_PROXY": local,
        "no_proxy": local,
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_LOCAL_DIRS": str(stack.data / "spark" / "local"),
        "SPARK_DAEMON_JAVA_OPTS": _daemon_options(chosen),
        "SPARK_MASTER_OPTS": SPARK_MASTER_OPTIONS,
        "SPARK_WORKER_OPTS": "-Dspark.worker.cleanup.enabled=true",
    }


def _daemon_options(chosen: Mapping[str, str]) -> str:
    return f"{SPARK_DAEMON_OPTIONS} {SPARK_METRICS_OPTIONS}" if is_on(chosen, "SPARK_METRICS") else SPARK_DAEMON_OPTIONS


def _reachable(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return where the three services for people listen. All others listen on 127.0.0.1 alone.

    They ask each other there, too. So an address of one network will not do.
    """
    address = chosen.get("ACTSTOCK_BIND") or LOOPBACK
    if address not in (LOOPBACK, EVERYWHERE):
        raise ConfigError(f"ACTSTOCK_BIND={address}: natively give {LOOPBACK}, or {EVERYWHERE} for every network")
    return dict.fromkeys(("ACTSTOCK_BIND", "DASHBOARD_HOST", "AIRFLOW__API__HOST"), address)


def _airflow(stack: Stack, chosen: Mapping[str, str]) -> dict[str, str]:
    home = stack.data / "airflow"
    url = stack.url("airflow")
    login = f"airflow:{chosen['AIRFLOW_DB_PASSWORD']}"
    database = f"postgresql+psycopg2://{login}@127.0.0.1:{stack.port('airflow-db')}/airflow"
    return stack_secrets.read_env_file(AIRFLOW_SETTINGS) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "airflow" / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "airflow" / "plugins"),
        "AIRFLOW__CORE__FERNET_KEY": chosen["AIRFLOW_FERNET_KEY"],
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW_CLEANING_CONN": database,
        "AIRFLOW__API__PORT": str(stack.port("airflow")),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": chosen["AIRFLOW_SECRET_KEY"],
        "AIRFLOW__API_AUTH__JWT_SECRET": chosen["AIRFLOW_JWT_SECRET"],
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(stack.port("airflow-scheduler")),
        "AIRFLOW_CONN_SPARK_DEFAULT": f"spark://127.0.0.1:{stack.port('spark-master')}",
        "AIRFLOW__METRICS__OTEL_ON": chosen.get("AIRFLOW_METRICS") or "0",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": chosen.get("AIRFLOW_METRICS_URL") or AIRFLOW_METRICS_URL,
    }
