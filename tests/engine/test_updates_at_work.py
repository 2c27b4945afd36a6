"""Updates that a run takes between two of its steps (RB.16)."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    UpdateFailed,
    UpdateRefused,
    UpdateTimeout,
)
from tests.engine.support.limits import (
    BOTH_SAVERS,
    CONFIG,
    State,
    limited,
    works,
)
from workflows.engine.sending import _Waiting

pytestmark = pytest.mark.rule("RB.16")


class Speechless:
    """Says nothing of itself."""

    def __str__(self) -> str:
        raise OSError("no text")


class Gate:
    """A node that is at work until it is let go on."""

    def __init__(self) -> None:
        self.is_inside = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, state: State) -> Any:
        self.is_inside.set()
        assert self.go_on.wait(20)
        return {"log": ["gate"]}


class AtWork:
    """A run in a thread of its own, which stands in its first node."""

    def __init__(self, saver: Any, driver: str, **more: Any) -> None:
        self.gate = Gate()
        self.graph = limited(gate=self.gate, works=works).compile(saver)
        self.out: Any = None

        def run() -> None:
            if driver == "async":
                out = asyncio.run(self.graph.ainvoke({"limit": 5}, CONFIG, **more))
            else:
                out = self.graph.invoke({"limit": 5}, CONFIG, **more)
            self.out = out

        self.thread = threading.Thread(target=run)
        self.thread.start()
        assert self.gate.is_inside.wait(20)

    def send(self, name: str = "set_limit", **args: Any) -> tuple[list[Any], Any]:
        """Send one from a thread of its own; what it is told will stand in the list."""
        told: list[Any] = []

        def send() -> None:
            try:
                told.append(self.graph.send_update(CONFIG, name, args, timeout=20))
            except Exception as error:  # noqa: BLE001 - the test looks at it
                told.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        return told, sender

    def wait_for(self, count: int) -> None:
        """Until so many lie in the mailbox."""
        until = threading.Event()
        for _ in range(2000):
            if len(self.graph.checkpointer.waiting_updates("t")) >= count:
                return
            until.wait(0.005)
        raise AssertionError("nothing was sent")

    def end(self, *senders: Any) -> Any:
        self.gate.go_on.set()
        for each in (self.thread, *senders):
            each.join(20)
        return self.out


@pytest.mark.parametrize("driver", ["blocking", "async"])
class TestWhileARunIsAtWork:
    @BOTH_SAVERS
    def test_it_is_taken_between_two_steps(self, driver: str, saver: Any) -> None:
        run = AtWork(saver(), driver)
        told, sender = run.send(limit=9)
        run.wait_for(1)

        out = run.end(sender)

        assert told == [{"was": 5, "why": ""}]
        assert out == {"limit": 9, "log": ["gate", "works to 9"]}

    def test_two_are_taken_in_their_order_and_both_answered(self, driver: str) -> None:
        run = AtWork(InMemorySaver(), driver)
        first, one = run.send(limit=9)
        run.wait_for(1)
        second, two = run.send(limit=8)
        run.wait_for(2)

        out = run.end(one, two)

        assert [first, second] == [[{"was": 5, "why": ""}], [{"was": 9, "why": ""}]]
        assert out["limit"] == 8

    def test_where_nothing_is_kept_a_key_is_none(self, driver: str) -> None:
        run = AtWork(InMemorySaver(), driver)
        send = partial(
            run.graph.send_update,
            CONFIG,
            "set_limit",
            {"limit": 9},
            idempotency_key="k",
        )
        with ThreadPoolExecutor(2) as pool:
            told = [pool.submit(send), pool.submit(send)]
            run.wait_for(2)
            run.end()

        was = [each.result(20)["was"] for each in told]
        assert sorted(was) == [5, 9]

    def test_what_is_refused_or_fails_there_ends_no_run(self, driver: str) -> None:
        run = AtWork(InMemorySaver(), driver)
        refused, one = run.send(limit=0)
        failed, two = run.send("break", what="object")
        run.wait_for(2)

        out = run.end(one, two)

        assert isinstance(refused[0], UpdateRefused)
        assert isinstance(failed[0], UpdateFailed)
        assert out == {"limit": 5, "log": ["gate", "works to 5"]}

    @pytest.mark.parametrize("what", [{"no": "text"}, Speechless()])
    def test_what_is_refused_without_a_text_ends_no_run(
        self, driver: str, what: Any
    ) -> None:
        run = AtWork(InMemorySaver(), driver)
        told, sender = run.send("refuse", what=what)
        run.wait_for(1)

        assert run.end(sender)["log"] == ["gate", "works to 5"]
        assert isinstance(told[0], UpdateRefused)
        assert isinstance(told[0].reason, str)

    def test_after_its_time_it_is_taken_back_and_never_carried_out(
        self, driver: str
    ) -> None:
        run = AtWork(InMemorySaver(), driver)

        with pytest.raises(UpdateTimeout, match=r"not taken in 0\.01 seconds"):
            run.graph.send_update(CONFIG, "set_limit", {"limit": 9}, timeout=0.01)

        assert run.end()["limit"] == 5

    @BOTH_SAVERS
    def test_one_that_is_being_saved_when_its_time_is_over_is_waited_for(
        self, driver: str, saver: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = saver()
        run = AtWork(kept, driver)
        is_held = threading.Event()
        gives_up = threading.Event()
        hold, withdraw = kept.hold_update, kept.withdraw_update

        def held(*given: Any) -> None:
            hold(*given)
            is_held.set()
            assert gives_up.wait(20)

        def withdrawn(*given: Any) -> bool:
            found = withdraw(*given)
            gives_up.set()
            return bool(found)

        kept.hold_update, kept.withdraw_update = held, withdrawn
        monkeypatch.setattr(_Waiting, "is_over", lambda _: is_held.is_set())
        told, sender = run.send(limit=9)
        run.wait_for(1)

        assert run.end(sender)["limit"] == 9
        assert told == [{"was": 5, "why": ""}]

    def test_with_durability_exit_it_waits_for_the_end(self, driver: str) -> None:
        run = AtWork(InMemorySaver(), driver, durability="exit")
        told, sender = run.send(limit=9)
        run.wait_for(1)

        out = run.end(sender)

        assert out["limit"] == 5
        assert "has ended" in str(told[0])


class TestStreams:
    def test_a_reader_sees_the_new_values(self) -> None:
        graph = limited(one=works, two=works).compile(InMemorySaver())
        seen: list[Any] = []
        stream = graph.stream({"limit": 5}, CONFIG, stream_mode="values")
        seen.append(next(stream))
        told: list[Any] = []

        def send() -> None:
            told.append(
                graph.send_update(CONFIG, "set_limit", {"limit": 9}, timeout=20)
            )

        sender = threading.Thread(target=send)
        sender.start()
        while not graph.checkpointer.waiting_updates("t"):
            pass
        seen += stream
        sender.join(20)

        assert told == [{"was": 5, "why": ""}]
        assert [each["limit"] for each in seen] == [5, 5, 9, 9]
