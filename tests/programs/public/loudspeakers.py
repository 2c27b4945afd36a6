"""The runtime itself: nodes that listen to channels and speak into others, and one that hears itself."""

from durableweb.channels import (
    BinaryOperatorAggregate,
    EphemeralValue,
    LastValue,
    Topic,
)
from durableweb.pregel import NodeBuilder, Pregel
from durableweb.pregel._write import ChannelWriteEntry
from durableweb.types import Command, interrupt


def in_line(said: str | None, more: str) -> str:
    return f"{said}, {more}" if said else str(more)


def announced(text: str) -> str:
    return f"Attention: {text}"


hall = NodeBuilder().subscribe_only("desk").do(announced).write_to("hall", "heard")
platform = (
    NodeBuilder()
    .subscribe_to("hall")
    .read_from("track")
    .do(lambda found: f"{found['hall']} (track {found['track']})")
    .write_to("heard", last=len)
)
checked = (
    NodeBuilder()
    .subscribe_only("last")
    .do(lambda length: [length, interrupt("Was it heard?")])
    .write_to("answer")
    .meta("by hand", desk="B")
)
station = {
    "nodes": {"hall": hall, "platform": platform, "checked": checked},
    "channels": {
        "desk": EphemeralValue(str),
        "track": LastValue(int),
        "hall": LastValue(str),
        "heard": Topic(str, accumulate=True),
        "last": LastValue(int),
        "answer": LastValue(list),
    },
    "input_channels": ["desk", "track"],
    "output_channels": ["heard", "answer"],
}
again = (
    NodeBuilder()
    .subscribe_only("echo")
    .do(lambda word: word[1:] or None)
    .write_to(ChannelWriteEntry("echo", skip_none=True), "walls")
)


def story(saver):
    graph = Pregel(**station, checkpointer=saver)
    config = {"configurable": {"thread_id": "morning"}}
    asked = graph.invoke({"desk": "the 8:15", "track": 4}, config)
    paused = graph.get_state(config)
    given = list(graph.stream(Command(resume="yes"), config, stream_mode="updates"))
    valley = Pregel(
        nodes={"again": again},
        channels={
            "echo": EphemeralValue(str),
            "walls": BinaryOperatorAggregate(str, in_line),
        },
        input_channels="echo",
        output_channels=["echo", "walls"],
    )
    history = graph.get_state_history(config)
    return [
        asked["heard"],
        [paused.next, paused.values["last"]],
        given,
        [[found.metadata["step"], found.next] for found in history],
        valley.invoke("hello"),
        list(valley.stream("hi", stream_mode="updates")),
    ]
