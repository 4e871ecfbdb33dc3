"""`alert`: send a message through the channels, to see whether it arrives."""

import argparse
import sys
from collections.abc import Sequence

from alerts.channels import Message, send
from config.config import Settings
from utils.command_line import exit_code_of

TEST = Message(
    "ActStock: a test",
    "This is the test that ./start.sh alert --test sends. Whoever reads it is told when something goes wrong.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./start.sh alert", description=__doc__)
    parser.add_argument("--test", action="store_true", required=True, help="send a test message")
    parser.parse_args(arguments)
    return exit_code_of(_send_test)


def _send_test() -> None:
    taken = send(Settings.from_env().alerts.urls, TEST)
    print(f"A test message was sent through {', '.join(taken)}: look whether it has arrived")


if __name__ == "__main__":
    sys.exit(main())
