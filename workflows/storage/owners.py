"""Who holds a lease: host, process and its start time, so a reused pid is not mistaken."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


def _start_time(pid: int) -> str:
    """The start of process `pid` in the kernel's own ticks; "" where that is not told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
    except OSError:
        return ""
    # The second field is the command in brackets and may hold spaces.
    return stat.rpartition(")")[2].split()[19]


def process_owner() -> str:
    """This process as the owner of leases."""
    return _owner(os.getpid())


@lru_cache(maxsize=4)
def _owner(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_start_time(pid)}"


def is_dead(owner: str) -> bool:
    """Whether `owner` is a process of this host that is gone. False when in doubt."""
    host, _, rest = owner.partition("#")[0].rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdigit():
        return False
    pid = int(rest)
    started = owner.partition("#")[0].rpartition(":")[2]
    if started:
        return _start_time(pid) != started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
