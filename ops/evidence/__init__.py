"""Evidence: check that nothing of it was changed, and show the heads to be kept elsewhere."""
