"""The DAGs as Airflow reads them: when each runs, in which schedule mode, and what it takes."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

from config.config import PROJECT_ROOT
from ops.documents.markdown import code, table
from ops.errors import RunFailed

Dags = Mapping[str, Mapping[str, Any]]
AIRFLOW = PROJECT_ROOT / "airflow"
DAYS = {"1-5": "Mon–Fri", "L6": "last Saturday of the month", "L0": "last Sunday of the month"}


@cache
def described(mode: str) -> Dags:
    """Return what airflow/describe_dags.py says of each DAG under PIPELINE_SCHEDULE=mode, by DAG id."""
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ) | {
            "PIPELINE_SCHEDULE": mode,
            "PYTHONPATH": f"{PROJECT_ROOT}:{AIRFLOW / 'dags'}",
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(AIRFLOW / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(AIRFLOW / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        command = [sys.executable, str(AIRFLOW / "describe_dags.py")]
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise RunFailed("Airflow cannot read the DAG files: see above")
    dags: Dags = json.loads(run.stdout.splitlines()[-1])
    return dags


def schedules() -> str:
    """Write one line for each DAG, in the order of the day."""
    staggered, controller = described("staggered"), described("controller")
    in_order = sorted(staggered, key=lambda dag_id: _time_of_day(staggered[dag_id]["schedule"]))
    return table(
        ["DAG", "when (UTC)", "on in mode", "pools", "tags", "what it is about"],
        [
            [
                f"[`{dag_id}`](airflow/dags/{dag['file']})",
                f"{in_words(dag['schedule'])} `{dag['schedule']}`",
                _modes(dag, controller[dag_id]),
                ", ".join(dag["pools"]),
                ", ".join(dag["tags"]),
                title(dag["doc"]),
            ]
            for dag_id, dag in ((dag_id, staggered[dag_id]) for dag_id in in_order)
        ],
    )


def parameters() -> str:
    """Write one line for each parameter of a run."""
    dags = described("staggered")
    names = sorted({(name, said) for dag in dags.values() for name, said in dag["parameters"].items()})
    return table(
        ["parameter", "meaning", "DAGs"],
        [
            [f"`{name}`", said, code(dag_id for dag_id, dag in dags.items() if dag["parameters"].get(name) == said)]
            for name, said in names
        ],
    )


def writers(table_name: str) -> list[str]:
    """Return the DAGs that write the table."""
    return _naming(table_name, "Writes")


def deleters(table_name: str) -> list[str]:
    """Return the DAGs that only delete from the table."""
    return _naming(table_name, "Deletes from")


def _naming(table_name: str, verb: str) -> list[str]:
    """Return the DAGs of whose paragraph the part that begins with the verb names the table."""
    return [dag_id for dag_id, dag in described("staggered").items() if f"`{table_name}`" in said(dag["doc"], verb)]


def in_words(cron: str) -> str:
    """Write a cron expression in words.

    >>> in_words("30 21 * * 1-5"), in_words("0 14 * * L0")
    ('Mon–Fri 21:30', 'last Sunday of the month 14:00')
    """
    minute, hour, _, _, days = cron.split()
    return f"{DAYS[days]} {int(hour):02}:{int(minute):02}"


def title(doc: str) -> str:
    """Return the title of a DAG's documentation.

    >>> title("### Stage 3: which ETFs trend\\n\\nA Spark job ...")
    'Stage 3: which ETFs trend'
    """
    return doc.strip().splitlines()[0].removeprefix("### ")


def said(doc: str, verb: str) -> str:
    """Return what a DAG's documentation says behind a verb, up to the next one.

    >>> said("**Reads** `a`.\\n**Writes** `b`,\\n`c`.\\n\\nMore.", "Writes")
    ' `b`,\\n`c`.'
    """
    return re.split(r"\n\n|\n\*\*", doc.partition(f"**{verb}**")[2])[0]


def _modes(staggered: Mapping[str, Any], controller: Mapping[str, Any]) -> str:
    modes = [mode for mode, dag in (("staggered", staggered), ("controller", controller)) if dag["on_schedule"]]
    said = "both" if len(modes) > 1 else modes[0]
    return f"{said}; paused at first" if staggered["paused"] else said


def _time_of_day(cron: str) -> tuple[int, ...]:
    """Return a key that sorts by time of day, monthly DAGs after daily ones."""
    minute, hour, _, _, days = cron.split()
    return (days != "1-5", int(hour), int(minute))
