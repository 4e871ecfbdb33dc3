"""The front door of the platform, and a folder for each thing that it does."""
