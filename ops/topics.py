"""Create the Kafka topics that are missing, before anybody reads them: `python -m ops.topics`."""

import sys

from config.config import ConfigError, Settings
from utils.errors import ActstockError
from utils.kafka_utils import create_topics


def main() -> int:
    try:
        created = create_topics(Settings.from_env().kafka)
    except (ActstockError, ConfigError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"topics created: {', '.join(created) or 'none, all are there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
