"""Create the Kafka topics that are missing, before anybody reads them: `python -m collector.topics`."""

import sys

from config.config import Settings
from utils.command_line import exit_code_of
from utils.kafka_utils import create_topics


def main() -> int:
    return exit_code_of(_create)


def _create() -> None:
    created = create_topics(Settings.from_env().kafka)
    print(f"topics created: {', '.join(created) or 'none, all are there'}")


if __name__ == "__main__":
    sys.exit(main())
