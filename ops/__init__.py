"""Runs the platform on one machine without containers: install, start, watch, stop, test."""
