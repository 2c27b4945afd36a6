"""The same saver, opened with `async with`."""

from workflows.storage.file.saver import AsyncSqliteSaver

__all__ = ["AsyncSqliteSaver"]
