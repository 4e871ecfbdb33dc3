"""The commands of ./start.sh."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from config.names import unknown

Run = Callable[..., int]
Argument = Callable[[argparse.ArgumentParser], object]

EXAMPLES = """
examples:
  ./start.sh demo                            everything on an invented market, its portfolios, and a year before them
  ./start.sh demo --market ~/recorded        the same on recorded prices (a folder of CSV files)
  ./start.sh demo --etfs 500 --stocks 3000   the same on a large invented market, with its universe (native)
  ./start.sh                                 everything on live Yahoo
  ./start.sh plan                            how many requests to Yahoo the universe takes, on how many days
  ./start.sh status                          what runs, since when, and where
  ./start.sh run pipeline --as-of 2026-08-21 the five stages for one session, through Airflow
  ./start.sh run trending                    one stage, for the last closed session
  ./start.sh run rebalance                   the month's portfolio; --as-of 2026-07-26: of any rebalance date
  ./start.sh backfill 2026-08-10 2026-08-14  the five stages for every session of a range
  ./start.sh replay 2026-08-10 2026-08-14    the same, each session knowing only what was known on its evening
  ./start.sh reproduce 2026-08-10 2026-08-14 compute what was published again, from what was known then
  ./start.sh look-ahead 2026-08-10 2026-08-14  does a published row rest on what came after its session?
  ./start.sh gaps                            which expected bars are not stored, and which sessions to compute again
  ./start.sh gaps --repoll                   ask the source again for what is late, missing or quarantined
  ./start.sh verify                          was anything changed of what was collected and published
  ./start.sh alert --test                    a message through mail, a webhook, ...: does it arrive?
  ./start.sh backup ~/actstock.tar           everything that cannot be had again, in one file
  ./start.sh restore ~/actstock.tar          make it the platform of this machine
  ./start.sh closed-days                     days on which an exchange was closed in fact; --add adds one
  ./start.sh history --sessions 250          prices and all stages of the last 250 sessions, in minutes
  ./start.sh logs consumer-etf-daily -f      follow a service's log
  ./start.sh stop                            stop exactly what was started here
  ./start.sh bench                           how fast it is, and whether that is fast enough
  ./start.sh lab                             does the rule have an edge? Judged against luck and costs
  ./start.sh bench chaos                     what faults in mid-chain cost, on a stack of its own
  ./start.sh bench dashboard                 how long a reader waits for the dashboard, in a real browser
  ./start.sh screenshots --out ~/pictures    every view of the dashboard in each language, theme and size
  ./start.sh test                            lint, types and every test; runs beside a running platform

State, logs and passwords are in .actstock/ (ACTSTOCK_HOME moves it, ACTSTOCK_PORT_OFFSET moves every port).
Settings: the environment or a file .env, see .env.example.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. A problem is one message without a stack trace, and exit code 1 (2: wrong use)."""
    given = understood(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given.pop("run", up), given)
    except KeyboardInterrupt:
        return _complain("interrupted; what is running goes on running: ./start.sh status", 130)


def _run(run: Run, given: dict[str, Any]) -> int:
    from config.config import ConfigError
    from utils.errors import ActstockError

    try:
        return run(**given)
    except (ActstockError, ConfigError) as error:
        return _complain(error, 1)


def understood(words: Sequence[str]) -> dict[str, Any]:
    """Return the values of a command's arguments by name. Wrong use ends the process with code 2 and a message."""
    if words and not words[0].startswith("-") and words[0] not in _COMMANDS.choices:
        # The commands that are spelt like it: argparse would list them all.
        parser().exit(2, f"error: {unknown('command', words[0], _COMMANDS.choices)}\n")
    known, left_over = parser().parse_known_args(words)
    if left_over:
        # By the command's own parser: that of all commands would show how to name one.
        _COMMANDS.choices.get(words[0], parser()).error(f"unrecognized arguments: {' '.join(left_over)}")
    return vars(known)


def _complain(problem: object, exit_code: int) -> int:
    from ops.console import complain

    complain(str(problem))
    return exit_code


def _invalid(problem: str) -> Exception:
    from utils.errors import InvalidInput

    return InvalidInput(problem)


def parser() -> argparse.ArgumentParser:
    return _PARSER


_PARSER = argparse.ArgumentParser(
    prog="./start.sh",
    description="ActStock Pipeline on this machine: PostgreSQL, ZooKeeper, Kafka, Spark, Airflow, the API and "
    "the dashboard, in containers where Docker is (--docker), else as processes (--native). Without a command: "
    "start everything on live Yahoo.",
    epilog=EXAMPLES,
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
_COMMANDS = _PARSER.add_subparsers(title="commands", metavar="COMMAND")


def command(name: str, help: str, *arguments: Argument, description: str | None = None) -> Callable[[Run], Run]:
    """Make a function a command of the front door. It gets the arguments' values by name."""
    added = _COMMANDS.add_parser(name, help=help, description=description)
    for add in arguments:
        add(added)

    def offer(run: Run) -> Run:
        added.set_defaults(run=run)
        return run

    return offer


def argument(*names: str, **settings: Any) -> Argument:
    return lambda command: command.add_argument(*names, **settings)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date: write it as YYYY-MM-DD, like 2026-08-21") from None


def _count_or_all(text: str) -> int | None:
    """Return how many, or None for all."""
    if text == "all":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor all") from None


FROM_TO = (argument("start", type=_date, metavar="FROM"), argument("end", type=_date, metavar="TO"))
RANGE = (
    argument("--from", dest="start", type=_date, metavar="DATE", help="first session (default: all)"),
    argument("--to", dest="end", type=_date, metavar="DATE", help="last session, included (default: all)"),
)


# The commands import what they need when they run, so that `--help` and `status` answer at once, `--help` also before
# anything is installed: this module needs the standard library alone.


@command(
    "up",
    "start everything on live Yahoo (the default)",
    argument("--only", metavar="NAMES", help="these services (with commas) and what they need (native)"),
)
def up(only: str | None = None) -> int:
    from ops.native.control import require_same, up
    from ops.native.stack import DataSource, Stack
    from ops.planning import show_plan

    stack = Stack.wanted(DataSource())
    require_same(stack)
    if not only:
        show_plan(stack)
    return up(only=only.split(",") if only else None)


@command(
    "demo",
    "start everything on an invented or a recorded market, show its portfolios, and compute 250 sessions",
    argument("--quick", action="store_true", help="leave out the 250 sessions: the last one alone, a minute less"),
    argument("--market", type=Path, metavar="DIR", help="a recorded market: a folder of CSV files"),
    argument("--seed", type=int, help="of the invented market"),
    argument("--until", type=_date, metavar="DATE", help="last session of the invented market"),
    argument("--etfs", type=int, metavar="N", help="of the invented market (15); more are made up (native)"),
    argument("--stocks", type=int, metavar="N", help="of the invented market (151); more are made up (native)"),
    argument(
        "--holdings",
        type=int,
        metavar="N",
        help="so many of a fund's are listed and candidates (10, and as now; native)",
    ),
)
def demo(
    quick: bool,
    market: Path | None,
    seed: int | None,
    until: date | None,
    etfs: int | None,
    stocks: int | None,
    holdings: int | None,
) -> int:
    from ops.native.stack import DataSource
    from ops.pipeline.demo import demo

    last = until.isoformat() if until else None
    return demo(market, DataSource("simulated", seed, None, last, etfs, stocks, holdings), quick)


@command(
    "run",
    "run a stage, the pipeline, or any DAG through Airflow, and watch it",
    argument(
        "name",
        metavar="STAGE|DAG",
        help="benchmark, sector, trending, holdings, allocation (or 1 to 5), pipeline, etf-holdings, monthly-etfs, "
        "top-holdings, rebalance, performance, or a DAG's id",
    ),
    argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="the session (default: the last one closed); of rebalance its date (the newest last Sunday of a month)",
    ),
    argument("--accept-late", action="store_true", help="of a collecting stage: go on without late bars"),
    argument("--unpause", action="store_true", help="first unpause the DAG, so that it also keeps its schedule"),
)
def run(name: str, as_of: date | None, accept_late: bool, unpause: bool) -> int:
    from ops.pipeline.runs import run_command

    return run_command(name, as_of, accept_late, unpause)


@command(
    "backfill",
    "the five stages for every session of a range, both ends included",
    argument("start", type=_date, metavar="FROM", nargs="?"),
    argument("end", type=_date, metavar="TO", nargs="?"),
    argument("--watch", action="store_true", help="follow the backfill that is under way"),
    argument("--cancel", action="store_true", help="end the backfill that is under way"),
)
def backfill(start: date | None, end: date | None, watch: bool, cancel: bool) -> int:
    from ops.pipeline import runs

    if start and end and not (watch or cancel):
        _require_order(start, end)
        return runs.backfill_command(start, end)
    if start or watch == cancel:
        raise _invalid("backfill takes FROM and TO, or one of --watch and --cancel")
    return runs.watch_backfill_command() if watch else runs.cancel_backfill_command()


@command(
    "replay",
    "the five stages for every session of a range, knowing only what was known then, and what a backfill says",
    *FROM_TO,
    argument("--afresh", action="store_true", help="do not keep what an earlier replay has done"),
    description="Move the market server's clock from session to session and run the five stages on each evening, "
    "in a database of its own; then compare with a backfill of the same range, which knows everything up to its "
    "end. An interrupted replay is taken up again by the same command.",
)
def replay(start: date, end: date, afresh: bool) -> int:
    from ops.replay.command import replay

    _require_order(start, end)
    return replay(start, end, afresh)


@command(
    "look-ahead",
    "prove that no published row of a range rests on anything after its session",
    *FROM_TO,
    argument("--futures", type=int, default=20, metavar="N", help="random futures for each session (%(default)s)"),
    argument(
        "--every", type=int, default=1, metavar="N", help="begin a future behind every Nth session only (%(default)s)"
    ),
    description="Compute the sessions from what is stored up to a cut, with nothing or with random bars, lists of "
    "holdings and doubts behind it, in databases of its own; then compare every published cell. About 15 seconds a "
    "session on two cores, and less with --every.",
)
def look_ahead(start: date, end: date, futures: int, every: int) -> int:
    from ops.running import run_module

    _require_order(start, end)
    options = ["--futures", str(futures), "--every", str(every)]
    return run_module("ops.evidence.look_ahead", [start.isoformat(), end.isoformat(), *options])


@command(
    "gaps",
    "expected bars that are not stored, and sessions to compute again",
    *RANGE,
    argument(
        "--repoll",
        action="store_true",
        help="first ask the source again for what is late, missing or quarantined",
    ),
    argument("--closed", action="store_true", help="also list the days on which a foreign market was closed"),
)
def gaps(start: date | None, end: date | None, repoll: bool, closed: bool) -> int:
    flags = {"--repoll": repoll, "--closed": closed}
    return _on_range("collector.gaps", start, end, *(name for name, is_given in flags.items() if is_given))


@command(
    "closed-days",
    "days on which an exchange was closed in fact, and how to add one",
    *RANGE,
    argument("--add", nargs=3, metavar=("EXCHANGE", "DATE", "REASON"), help="add a day that was no session"),
    argument("--open", action="store_true", help="the day to add is one that was a session"),
)
def closed_days(start: date | None, end: date | None, add: Sequence[str] | None, open: bool) -> int:
    return _on_range(
        "collector.closed_days", start, end, *(["--add", *add] if add else []), *(["--open"] if open else [])
    )


@command(
    "verify",
    "work out the digest of all evidence again, and name what was changed",
    argument("--head", action="store_true", help="only print the newest digest of each chain, to be kept elsewhere"),
    argument("--send", action="store_true", help="of --head: also send it through the channels of ALERT_URLS"),
    argument("--kept", type=Path, metavar="FILE", help="also look for the digests that --head printed once"),
    description="Work out every digest and chain again: of what was collected, of the source's own answers and of all "
    "publications. Compare the tables with it. Name the row and the column that were changed, and end with code 1.",
)
def verify(head: bool, send: bool, kept: Path | None) -> int:
    from ops.running import run_module

    flags = {"--head": head, "--send": send}
    words = [name for name, is_given in flags.items() if is_given]
    return run_module("ops.evidence.verify", [*words, *(["--kept", str(kept.resolve())] if kept else [])])


@command(
    "alert",
    "what a person was told of and is still open; a test message",
    argument("--test", action="store_true", help="send a test message through the channels of ALERT_URLS"),
)
def alert(test: bool) -> int:
    from ops.running import run_module

    return run_module("alerts.command", ["--test"] if test else [])


@command(
    "reproduce",
    "compute what was published again, from what was known when it was computed",
    argument(
        "first",
        metavar="PUBLICATION|FROM",
        help="JOB:DATE or JOB:DATE:REVISION, like allocation:2026-08-21, or the first day of a range",
    ),
    argument("last", nargs="?", metavar="TO", help="the last day of the range"),
    description="Take a database of its own to what each publication had read, run its Spark job there, and compare "
    "the digests of the outputs. Where the code or the universe is another one since, say so and show what differs. "
    "The jobs are trending, allocation, rebalance, top_holdings, sectors and performance.",
)
def reproduce(first: str, last: str | None) -> int:
    from ops.running import run_module

    return run_module("ops.evidence.reproduce", [first, *([last] if last else [])])


@command(
    "backup",
    "write databases, passwords, settings and universe to one file, while everything runs",
    argument("file", type=Path, metavar="FILE", help="a file that is not there yet"),
    description="Write one archive of all that the platform cannot get again: its database with the source's own "
    "answers, Airflow's, passwords, settings and universe, as of one moment. Only its owner may read it.",
)
def backup(file: Path) -> int:
    from ops.backup.command import backup

    return backup(file)


@command(
    "restore",
    "make a backup the platform of this machine, and start it",
    argument("file", type=Path, metavar="FILE"),
    argument("--yes", action="store_true", help="do not ask before anything is replaced"),
    description="Look whether the backup is whole, say what it is and what it would replace, and ask. Then restore it "
    "beside what is there, bring it up to this version, and put it in its place. What was there is kept beside it. "
    "What Kafka still has beyond the backup is stored again.",
)
def restore(file: Path, yes: bool) -> int:
    from ops.backup.command import restore

    return restore(file, yes)


@command("restatements", "stored bars that the source has changed since", *RANGE)
def restatements(start: date | None, end: date | None) -> int:
    return _on_range("collector.restatements", start, end)


@command(
    "history",
    "prices of the whole universe and all stages, many sessions at once",
    argument(
        "--sessions", type=_count_or_all, default=250, metavar="N", help="how many (%(default)s); all: from 2000 on"
    ),
    argument("--to", type=_date, metavar="DATE", help="the last of them (default: the last one closed)"),
    argument("--etf-prices", action="store_true", help="the ETFs' prices alone: a request each, and all the lab needs"),
)
def history(sessions: int | None, to: date | None, etf_prices: bool) -> int:
    from ops.running import run_module

    if sessions is not None and sessions < 1:
        raise _invalid(f"--sessions {sessions}: a history has at least one session")
    last = ["--to", to.isoformat()] if to else []
    alone = ["--etf-prices"] if etf_prices else []
    many = ["--sessions", str(sessions)] if sessions else []
    return run_module("ops.pipeline.history", [*many, *last, *alone])


@command(
    "plan",
    "the requests to Yahoo that the universe takes: how many, on how many days, how long",
    argument("--stocks", type=int, metavar="N", help="how many different stocks the ETFs hold (default: the most)"),
    description="Work out the requests of a first start and of a full day from the universe and the settings. Nothing "
    "is asked for, and nothing has to run.",
)
def plan(stocks: int | None) -> int:
    from ops.native.stack import Stack
    from ops.planning import show_plan, show_plan_of_containers
    from ops.running import in_containers

    if in_containers():
        show_plan_of_containers(stocks)
    else:
        show_plan(Stack.from_env(), stocks)
    return 0


@command("status", "what runs, since when, where")
def status() -> int:
    from alerts.command import state_of
    from ops.console import say
    from ops.pipeline.runs import show_backfill
    from ops.running import alert_folder, in_containers, running_platform

    code = 0
    if not in_containers():  # there Docker has shown the services
        from ops.native.control import status

        code = status()
    platform = running_platform()
    platform.show()
    say(f"  {'Alerts':<10} {state_of(alert_folder())}")
    show_backfill(platform)
    return code


@command("stop", "stop exactly what was started here")
def stop() -> int:
    from ops.native.control import stop

    return stop()


@command(
    "logs",
    "the last lines of a service's log",
    argument("service", metavar="SERVICE"),
    argument("-n", "--lines", type=int, default=50, metavar="N", help="how many lines (%(default)s)"),
    argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C"),
)
def logs(service: str, lines: int, follow: bool) -> int:
    from ops.native.control import logs

    return logs(service, lines, follow)


@command(
    "restart",
    "stop and start services, in containers with the settings of now",
    argument("services", nargs="+", metavar="SERVICE"),
)
def restart(services: Sequence[str]) -> int:
    from ops.native.control import restart

    return max([restart(name) for name in services])


@command(
    "test",
    "lint, types, import contracts and all tests, on a stack of their own",
    argument("rings", nargs="*", metavar="RING", help="checks, unit, integration, end_to_end, containers, lab (all)"),
)
def test(rings: Sequence[str]) -> int:
    from ops.testing import run_tests

    return run_tests(rings)


@command(
    "bench",
    "measure the running platform (native), each figure beside what it should be",
    argument(
        "parts",
        nargs="*",
        metavar="PART",
        help="consume, members, chain, api, weights, dashboard, memory, requests, reproduce, look-ahead, evidence, "
        "scale, lab (all); history, chaos, soak (on a stack of their own, the last two for hours)",
    ),
    argument("--rows", type=int, default=100_000, metavar="N", help="bars to send and to consume (%(default)s)"),
    argument("--strict", action="store_true", help="end with code 1 when a wanted figure is missed"),
    argument(
        "--short",
        dest="is_short",
        action="store_true",
        help="members, scale, history, chaos, soak: sizes that show whether it runs",
    ),
    argument(
        "--rounds",
        type=int,
        metavar="N",
        help="members: rounds (2, a minute; 20 for the whole); chaos: of each fault (20); history, soak: "
        "sessions (250)",
    ),
    argument(
        "--fault",
        dest="faults",
        action="append",
        default=[],
        metavar="NAME",
        help="chaos, soak: this fault, and others that are given so (all)",
    ),
    argument(
        "--resume",
        dest="is_resumed",
        action="store_true",
        help="chaos: go on with the rounds of a run that was interrupted",
    ),
    argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="a checkout of another version: dashboard is compared with it on this platform's data, so it only has to "
        "be installed; chain is compared with its own platform, which has to run, too",
    ),
)
def bench(parts: Sequence[str], strict: bool, **options: Any) -> int:
    from ops.bench.command import Bench, bench

    return bench(parts, Bench(**options), strict)


@command(
    "lab",
    "does the rule have an edge? Variants of it on the stored prices, judged against luck and costs",
    argument("--until", type=_date, metavar="DATE", help="the last session to use (default: all)"),
    argument("--variants", type=Path, metavar="FILE", help="a TOML file of variants (lab/variants.toml)"),
    argument("--resamples", type=int, metavar="N", help="of the bootstrap (10,000)"),
    argument("--without-spark", action="store_true", help="compute the variants in one process, one after another"),
    argument("--brief", action="store_true", help="print the verdict alone"),
    argument(
        "--check", action="store_true", help="compute the figures with known packages as well, see docs/lab.md (native)"
    ),
)
def lab(
    until: date | None, variants: Path | None, resamples: int | None, without_spark: bool, brief: bool, check: bool
) -> int:
    from ops.running import in_containers, run_module

    if check and in_containers():
        raise _invalid(
            "lab --check needs packages that the containers do not have: ./start.sh stop, then demo --native"
        )
    given = {
        "--until": until and until.isoformat(),
        "--variants": variants and str(variants.absolute()),
        "--resamples": resamples and str(resamples),
    }
    flags = {"--without-spark": without_spark, "--brief": brief, "--check": check}
    words = [word for name, value in given.items() if value for word in (name, value)]
    return run_module("lab.command", [*words, *(name for name, is_given in flags.items() if is_given)])


@command(
    "screenshots",
    "a picture of every view of the dashboard, in each language, theme and size of screen (native)",
    argument("views", nargs="*", metavar="VIEW", help="portfolio-20d, map, pipeline, ... (all)"),
    argument("--out", type=Path, metavar="FOLDER", help="where to (screenshots/ beside the logs)"),
)
def screenshots(views: Sequence[str], out: Path | None) -> int:
    from ops.looking.screenshots import take
    from ops.native.control import running_stack
    from ops.running import Platform

    stack = running_stack()
    return take(Platform.of_stack(stack), out or stack.home / "screenshots", views)


@command(
    "exec",
    "run a command with the running platform's settings and passwords",
    argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="python -m consumer.replay_errors"),
)
def execute(words: Sequence[str]) -> int:
    from ops.native.control import execute

    execute(words)


@command(
    "env",
    "write .env: settings, or without any the secrets that `docker compose up` asks for",
    argument("settings", nargs="*", metavar="NAME=VALUE", help="settings to write there, see .env.example"),
)
def env(settings: Sequence[str]) -> int:
    raise _invalid("env is a command of ./start.sh itself")


@command("install", "only install what is missing (native)")
def install() -> int:
    from ops.native.control import install

    return install()


def _require_order(start: date, end: date) -> None:
    if end < start:
        raise _invalid(f"the range ends ({end}) before it begins ({start})")


def _on_range(module: str, start: date | None, end: date | None, *more: str) -> int:
    """Run a module's command on a range of sessions, with the platform's settings and passwords."""
    from ops.running import run_module

    given = {"--from": start, "--to": end}
    return run_module(
        module, [word for name, day in given.items() if day for word in (name, day.isoformat())] + [*more]
    )


if __name__ == "__main__":
    sys.exit(main())
