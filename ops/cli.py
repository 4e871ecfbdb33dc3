"""The commands of ./start.sh."""

import argparse
import sys
from collections.abc import Callable, Sequence

from config.config import ConfigError
from ops.console import complain
from utils.errors import ActstockError

Command = Callable[[argparse.Namespace], int]

EXAMPLES = """
examples:
  ./start.sh demo                            everything on an invented market, and the portfolios of its last session
  ./start.sh demo --market ~/recorded        the same on recorded prices (a folder of CSV files)
  ./start.sh                                 everything on live Yahoo
  ./start.sh status                          what runs, since when, and where
  ./start.sh run pipeline --as-of 2026-08-21 the five stages for one session, through Airflow
  ./start.sh run trending                    one stage, for the last closed session
  ./start.sh backfill 2026-08-10 2026-08-14  the five stages for every session of a range
  ./start.sh logs consumer-etf-daily -f      follow a service's log
  ./start.sh stop                            stop exactly what was started here

State, logs and passwords are in .actstock/ (ACTSTOCK_HOME moves it, ACTSTOCK_PORT_OFFSET moves every port).
Settings: the environment or a file .env, see .env.example.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a problem is one message without a stack trace, and exit code 1 (2: wrong use)."""
    options = parser().parse_args(arguments)
    try:
        command: Command = options.command
        return command(options)
    except (ActstockError, ConfigError) as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; what is running goes on running: ./start.sh status")
        return 130


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="./start.sh",
        description="ActStock Pipeline on this machine: PostgreSQL, ZooKeeper, Kafka, Spark, Airflow, the API and "
        "the dashboard as real processes. Without a command: start everything on live Yahoo.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.set_defaults(command=_up, only=None)
    commands = root.add_subparsers(title="commands", metavar="COMMAND")

    up = commands.add_parser("up", help="start everything on live Yahoo (the default)")
    up.add_argument("--only", metavar="NAMES", help="these services (with commas) and what they need")
    up.set_defaults(command=_up)

    commands.add_parser("status", help="what runs, since when, where").set_defaults(command=_status)
    commands.add_parser("stop", help="stop exactly what was started here").set_defaults(command=_stop)

    logs = commands.add_parser("logs", help="the last lines of a service's log")
    logs.add_argument("service")
    logs.add_argument("-n", "--lines", type=int, default=50, metavar="N", help="how many lines (50)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    logs.set_defaults(command=_logs)

    restart = commands.add_parser("restart", help="stop and start one service")
    restart.add_argument("service")
    restart.set_defaults(command=_restart)

    commands.add_parser("install", help="only install what is missing").set_defaults(command=_install)
    return root


# The commands import what they need when they run, so that `--help` and `status` answer at once.


def _up(options: argparse.Namespace) -> int:
    from ops.control import up

    return up(only=options.only.split(",") if options.only else None)


def _status(_: argparse.Namespace) -> int:
    from ops.control import status

    return status()


def _stop(_: argparse.Namespace) -> int:
    from ops.control import stop

    return stop()


def _logs(options: argparse.Namespace) -> int:
    from ops.control import logs

    return logs(options.service, options.lines, options.follow)


def _restart(options: argparse.Namespace) -> int:
    from ops.control import restart

    return restart(options.service)


def _install(_: argparse.Namespace) -> int:
    from ops.control import install

    return install()


if __name__ == "__main__":
    sys.exit(main())
