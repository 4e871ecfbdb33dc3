"""A platform of a few invented days that a backup can be made of, without Kafka."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from config.config import DatabaseSettings, KafkaSettings
from database.db_helper import connect, transaction
from database.queries import owned
from ops.backup.places import Place
from ops.bench.made_evidence import fill
from ops.native.compose import secret_sizes
from ops.native.stack import DataSource
from scratch_databases import a_database

LAST = date(2026, 8, 21)
SECRETS = {name: f"made-up-{name.lower()}" for name in secret_sizes()}


@contextmanager
def a_place(
    platform: DatabaseSettings, folder: Path, *, sizes: dict[str, int], universe: str, settings: str, airflow: list[str]
) -> Iterator[Place]:
    """Yield the place. sizes: of what is invented; airflow: the statements that fill Airflow's database."""
    with closing(connect(platform)) as conn:
        fill(conn, platform, last=LAST, **sizes)
        owned.keep(conn, "NVDA:12.5,005930.KS:10:KRW", 10_000.0)
    files = {name: folder / file for name, file in (("universe.toml", "universe.toml"), ("universe.csv", "mine.csv"))}
    files["universe.toml"].write_text(universe)
    files["universe.csv"].write_text("ticker,name\n")
    with a_database() as beside:
        with closing(connect(beside)) as conn, transaction(conn), conn.cursor() as cursor:
            for statement in airflow:
                cursor.execute(statement)
        yield Place(
            platform=platform,
            airflow=beside,
            kafka=KafkaSettings("127.0.0.1:1", 1, 1),
            market=DataSource("simulated", seed=7),
            secrets=SECRETS,
            settings=settings,
            files=files,
        )
