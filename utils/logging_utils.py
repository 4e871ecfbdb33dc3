"""Logging, configured once in each process, by main()."""

import logging
import sys
import time

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: int = logging.INFO, handler: logging.Handler | None = None) -> None:
    """Log lines with a UTC time to standard error, or to a handler. Standard output is for results."""
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("kafka", "yfinance", "peewee", "urllib3", "py4j"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def log_progress(log: logging.Logger, number: int, total: int, what: str) -> None:
    """Log that one of several like things is done. The record's `progress` is for handlers that draw a bar."""
    log.info("[%d/%d] %s", number, total, what, extra={"progress": (number, total)})
