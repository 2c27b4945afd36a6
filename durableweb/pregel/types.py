"""Where older programs import from what is in `durableweb.types` (E.former)."""

from workflows.engine.spellings import moved

__getattr__ = moved(
    __name__,
    "durableweb.types",
    "All",
    "CachePolicy",
    "PregelTask",
    "RetryPolicy",
    "StateSnapshot",
    "StateUpdate",
    "StreamMode",
    "StreamWriter",
)
