"""The commands of ./start.sh."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from config.config import ConfigError
from ops.console import complain
from utils.errors import ActstockError, InvalidInput

Command = Callable[[argparse.Namespace], int]

EXAMPLES = """
examples:
  ./start.sh demo                            everything on an invented market, and the portfolios of its last session
  ./start.sh demo --market ~/recorded        the same on recorded prices (a folder of CSV files)
  ./start.sh                                 everything on live Yahoo
  ./start.sh status                          what runs, since when, and where
  ./start.sh run pipeline --as-of 2026-08-21 the five stages for one session, through Airflow
  ./start.sh run trending                    one stage, for the last closed session
  ./start.sh run rebalance                   the month's portfolio; --as-of 2026-07-26: of any rebalance date
  ./start.sh backfill 2026-08-10 2026-08-14  the five stages for every session of a range
  ./start.sh replay 2026-08-10 2026-08-14    the same, each session knowing only what was known on its evening
  ./start.sh gaps                            which expected bars are not stored, and which sessions to compute again
  ./start.sh gaps --repoll                   ask the source again for what is late, missing or quarantined
  ./start.sh closed-days                     days on which an exchange was closed in fact; --add adds one
  ./start.sh history --sessions 250          prices and all stages of the last 250 sessions, in minutes
  ./start.sh logs consumer-etf-daily -f      follow a service's log
  ./start.sh stop                            stop exactly what was started here
  ./start.sh bench                           how fast it is, and whether that is fast enough
  ./start.sh bench dashboard                 how long a reader waits for the dashboard, in a real browser
  ./start.sh screenshots --out ~/pictures    every view of the dashboard in each language, theme and size
  ./start.sh test                            lint, types and every test; runs beside a running platform

State, logs and passwords are in .actstock/ (ACTSTOCK_HOME moves it, ACTSTOCK_PORT_OFFSET moves every port).
Settings: the environment or a file .env, see .env.example.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. A problem is one message without a stack trace, and exit code 1 (2: wrong use)."""
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
        "the dashboard, in containers where Docker is (--docker), else as processes (--native). Without a command: "
        "start everything on live Yahoo.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.set_defaults(command=_up, only=None)
    commands = root.add_subparsers(title="commands", metavar="COMMAND")

    up = commands.add_parser("up", help="start everything on live Yahoo (the default)")
    up.add_argument("--only", metavar="NAMES", help="these services (with commas) and what they need")
    up.set_defaults(command=_up)

    demo = commands.add_parser(
        "demo", help="start everything on an invented or a recorded market and show its portfolios"
    )
    demo.add_argument("--market", type=Path, metavar="DIR", help="a recorded market: a folder of CSV files")
    demo.add_argument("--seed", type=int, help="of the invented market")
    demo.add_argument("--until", type=_date, metavar="DATE", help="last session of the invented market")
    demo.set_defaults(command=_demo)

    run = commands.add_parser("run", help="run a stage, the pipeline, or any DAG through Airflow, and watch it")
    run.add_argument(
        "name",
        metavar="STAGE|DAG",
        help="benchmark, sector, trending, holdings, allocation (or 1 to 5), pipeline, etf-holdings, monthly-etfs, "
        "top-holdings, rebalance, performance, or a DAG's id",
    )
    run.add_argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="the session (default: the last one closed); of rebalance its date (the newest last Sunday of a month)",
    )
    run.add_argument("--accept-late", action="store_true", help="of a collecting stage: go on without late bars")
    run.add_argument("--unpause", action="store_true", help="first unpause the DAG, so that it also keeps its schedule")
    run.set_defaults(command=_run)

    backfill = commands.add_parser("backfill", help="the five stages for every session of a range, both ends included")
    backfill.add_argument("start", type=_date, metavar="FROM")
    backfill.add_argument("end", type=_date, metavar="TO")
    backfill.set_defaults(command=_backfill)

    replay = commands.add_parser(
        "replay",
        help="the five stages for every session of a range, knowing only what was known then, and what a backfill says",
        description="Move the market server's clock from session to session and run the five stages on each evening, "
        "in a database of its own; then compare with a backfill of the same range, which knows everything up to its "
        "end. An interrupted replay is taken up again by the same command.",
    )
    replay.add_argument("start", type=_date, metavar="FROM")
    replay.add_argument("end", type=_date, metavar="TO")
    replay.add_argument("--afresh", action="store_true", help="do not keep what an earlier replay has done")
    replay.set_defaults(command=_replay)

    gaps = commands.add_parser("gaps", help="expected bars that are not stored, and sessions to compute again")
    _add_range(gaps)
    gaps.add_argument(
        "--repoll",
        action="store_true",
        help="first ask the source again for what is late, missing or quarantined",
    )
    gaps.add_argument("--closed", action="store_true", help="also list the days on which a foreign market was closed")
    gaps.set_defaults(command=_gaps)

    closed = commands.add_parser("closed-days", help="days on which an exchange was closed in fact, and how to add one")
    _add_range(closed)
    closed.add_argument("--add", nargs=3, metavar=("EXCHANGE", "DATE", "REASON"), help="add a day that was no session")
    closed.add_argument("--open", action="store_true", help="the day to add is one that was a session")
    closed.set_defaults(command=_closed_days)

    restatements = commands.add_parser("restatements", help="stored bars that the source has changed since")
    _add_range(restatements)
    restatements.set_defaults(command=_restatements)
    history = commands.add_parser("history", help="prices of the whole universe and all stages, many sessions at once")
    history.add_argument("--sessions", type=int, default=250, metavar="N", help="how many (250)")
    history.add_argument("--to", type=_date, metavar="DATE", help="the last of them (default: the last one closed)")
    history.set_defaults(command=_history)

    commands.add_parser("status", help="what runs, since when, where").set_defaults(command=_status)
    commands.add_parser("stop", help="stop exactly what was started here").set_defaults(command=_stop)

    logs = commands.add_parser("logs", help="the last lines of a service's log")
    logs.add_argument("service", metavar="SERVICE")
    logs.add_argument("-n", "--lines", type=int, default=50, metavar="N", help="how many lines (50)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    logs.set_defaults(command=_logs)

    restart = commands.add_parser("restart", help="stop and start services, in containers with the settings of now")
    restart.add_argument("services", nargs="+", metavar="SERVICE")
    restart.set_defaults(command=_restart)

    test = commands.add_parser("test", help="lint, types, import contracts and all tests, on a stack of their own")
    rings = "checks, unit, integration, end_to_end, containers (all)"
    test.add_argument("rings", nargs="*", metavar="RING", help=rings)
    test.set_defaults(command=_test)

    bench = commands.add_parser("bench", help="measure the running platform, each figure beside what it should be")
    bench.add_argument(
        "parts", nargs="*", metavar="PART", help="consume, chain, api, dashboard, memory, requests (all)"
    )
    bench.add_argument("--rows", type=int, default=100_000, metavar="N", help="messages to consume (100,000)")
    bench.add_argument("--strict", action="store_true", help="end with code 1 when a wanted figure is missed")
    bench.set_defaults(command=_bench)

    screenshots = commands.add_parser(
        "screenshots", help="a picture of every view of the dashboard, in each language, theme and size of screen"
    )
    screenshots.add_argument("views", nargs="*", metavar="VIEW", help="portfolio-20d, map, pipeline, ... (all)")
    screenshots.add_argument("--out", type=Path, metavar="FOLDER", help="where to (screenshots/ beside the logs)")
    screenshots.set_defaults(command=_screenshots)

    execute = commands.add_parser("exec", help="run a command with the running platform's settings and passwords")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="python -m consumer.replay_errors")
    execute.set_defaults(command=_exec)

    env = commands.add_parser("env", help="write .env: the secrets that `docker compose up` asks for, and settings")
    env.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="settings to write there, see .env.example")
    commands.add_parser("install", help="only install what is missing (native)").set_defaults(command=_install)
    return root


def _add_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", type=_date, metavar="DATE", help="first session (default: all)")
    parser.add_argument("--to", dest="end", type=_date, metavar="DATE", help="last session, included (default: all)")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date: write it as YYYY-MM-DD, like 2026-08-21") from None


# The commands import what they need when they run, so that `--help` and `status` answer at once.


def _up(options: argparse.Namespace) -> int:
    from ops.native.control import up

    return up(only=options.only.split(",") if options.only else None)


def _demo(options: argparse.Namespace) -> int:
    from ops.pipeline.demo import demo

    return demo(options.market, options.seed, options.until and options.until.isoformat())


def _run(options: argparse.Namespace) -> int:
    from ops.pipeline.runs import run_command

    return run_command(options.name, options.as_of, options.accept_late, options.unpause)


def _backfill(options: argparse.Namespace) -> int:
    from ops.pipeline.runs import backfill_command

    _require_order(options)
    return backfill_command(options.start, options.end)


def _replay(options: argparse.Namespace) -> int:
    from ops.replay.command import replay

    _require_order(options)
    return replay(options.start, options.end, options.afresh)


def _require_order(options: argparse.Namespace) -> None:
    if options.end < options.start:
        raise InvalidInput(f"the range ends ({options.end}) before it begins ({options.start})")


def _gaps(options: argparse.Namespace) -> int:
    flags = {"--repoll": options.repoll, "--closed": options.closed}
    return _on_range("collector.gaps", options, *(name for name, is_given in flags.items() if is_given))


def _closed_days(options: argparse.Namespace) -> int:
    added = ["--add", *options.add] if options.add else []
    return _on_range("collector.closed_days", options, *added, *(["--open"] if options.open else []))


def _restatements(options: argparse.Namespace) -> int:
    return _on_range("collector.restatements", options)


def _on_range(module: str, options: argparse.Namespace, *more: str) -> int:
    """Run a module's command on a range of sessions, with the platform's settings and passwords."""
    from ops.running import run_module

    given = {"--from": options.start, "--to": options.end}
    return run_module(
        module, [word for name, day in given.items() if day for word in (name, day.isoformat())] + [*more]
    )


def _history(options: argparse.Namespace) -> int:
    from ops.running import run_module

    if options.sessions < 1:
        raise InvalidInput(f"--sessions {options.sessions}: a history has at least one session")
    last = ["--to", options.to.isoformat()] if options.to else []
    return run_module("ops.pipeline.history", ["--sessions", str(options.sessions), *last])


def _status(_: argparse.Namespace) -> int:
    from ops.running import in_containers, running_platform

    code = 0
    if not in_containers():  # there Docker has shown the services
        from ops.native.control import status

        code = status()
    running_platform().show()
    return code


def _stop(_: argparse.Namespace) -> int:
    from ops.native.control import stop

    return stop()


def _logs(options: argparse.Namespace) -> int:
    from ops.native.control import logs

    return logs(options.service, options.lines, options.follow)


def _restart(options: argparse.Namespace) -> int:
    from ops.native.control import restart

    return max([restart(name) for name in options.services])


def _test(options: argparse.Namespace) -> int:
    from ops.testing import run_tests

    return run_tests(options.rings)


def _bench(options: argparse.Namespace) -> int:
    from ops.bench.command import bench

    return bench(options.parts, options.rows, options.strict)


def _screenshots(options: argparse.Namespace) -> int:
    from ops.looking.screenshots import take
    from ops.native.control import running_stack
    from ops.running import Platform

    stack = running_stack()
    return take(Platform.of_stack(stack), options.out or stack.home / "screenshots", options.views)


def _exec(options: argparse.Namespace) -> int:
    from ops.native.control import execute

    execute(options.words)


def _install(_: argparse.Namespace) -> int:
    from ops.native.control import install

    return install()


if __name__ == "__main__":
    sys.exit(main())
