"""Rejected messages: list them, or put them back on their topic after what was wrong has been put right."""

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


def replay(settings: Settings, conn: Connection, rejected: list[Row], accept: bool) -> int:
    """Send the messages again and mark them once the broker has them; with `accept`, as looked at and found true."""
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
    address = f"{row['topic']}/{row['partition_id']}@{row['kafka_offset']}"
    return (
        f"no. {row['id']}  {row['received_at']:%Y-%m-%d %H:%M:%S}  {address}  {row['message_key']}: {row['error_msg']}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="Without --replay or --accept it only lists.")
    parser.add_argument("ids", nargs="*", type=int, metavar="NO", help="only these (default: all that wait)")
    parser.add_argument("--topic", choices=[topic.value for topic in Topic], help="only those of one topic")
    parser.add_argument("--replay", action="store_true", help="send them again as they are")
    parser.add_argument("--accept", action="store_true", help="send them again, as looked at and found true")
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
                print(f"{left} are no JSON objects, so there is nothing in them to accept: they wait on")


def is_acceptable(row: Row) -> bool:
    """Tell whether a message can be marked as looked at; one that is no JSON object cannot."""
    try:
        return isinstance(json.loads(row["raw_value"]), dict)
    except (TypeError, ValueError, RecursionError):
        return False


if __name__ == "__main__":
    sys.exit(main())
