"""A saver over a SQLite file of its own, for programs outside the dashboard."""

from workflows.storage.file.saver import SqliteSaver

__all__ = ["SqliteSaver"]
