"""Settings, the universe and the exchanges. The version of the whole platform stands here, and nowhere else."""

__version__ = "0.1.0"
