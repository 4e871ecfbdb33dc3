"""`alert`: say what is open, or send a test message through the channels."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from alerts import heartbeat, journal, texts
from alerts.channels import Message, scheme_of, send
from alerts.messages import line
from config.config import AlertSettings, Settings
from dashboard.texts import Language
from utils.command_line import exit_code_of


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./start.sh alert", description=__doc__)
    parser.add_argument("--test", action="store_true", help="send a test message")
    options = parser.parse_args(arguments)
    return exit_code_of(_send_test if options.test else _show)


def state_of(folder: Path) -> str:
    """Say in one line how the watcher of a folder is."""
    beat = heartbeat.read(folder)
    if beat is None:
        return "the watcher has not had a round yet"
    word = "alive" if heartbeat.is_alive(folder, time.time()) else "DEAD"
    trouble = f"; not sent through {beat.trouble}" if beat.trouble else ""
    return f"{beat.open} open (./start.sh alert), watcher {word}, last round {beat.at:%Y-%m-%d %H:%M:%S} UTC{trouble}"


def _show() -> None:
    alerts = Settings.from_env().alerts
    print(state_of(alerts.folder))
    print(f"sent through {_channels(alerts)}")
    told = journal.read(alerts.folder / journal.FILE)
    for entry in told.open():
        print(f"  {entry.since:%Y-%m-%d %H:%M} UTC  {line(entry.incident, alerts.language)}")
    if told.outbox.letters:
        print("not taken by every channel:")
    for letter in told.outbox.letters:
        print(f"  {letter.at:%Y-%m-%d %H:%M} UTC  {letter.words(alerts.language).subject}")


def _channels(alerts: AlertSettings) -> str:
    return ", ".join(map(scheme_of, alerts.urls)) or "nothing: ALERT_URLS is not set"


def _send_test() -> None:
    alerts = Settings.from_env().alerts
    language = cast(Language, alerts.language)
    taken = send(alerts.urls, Message(texts.TEST.in_(language), texts.TEST_TEXT.in_(language)))
    print(f"A test message was sent through {', '.join(taken)}: look whether it has arrived")


if __name__ == "__main__":
    sys.exit(main())
