"""The fan-out: everyone gets everything, and a slow reader costs the others nothing."""

import pytest

from workflows.live.hub import BehindError, Hub, ThreadFrame


def frame(seq: int) -> ThreadFrame:
    return ThreadFrame(first=seq, last=seq, text=str(seq))


def last_of(heard: object) -> int:
    assert isinstance(heard, ThreadFrame)
    return heard.last


async def test_every_listener_gets_every_frame_in_order():
    hub = Hub()
    listeners = [hub.subscribe("thread:a") for _ in range(3)]

    for seq in (1, 2, 3):
        assert hub.publish("thread:a", frame(seq)) == 3

    for listener in listeners:
        assert [last_of(await listener.get()) for _ in range(3)] == [1, 2, 3]


async def test_a_listener_hears_only_its_topic():
    hub = Hub()
    listener = hub.subscribe("thread:a")

    hub.publish("thread:b", frame(1))
    hub.publish("thread:a", frame(7))

    assert last_of(await listener.get()) == 7


async def test_a_slow_reader_is_told_that_it_is_behind_and_the_others_get_all():
    hub = Hub()
    slow = hub.subscribe("thread:a", size=10)
    quick = hub.subscribe("thread:a", size=10)
    read = []

    for seq in range(1, 101):
        hub.publish("thread:a", frame(seq))
        read.append(last_of(await quick.get()))

    assert read == list(range(1, 101))
    assert not slow.waiting
    with pytest.raises(BehindError):
        await slow.get()


async def test_a_topic_without_listeners_is_forgotten():
    hub = Hub()
    listener = hub.subscribe("thread:a")

    hub.unsubscribe(listener)
    hub.unsubscribe(listener)

    assert hub.is_empty()
    assert not hub.has_listeners("thread:a")
    assert hub.publish("thread:a", frame(1)) == 0
