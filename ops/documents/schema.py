"""The tables and views of database/schema.sql as text."""

from database.roles import ROLES
from database.schema_reader import TableText, schema
from ops.documents.dags import deleters, writers
from ops.documents.markdown import code

# By airflow/plugins/run_listener.py, which sees every DAG.
NOTED_BY_AIRFLOW = "logs_stage_run"


def tables() -> str:
    """Write one paragraph for each table or view."""
    return "\n\n".join(_paragraph(each) for each in schema().values())


def _paragraph(described: TableText) -> str:
    if not described.columns:
        return f"**`{described.name}`** · a view<br>\n{described.about}"
    columns = ", ".join(f"`{name}`" + (f" ({said})" if said else "") for name, said in described.columns.items())
    heading = f"**`{described.name}`** · key: {code(described.key)} · written by {_writers(described.name)}<br>\n"
    return heading + (f"{described.about}<br>\n" if described.about else "") + columns


def _writers(name: str) -> str:
    logins = (
        code(role.name for role in ROLES if name.startswith((*role.writes, *role.adds_to, *role.keeps))) or "the owner"
    )
    deleted = f"; old rows deleted in {code(deleters(name))}" if deleters(name) else ""
    if name == NOTED_BY_AIRFLOW:
        return f"{logins}, in every DAG{deleted}"
    return logins + (f", in {code(writers(name))}" if writers(name) else "") + deleted
