"""The logins of the database: what each may do, and which services have it."""

from collections.abc import Sequence

from database.roles import OWNED, ROLES, STAGING, Role
from ops.documents.markdown import code, table
from ops.native import compose


def logins() -> str:
    """Write one line for each login, and one for the owner."""
    rows = [[f"`{role.name}`", _reads(role), _writes(role), _adds(role), code(services_of(role))] for role in ROLES]
    owner = ["the owner", "all", "all", "", "`schema` at each start; backups; the triggers that keep versions"]
    return table(
        ["login", "reads", "adds, changes and deletes rows of", "only adds rows to", "used by"], [*rows, owner]
    )


def services_of(role: Role) -> list[str]:
    """Return the services that log in to the platform's database by this login."""
    return [
        name
        for name, service in compose.services().items()
        if role.name in (service.get("environment", {}).get("DB_USER"), service.get("environment", {}).get(SPARKS_OWN))
    ]


# Airflow's tasks collect, and hand this one to the jobs that they submit.
SPARKS_OWN = "DB_SPARK_USER"


def _reads(role: Role) -> str:
    return "all" if role.keeps else f"all but `{OWNED}*`"


def _writes(role: Role) -> str:
    own = f"; tables of its own in the schema `{STAGING}`" if role.stages else ""
    return _patterns((*role.writes, *role.keeps)) + own


def _adds(role: Role) -> str:
    return code(role.adds_to)


def _patterns(prefixes: Sequence[str]) -> str:
    return code(f"{prefix}*" for prefix in prefixes)
