"""Logging, configured once a process, from main()."""

import logging
import sys
import time

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: int = logging.INFO, handler: logging.Handler | None = None) -> None:
    """Lines with a UTC time on standard error, or to a handler; standard output is left to results."""
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("kafka", "yfinance", "peewee", "urllib3", "py4j"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def log_progress(log: logging.Logger, number: int, total: int, what: str) -> None:
    """That one of several like things is done; the record's `progress` says so to a handler that shows it."""
    log.info("[%d/%d] %s", number, total, what, extra={"progress": (number, total)})
