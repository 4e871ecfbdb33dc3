"""Is what the platform stands on there? Each dependency is asked at once, with a time limit."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Literal
from urllib.parse import urlsplit

from api.pool import ReaderPool
from config.config import Settings
from contract.service import Dependency, Health, LatestPublication
from database.queries import publications
from utils.errors import ActstockError

TIMEOUT_SECONDS = 2.0
DependencyName = Literal["database", "kafka", "spark-master"]


async def check(settings: Settings, pool: ReaderPool) -> Health:
    published: list[LatestPublication] = []

    async def database() -> None:
        published.extend(await asyncio.to_thread(pool.read, publications.latest))

    kafka_host, kafka_port = _first_broker(settings.kafka.bootstrap_servers)
    master = urlsplit(settings.spark.master_url)
    dependencies = await asyncio.gather(
        _ask("database", database()),
        _ask("kafka", _connect(kafka_host, kafka_port)),
        _ask("spark-master", _connect(master.hostname or "", master.port or 7077)),
    )
    return Health(
        status="ok" if all(each.status == "ok" for each in dependencies) else "degraded",
        dependencies=list(dependencies),
        publications=published,
    )


async def _ask(name: DependencyName, question: Awaitable[None]) -> Dependency:
    started = time.perf_counter()
    trouble: str | None = None
    try:
        await asyncio.wait_for(question, TIMEOUT_SECONDS)
    except TimeoutError:
        trouble = f"no answer within {TIMEOUT_SECONDS:g} s"
    except (OSError, ActstockError) as error:
        trouble = str(error)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return Dependency(name=name, status="away" if trouble else "ok", latency_ms=milliseconds, detail=trouble)


async def _connect(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()


def _first_broker(bootstrap_servers: str) -> tuple[str, int]:
    host, _, port = bootstrap_servers.split(",")[0].strip().rpartition(":")
    return host, int(port)
