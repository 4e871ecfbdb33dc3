"""Logging, configured once a process, from main()."""

import logging
import sys
import time

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: int = logging.INFO) -> None:
    """Lines with a UTC time on standard error; standard output is left to results."""
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("kafka", "yfinance", "peewee", "urllib3", "py4j"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
