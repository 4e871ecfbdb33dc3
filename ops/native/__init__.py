"""Install what the platform needs on one machine without containers, then start, watch and stop its services."""
