"""Where programs import from what a node writes by; it is public in `durableweb.pregel`, too."""

from workflows.engine.entries import (
    PASSTHROUGH,
    SKIP_WRITE,
    ChannelWriteEntry,
    ChannelWriteTupleEntry,
)

__all__ = ["PASSTHROUGH", "SKIP_WRITE", "ChannelWriteEntry", "ChannelWriteTupleEntry"]
