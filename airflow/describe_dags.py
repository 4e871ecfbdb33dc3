"""Print what the DAG files declare, as JSON: `python airflow/describe_dags.py`, with Airflow's settings."""

import json
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def describe(dag: Any) -> dict[str, Any]:
    """Return what a DAG declares.

    on_schedule: its cron is used under the current PIPELINE_SCHEDULE
    pools: all but the default one
    """
    timetable = dag.timetable.serialize()
    return {
        "file": Path(dag.fileloc).name,
        "schedule": timetable["cron"],
        "on_schedule": timetable["on_schedule"],
        "paused": bool(dag.is_paused_upon_creation),
        "pools": sorted({task.pool for task in dag.tasks} - {"default_pool"}),
        "tags": sorted(dag.tags),
        "parameters": {name: dag.params.get_param(name).schema.get("title", "") for name in dag.params},
        "doc": dag.doc_md,
    }


def main() -> int:
    bag = DagBag(str(Path(__file__).with_name("dags")))
    for file, problem in bag.import_errors.items():
        print(f"error: {file}: {problem.strip().splitlines()[-1]}", file=sys.stderr)
    if bag.import_errors:
        return 1
    print(json.dumps({dag_id: describe(dag) for dag_id, dag in sorted(bag.dags.items())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
