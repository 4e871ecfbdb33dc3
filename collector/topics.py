"""Create Kafka's users and the topics that are missing, before anybody reads them: `python -m collector.topics`."""

import os
import sys
from collections.abc import Sequence

from config.config import Settings
from utils.command_line import exit_code_of, require_no_arguments
from utils.kafka_roles import apply_roles
from utils.kafka_utils import create_topics


def main(arguments: Sequence[str] | None = None) -> int:
    require_no_arguments(__doc__, arguments)
    return exit_code_of(_create)


def _create() -> None:
    settings = Settings.from_env().kafka
    if settings.user:
        print(f"users: {', '.join(apply_roles(settings, os.environ))}")
    created = create_topics(settings)
    print(f"topics created: {', '.join(created) or 'none, all are there'}")


if __name__ == "__main__":
    sys.exit(main())
