"""Topics and groups of a test's own on the broker that KAFKA_* names: the running platform's stay untouched."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from config.config import KafkaSettings, Settings
from utils.errors import BrokerUnavailable
from utils.kafka_utils import create_topics, delete_topics


@contextmanager
def own_topics() -> Iterator[KafkaSettings]:
    """Yield the broker with topics of the caller's own, and delete them afterwards."""
    settings = replace(Settings.from_env().kafka, prefix=f"test-{uuid.uuid4().hex[:8]}-")
    try:
        create_topics(settings)
    except BrokerUnavailable as error:
        pytest.skip(str(error))
    yield settings
    delete_topics(settings, settings.prefix)
