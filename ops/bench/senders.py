"""The two forms in which the same bars go onto a topic: a message for each, and ranges as the collector sends them."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from config.config import KafkaSettings
from ops.bench.bars import answers
from utils.kafka_utils import publisher
from utils.messages import EtfDailyBar, to_json
from utils.ranges import packed

# So many tickers are made up while the clock stands still, and sent while it runs.
ANSWERS_AT_ONCE = 40

Form = Callable[[Iterable[EtfDailyBar]], Iterable[tuple[bytes, bytes]]]


def single_bars(bars: Iterable[EtfDailyBar]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and the value of a message for each bar."""
    for bar in bars:
        yield bar.key.encode(), to_json(bar)


FORMS: dict[str, Form] = {"single bars": single_bars, "ranges": packed}


@dataclass(frozen=True)
class Sent:
    """What a producer did: rows a second until the last one was acknowledged, its microseconds of CPU a row."""

    rows_a_second: float
    cpu: float
    messages: int


def send(kafka: KafkaSettings, topic: str, form: str, rows: int) -> Sent:
    """Send that many bars, a ticker's after another's. What makes them up does not count."""
    seconds = cpu = 0.0
    with publisher(kafka) as publishing:
        for portion in _portions(rows):
            began, worked = time.monotonic(), time.process_time()
            for bars in portion:
                for key, value in FORMS[form](bars):
                    publishing.send_raw(topic, key, value)
            ends = publishing.wait()
            seconds += time.monotonic() - began
            cpu += time.process_time() - worked
    return Sent(rows / seconds, 1e6 * cpu / rows, sum(ends[topic].values()))


def _portions(rows: int) -> Iterator[list[list[EtfDailyBar]]]:
    portion: list[list[EtfDailyBar]] = []
    for bars in answers(rows):
        portion.append(bars)
        if len(portion) == ANSWERS_AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion
