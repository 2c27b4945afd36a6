"""A saver over a SQLite file of its own, which needs neither Django nor a dashboard."""
