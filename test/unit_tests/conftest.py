"""The unit tests' universe: the ETFs that the platform began with, whatever config/universe.toml has now."""

import os

from config.config import PROJECT_ROOT

# Not by a fixture: modules read the universe when they are imported.
os.environ["UNIVERSE_FILE"] = str(PROJECT_ROOT / "test" / "helpers" / "seed_universe.toml")
