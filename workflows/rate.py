"""How often something may be done, as a setting says it: `600/m`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

WANTED = "a number and one of s, m, h, d, such as 600/m, or empty for no limit"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"([1-9][0-9]{0,8})/([smhd])")


@dataclass(frozen=True)
class Rate:
    """So many times in so many seconds."""

    count: int
    seconds: int


@lru_cache(maxsize=8)
def read_rate(text: str) -> Rate | None:
    """The rate that `text` says, None for an empty one; raises ValueError with what is wanted."""
    if text == "":
        return None
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(WANTED)
    return Rate(int(found[1]), _SECONDS[found[2]])
