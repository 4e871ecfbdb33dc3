"""The product's API with an empty route beside its own: `uvicorn --factory ops.bench.api_server:create`."""

from api.main import Api, create_app
from config.config import Settings

EMPTY_PATH = "/empty"


def create() -> Api:
    app = create_app(Settings.from_env())

    # No response model: the least that FastAPI can do for an answer.
    @app.get(EMPTY_PATH, response_model=None)
    async def empty() -> dict[str, str]:
        return {}

    return app
