"""Backup and restore of the whole platform, and the old things that are cleared away."""
