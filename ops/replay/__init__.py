"""`./start.sh replay`: past sessions once more, each knowing only what was known on its evening."""
