"""`NodeBuilder`: a node that subscribes to channels, in the words of LangGraph's (R1.49, R1.50)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

from workflows.engine.drivers.timeouts import checked_policy
from workflows.engine.entries import (
    ChannelWriteEntry,
    ChannelWriteTupleEntry,
    Entry,
)
from workflows.engine.foreign import side_by_side
from workflows.engine.inject import is_generator_function, is_runnable
from workflows.engine.kinds import check_text, refused
from workflows.engine.policies import checked_cache, checked_retry
from workflows.engine.types import CachePolicy, RetryPolicy, Send, TimeoutPolicy


class PregelNode(Struct, eq=False, frozen=True):
    """What `NodeBuilder.build` makes; `channels` is one channel, read as its value, or several, read as a dict."""

    channels: str | list[str]
    triggers: list[str]
    parts: tuple[Any, ...] = ()
    entries: tuple[Entry | Send, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = {}
    retry_policy: tuple[RetryPolicy, ...] = ()
    cache_policy: CachePolicy | None = None
    timeout: TimeoutPolicy | None = None


class NodeBuilder:
    """Says of a node to which channels it subscribes, what it does and where it writes; every method returns the builder."""

    def __init__(self) -> None:
        self._channels: str | list[str] = []
        self._triggers: list[str] = []
        self._parts: list[Any] = []
        self._entries: list[Entry | Send] = []
        self._tags: list[str] = []
        self._metadata: dict[str, Any] = {}
        self._retry: list[RetryPolicy] = []
        self._cache: CachePolicy | None = None
        self._timeout: TimeoutPolicy | None = None

    def subscribe_only(self, channel: str) -> Self:
        """Run when this channel is written to, with its value as input.

        Raises ValueError where there are other channels.
        """
        check_text(channel, "subscribe_only", "channel", "a channel's name")
        if self._channels:
            raise ValueError(
                f"subscribe_only({channel!r}): the node reads {self._channels!r} already; "
                "use subscribe_to for several channels"
            )
        self._channels = channel
        self._triggers.append(channel)
        return self

    def subscribe_to(self, *channels: str, read: bool = True) -> Self:
        """Run when one of these channels is written to; with `read` they are part of the input, a dict by channel.

        Raises ValueError after `subscribe_only`.
        """
        where = "subscribe_to"
        mine = self._several(channels, where)
        if read:
            mine.extend(channels)
        self._triggers.extend(channels)
        return self

    def read_from(self, *channels: str) -> Self:
        """Read these channels too, without running when they are written to.

        Raises ValueError after `subscribe_only`.
        """
        self._several(channels, "read_from").extend(channels)
        return self

    def _several(self, channels: tuple[str, ...], where: str) -> list[str]:
        for channel in channels:
            check_text(channel, where, "a channel", "a channel's name")
        if isinstance(self._channels, str):
            raise ValueError(
                f"{where}{channels!r}: the node reads the one channel {self._channels!r}, "
                "whose value is its input; use subscribe_to for that one, too"
            )
        return self._channels

    def do(self, node: Any) -> Self:
        """Call this with the input, or with what was done before it returned: a function, a graph, a Runnable.

        Raises TypeError for what cannot be called.
        """
        if isinstance(node, Mapping):
            node = side_by_side(node, "do")
        if not callable(node) and not is_runnable(node):
            wanted = "a function, a compiled graph or a Runnable"
            raise refused("do", "node", node, wanted)
        if is_generator_function(node):
            raise TypeError(
                f"do({node!r}) is a generator function; return a value instead, and stream "
                "with get_stream_writer()"
            )
        self._parts.append(node)
        return self

    def write_to(self, /, *channels: str | Entry | Send, **kwargs: Any) -> Self:
        """Write what was returned to these channels; by keyword, what a function makes of it, or a value.

        None is written too, but by an entry with `skip_none`.
        """
        for channel in channels:
            if isinstance(channel, str):
                self._entries.append(ChannelWriteEntry(channel))
            elif isinstance(channel, ChannelWriteEntry | ChannelWriteTupleEntry | Send):
                self._entries.append(channel)
            else:
                wanted = "a channel's name, or a ChannelWriteEntry"
                raise refused("write_to", "a channel", channel, wanted)
        for name, value in kwargs.items():
            self._entries.append(
                ChannelWriteEntry(name, mapper=value)
                if callable(value)
                else ChannelWriteEntry(name, value)
            )
        return self

    def meta(self, /, *tags: str, **metadata: Any) -> Self:
        """Add tags and metadata, which the node's functions find in their config."""
        for tag in tags:
            check_text(tag, "meta", "a tag", "a text")
        self._tags.extend(tags)
        self._metadata.update(metadata)
        return self

    def add_retry_policies(self, *policies: RetryPolicy) -> Self:
        """Try again by the first of these that fits the error (R1.33)."""
        self._retry.extend(checked_retry(policies, "add_retry_policies") or ())
        return self

    def add_cache_policy(self, policy: CachePolicy) -> Self:
        """Reuse the result for the same input (R1.38)."""
        self._cache = checked_cache(policy, "add_cache_policy")
        return self

    def set_timeout(self, timeout: Any) -> Self:
        """Limit each attempt, in seconds, as a timedelta or a TimeoutPolicy; for coroutine functions (R1.37)."""
        self._timeout = checked_policy(timeout, "set_timeout: timeout")
        return self

    def build(self) -> PregelNode:
        """The node as it is by now; later calls do not reach it."""
        channels = self._channels
        return PregelNode(
            channels=channels if isinstance(channels, str) else [*channels],
            triggers=[*self._triggers],
            parts=tuple(self._parts),
            entries=tuple(self._entries),
            tags=tuple(self._tags),
            metadata=dict(self._metadata),
            retry_policy=tuple(self._retry),
            cache_policy=self._cache,
            timeout=self._timeout,
        )
