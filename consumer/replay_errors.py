"""List rejected messages, or send them to their topics again after the cause was mended."""

import argparse
import json
import sys
from contextlib import closing

from config.config import Settings, Topic
from database.db_helper import Connection, Row, connect
from database.queries import errors
from utils.command_line import exit_code_of
from utils.kafka_utils import publisher
from utils.logging_utils import configure_logging
from utils.ranges import is_range


def replay(settings: Settings, conn: Connection, rejected: list[Row], accept: bool) -> int:
    """Send the messages again, and mark them when the broker has them. Return how many.

    accept: mark the bars in them as seen by a person and found true
    """
    values = {row["id"]: _accepted(row) if accept else row["raw_value"] or "" for row in rejected}
    with publisher(settings.kafka) as kafka:
        for row in rejected:
            kafka.send_raw(row["topic"], (row["message_key"] or "").encode() or None, values[row["id"]].encode())
        kafka.wait()
    if accept:
        errors.mark_accepted(conn, values)
    else:
        errors.mark_replayed(conn, list(values))
    return len(rejected)


def _accepted(row: Row) -> str:
    return json.dumps({**json.loads(row["raw_value"]), "is_accepted": True})


def describe(row: Row) -> str:
    """Describe a rejected message in one line."""
    address = f"{row['topic']}/{row['partition_id']}@{row['kafka_offset']}"
    return (
        f"no. {row['id']}  {row['received_at']:%Y-%m-%d %H:%M:%S}  {address}  {row['message_key']}: {row['error_msg']}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Without --replay or --accept the messages are only listed."
    )
    parser.add_argument("ids", nargs="*", type=int, metavar="NO", help="only these messages (default: all that wait)")
    parser.add_argument("--topic", choices=[topic.value for topic in Topic], help="only messages of this topic")
    parser.add_argument("--replay", action="store_true", help="send the messages again as they are")
    parser.add_argument(
        "--accept", action="store_true", help="send the bars again, marked as seen by a person and found true"
    )
    options = parser.parse_args(arguments)
    configure_logging()
    return exit_code_of(lambda: _list_and_replay(Settings.from_env(), options))


def _list_and_replay(settings: Settings, options: argparse.Namespace) -> None:
    with closing(connect(settings.database)) as conn:
        waiting = errors.waiting(conn, options.topic, options.ids)
        for row in waiting:
            print(describe(row))
        if not waiting:
            print("no rejected message waits")
        elif options.replay or options.accept:
            chosen = [row for row in waiting if options.replay or is_acceptable(row)]
            print(f"{replay(settings, conn, chosen, options.accept)} messages are back on their topics")
            if left := len(waiting) - len(chosen):
                print(f"{left} cannot be accepted, because they are not one bar's JSON object: they still wait")


def is_acceptable(row: Row) -> bool:
    """Tell whether a message can be marked as accepted: it has to be a JSON object, and not a whole range."""
    try:
        return isinstance(json.loads(row["raw_value"]), dict) and not is_range(row["raw_value"].encode())
    except (TypeError, ValueError, RecursionError):
        return False


if __name__ == "__main__":
    sys.exit(main())
