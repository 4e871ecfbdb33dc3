"""Look at the running dashboard: a headless browser, the list of views, and their pictures."""
