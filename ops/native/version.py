"""Which version of the platform is in this folder: of a release, or of any commit between two."""

import hashlib
from functools import cache

from config import __version__
from ops.native.compose import COMPOSE_FILE
from utils.spark_driver import CODE, code_digest

FOLDERS = (*CODE, "airflow", "alerts", "api", "collector", "consumer", "dashboard", "lab", "market", "ops")
# The universe and the extra days are the user's.
KINDS = (".py", ".sql")


@cache
def version_here() -> str:
    """Return the release, and a digest of the code and the services of this folder."""
    digest = hashlib.sha256(COMPOSE_FILE.read_bytes())
    digest.update(code_digest(folders=FOLDERS, kinds=KINDS).encode())
    return f"{__version__} {digest.hexdigest()}"
