"""Where the files of test databases lie: in memory where there is enough of it."""

import os
import shutil
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
# A container has 64 MiB of it by default, which a few copies of a database fill.
ENOUGH_BYTES = 2 * 1024**3


def place_for_databases() -> str | None:
    """A folder in memory, where a commit waits for no disk; None is the system's choice."""
    if not (IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)):
        return None
    has_enough = shutil.disk_usage(IN_MEMORY).free >= ENOUGH_BYTES
    return str(IN_MEMORY) if has_enough else None
