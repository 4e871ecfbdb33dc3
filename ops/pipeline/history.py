"""`history`: prices and holdings of the whole universe, then every stage for each session of a range.

The producers cost one request a ticker whatever the range, and the Spark jobs compute a range at once, to the rows that
the days one by one would give. Jobs that do not need each other run side by side, a core each. What is stored is not
fetched again, so an interrupted run is simply started again.

`./start.sh history` runs it with the running platform's settings.
"""

import argparse
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from collector import kafka_producer_etf_daily, kafka_producer_etf_holdings, kafka_producer_stock_daily
from collector.plan import sessions_for_returns
from collector.receipt import Receipt, wait_until_stored
from collector.request_plan import HISTORIES, LISTS, Needs, plan_of_history, whole_history
from collector.source_clock import last_session
from config.config import ConfigError, DatabaseSettings, Settings, SparkSettings
from config.universe import universe
from database.db_helper import connect, transaction
from database.queries import portfolios
from ops.console import complain, done, say
from ops.errors import RunFailed
from ops.pipeline.history_notes import RUN_ID, noted
from ops.pipeline.progress import Progress, Work, in_words
from utils import spark_driver
from utils.command_line import failure_in
from utils.dates import about_sessions, last_sundays_between, session_before, sessions_between, sessions_of
from utils.errors import ActstockError, InvalidInput, NotASession
from utils.logging_utils import configure_logging
from utils.spark_utils import SMALL, profile_for, submit_command

IN_THE_DRIVER = "local[1]"
SUMMARY_FIELDS = {"rows", "days"}
# What things take on two cores, in seconds: only for the estimate, which learns from how it really goes.
REQUEST_SECONDS = 0.5
JOB_SECONDS = 20.0
JOB_SECONDS_A_SESSION = 0.1


@dataclass(frozen=True)
class Range:
    """The sessions to make a history of, both ends included."""

    settings: Settings
    first: date
    last: date
    skipped: list[str] = field(default_factory=list)

    @property
    def sessions(self) -> int:
        return len(sessions_between(self.first, self.last))


@dataclass(frozen=True)
class Step:
    """`run` returns what to report. requests: an estimate of their number. The log mentions each answer.

    is_beside: it runs beside those that follow, one of its like after another
    """

    name: str
    run: Callable[[Range], str]
    requests: int = 0
    is_beside: bool = False

    def work(self, asked: Range) -> Work:
        if self.is_beside:
            return Work(0)
        if self.requests:
            return Work(self.requests * (asked.settings.yahoo.pace_seconds + REQUEST_SECONDS), self.requests)
        return Work(JOB_SECONDS + asked.sessions * JOB_SECONDS_A_SESSION)


def collecting(send: Callable[[Range], Receipt]) -> Callable[[Range], str]:
    """Return a step that runs a producer and waits until its rows are in Postgres."""

    def run(asked: Range) -> str:
        receipt = send(asked)
        wait_until_stored(asked.settings, receipt)
        missing = f", without {', '.join(sorted(receipt.missing))}" if receipt.missing else ""
        return f"{sum(receipt.sent.values())} messages, {receipt.requests} requests{missing}"

    return run


def computing(script: str, is_beside: bool = False) -> Callable[[Range], str]:
    """Return a step that runs a Spark job over the whole range, on the warm driver where that can be.

    is_beside: it leaves the warm driver, which has one job at a time, to the others
    """

    def run(asked: Range) -> str:
        _know_the_tables(asked.settings.database)
        span = ("--from", asked.first.isoformat(), "--to", asked.last.isoformat(), "--run-id", RUN_ID)
        warm = spark_driver.run(asked.settings.spark, script, span) if _is_small(asked) and not is_beside else None
        return _report_of(script, warm or _submitted(asked, script, span), asked)

    return run


def _submitted(asked: Range, script: str, span: Sequence[str]) -> spark_driver.Outcome:
    command = submit_command(_spark_of(asked), script, *span)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    # spark-submit passes on all that a job prints as standard output, its log included.
    return spark_driver.Outcome(ended.returncode, [*ended.stderr.splitlines(), *ended.stdout.splitlines()])


def judging(asked: Range) -> str:
    """Have the lab judge the rule on the prices up to the last session, and return its verdict."""
    command = [sys.executable, "-m", "lab.command", "--until", asked.last.isoformat(), "--brief"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = [f"ended with code {ended.returncode}", *ended.stderr.splitlines()][-1]
        raise RunFailed(f"lab: {said.removeprefix('error: ')}")
    return ended.stdout.splitlines()[0]


def _know_the_tables(database: DatabaseSettings) -> None:
    """Have PostgreSQL look at what the step before has stored.

    It does so within a minute by itself. Until then it reads the tables as if they were nearly empty, which took one
    job nine times as long on a new database.
    """
    with closing(connect(database)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute("ANALYZE")


def _spark_of(asked: Range) -> SparkSettings:
    """Return the Spark to compute with: the cluster, or the driver itself where the cluster would have one task."""
    spark = asked.settings.spark
    # An executor of its own would be a second JVM to start, for each job.
    return replace(spark, master_url=IN_THE_DRIVER) if _is_small(asked) else spark


def _is_small(asked: Range) -> bool:
    holdings = universe().holdings_at_most(universe().etfs, asked.settings.yahoo.listed_holdings)
    return profile_for(asked.settings.spark, about_sessions(asked.first, asked.last) * holdings) is SMALL


def _requests(asked: Range, etf_prices: bool) -> Needs:
    """Return what is asked of the source when nothing is stored."""
    needs = whole_history(universe(), asked.settings.yahoo.listed_holdings)
    return {HISTORIES: needs[HISTORIES]} if etf_prices else needs


def _show_plan(asked: Range, etf_prices: bool) -> None:
    """Print the requests to Yahoo itself. A market server may be asked as often as one likes."""
    if not asked.settings.yahoo.base_url:
        for line in plan_of_history(universe(), asked.settings.yahoo, _requests(asked, etf_prices)):
            say(line)


def _report_of(script: str, ended: spark_driver.Outcome, asked: Range) -> str:
    """Return what a job says of its work. RunFailed says that it broke or could publish nothing."""
    printed = [line for line in ended.lines if line.strip()]
    failure = failure_in(printed)
    summary = next(filter(None, map(_summary, reversed(printed))), None)
    if summary is None:
        last_words = failure.message if failure else [f"ended with code {ended.exit_code}", *printed][-1]
        raise RunFailed(f"{script}: {last_words.strip()}")
    told = f"{summary['rows']} rows of {summary['days']} days"
    if not ended.exit_code:
        return told
    why = failure.message if failure else f"ended with code {ended.exit_code}"
    asked.skipped.append(f"{script}: {why}")
    return f"{told}; {why}"


def _summary(line: str) -> dict[str, Any] | None:
    """Return a job's summary, or None for another line. Spark may log in JSON, too.

    >>> _summary('{"days": 1, "rows": 3}'), _summary("error: no price"), _summary('{"level": "WARN"}'), _summary("7")
    ({'days': 1, 'rows': 3}, None, None, None)
    """
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() >= SUMMARY_FIELDS else None


def steps(asked: Range, etf_prices: bool = False, judge: bool = False) -> list[Step]:
    """Return the steps in their order. Each job reads what the steps before it have stored.

    etf_prices: the first of them alone. judge: the lab's verdict, too.
    """
    has_rebalance = bool(last_sundays_between(asked.first, asked.last))
    needs = _requests(asked, etf_prices)
    prices = Step("ETF prices", collecting(_etf_prices), needs[HISTORIES])
    if etf_prices:
        return [prices]
    is_beside = _is_small(asked)  # a wide job takes all cores of the cluster
    return [
        prices,
        Step("ETF holdings", collecting(_etf_holdings), needs[LISTS]),
        Step("stock prices", collecting(_stock_prices), sum(needs.values()) - needs[HISTORIES] - needs[LISTS]),
        Step("trending ETFs", computing("spark_trending_etf_identifier.py")),
        Step("top holdings", computing("spark_etf_top_holdings.py", is_beside), is_beside=is_beside),
        *([Step("lab", judging, is_beside=is_beside)] if judge else []),
        Step("portfolios", computing("spark_active_stock_allocator.py")),
        *([Step("monthly portfolios", computing("spark_monthly_portfolio_rebalancer.py"))] if has_rebalance else []),
        Step("performance", computing("spark_portfolio_performance.py")),
        Step("sectors", computing("batch_monthly_sector_analyzer.py")),
    ]


def _etf_prices(asked: Range) -> Receipt:
    return kafka_producer_etf_daily.run(asked.settings, "all", asked.last, RUN_ID, accept_late=True, since=asked.first)


def _etf_holdings(asked: Range) -> Receipt:
    return kafka_producer_etf_holdings.run(asked.settings, "all", asked.last, RUN_ID)


def _stock_prices(asked: Range) -> Receipt:
    return kafka_producer_stock_daily.run(asked.settings, asked.last, (), RUN_ID, accept_late=True, since=asked.first)


def run(asked: Range, todo: list[Step], note: Callable[[int], None] = lambda _: None) -> None:
    """Run all steps and report each as it ends. An error leaves the rest undone. note: is told each step's number."""
    progress = Progress([step.work(asked) for step in todo])
    say(
        f"{asked.sessions} sessions from {asked.first} to {asked.last}; about {in_words(progress.seconds_left())} if "
        "nothing of them is stored. Interrupted, it goes on where it was: what is stored is not fetched again."
    )
    with progress, _beside() as beside:
        begun = []
        for number, step in enumerate(todo):
            if step.is_beside:
                begun.append((step, beside.submit(_take, step, asked)))
                continue
            progress.begin(number, step.name)
            note(number)
            _take(step, asked)
        for step, taken in begun:
            if not taken.done():
                progress.begin(len(todo), step.name)
            taken.result()


@contextmanager
def _beside() -> Iterator[ThreadPoolExecutor]:
    """Return what takes one step after another beside the others. An error leaves those undone that have not begun."""
    with ThreadPoolExecutor(1) as executor:
        try:
            yield executor
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


def _take(step: Step, asked: Range) -> None:
    began = time.monotonic()
    note = step.run(asked)
    done(step.name, time.monotonic() - began, note)


def conclude(asked: Range, seconds: float) -> int:
    """Report what is stored now, and return 1 when a job had to skip sessions."""
    with closing(connect(asked.settings.database)) as conn:
        counted = portfolios.count(conn, asked.first, asked.last)
    say(
        f"{counted['portfolios']} portfolios of {counted['sessions']} sessions, {counted['empty']} of them empty: "
        f"{in_words(seconds)}"
    )
    if counted["not_computable"]:
        say(
            f"[yellow]{counted['not_computable']} of them are not computable[/]: too little history is stored before "
            "their session. The record begins after them."
        )
    if counted["degraded"]:
        say(f"[yellow]{counted['degraded']} of them are degraded[/]: ./start.sh gaps lists what is not stored.")
    if counted["known_later"]:
        say(
            f"[yellow]{counted['known_later']} of them rest on holdings that were collected after their session[/] and "
            "say so (holdings_as_of): Yahoo gives a fund's holdings of today only."
        )
    for reason in asked.skipped:
        complain(reason)
    return 1 if asked.skipped else 0


def history(
    sessions: int | None, last: date | None, etf_prices: bool = False, judge: bool = False, unless_stored: bool = False
) -> int:
    """Make a history that ends at `last`, or at the source's last session.

    sessions: None for all that the calendar has
    judge: have the lab judge the rule on it
    unless_stored: not when every session has its portfolios
    An interruption or an error is one message.
    """
    began = time.monotonic()
    configure_logging(handler=logging.NullHandler())  # Progress shows what is worth it
    try:
        settings = Settings.from_env()
        last = last or last_session(settings.yahoo.base_url)
        asked = Range(settings, first_session(last, sessions), last)
        if unless_stored and _is_stored(asked):
            say(f"The {asked.sessions} sessions from {asked.first} to {last} are there already.")
            return 0
        todo = steps(asked, etf_prices, judge)
        _show_plan(asked, etf_prices)
        with noted(settings.database, asked.first, last, asked.sessions, len(todo)) as note:
            run(asked, todo, note)
        return 0 if etf_prices else conclude(asked, time.monotonic() - began)
    except (ActstockError, ConfigError) as error:
        complain(f"{error}\nWhat was stored stays: start it again, and it goes on from there.")
        return 1
    except KeyboardInterrupt:
        complain("interrupted. What was stored stays: start it again, and it goes on from there.")
        return 130


def first_session(last: date, sessions: int | None) -> date:
    """Return the first of so many sessions (None: of all), or raise InvalidInput where the calendar has fewer.

    The prices of the first session's windows have to be within the calendars.
    """
    earliest = next(day for day in sessions_of().days if _has_windows(day))
    most = len(sessions_between(earliest, last))
    if sessions is not None and sessions > most:
        raise InvalidInput(
            f"--sessions {sessions}: the calendar begins on {sessions_of().days[0]}, and a history on {earliest}, when "
            f"its longest return is known. Up to {last} these are {most} sessions, which --sessions all takes"
        )
    return earliest if sessions is None else session_before(last, sessions - 1)


def _has_windows(session: date) -> bool:
    try:
        return all(sessions_for_returns(etf, session, session) for etf in universe().etfs)
    except NotASession:
        return False


def _is_stored(asked: Range) -> bool:
    with closing(connect(asked.settings.database)) as conn:
        return int(portfolios.count(conn, asked.first, asked.last)["sessions"]) >= asked.sessions


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, help="default: all that the calendar has")
    parser.add_argument("--to", type=date.fromisoformat)
    parser.add_argument("--etf-prices", action="store_true")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--unless-stored", action="store_true")
    options = parser.parse_args(arguments)
    return history(options.sessions, options.to, options.etf_prices, options.judge, options.unless_stored)


if __name__ == "__main__":
    sys.exit(main())
