"""Section 9: whole messages in the mode `messages`: what is shown, under which name, and once."""

from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langchain_core.language_models.fake_chat_models import (
    FakeMessagesListChatModel,
    GenericFakeChatModel,
)
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
)
from langchain_core.runnables import RunnableLambda

from tests.conformance.corpus import program


class Said(TypedDict, total=False):
    one: Any
    other: Any
    many: list


class Narrow(TypedDict, total=False):
    other: Any


def chain(api, run, schema, *nodes, **options):
    """Nodes n0, n1, ... one after the other."""
    built = api.StateGraph(schema)
    before = api.START
    for number, node in enumerate(nodes):
        built.add_node(f"n{number}", node)
        built.add_edge(before, f"n{number}")
        before = f"n{number}"
    return built.compile(checkpointer=run.saver, **options)


def told(run, graph, given, thread="t", **options):
    """Id, content and node of each message."""
    chunks = run.stream(graph, given, run.config(thread), **MESSAGES, **options)
    if options.get("subgraphs"):
        chunks = [chunk for _, chunk in chunks]
    return [[m.id, m.content, about["langgraph_node"]] for m, about in chunks]


MESSAGES = {"stream_mode": "messages"}


@program("R9.3", "R2.18")
def a_message_that_was_removed_and_comes_back_is_not_shown_again(api, run):
    say, remove = api.AIMessage, api.RemoveMessage
    g = chain(
        api,
        run,
        api.MessagesState,
        lambda s: {"messages": [say(content="one", id="1")]},
        lambda s: {"messages": [remove(id="1")]},
        lambda s: {"messages": [say(content="again", id="1")]},
    )
    return [told(run, g, {"messages": []}), told(run, g, {"messages": []})]


@program("R9.3", "R1.8")
def what_a_node_was_given_is_known_for_the_rest_of_the_call(api, run):
    def narrow(state: Narrow):
        return {"one": api.AIMessage(content="u", id="1")}

    given = {"one": api.AIMessage(content="u", id="1")}
    reads = chain(api, run, Said, lambda s: {"one": 3}, narrow)
    does_not = chain(api, run, Said, narrow)
    return [told(run, reads, given), told(run, does_not, given, "v")]


@program("R9.3", "R1.27")
def what_a_send_carries_is_known_only_in_a_state(api, run):
    say = api.AIMessage
    built = api.StateGraph(Said)
    built.add_node("takes", lambda sent: {"many": sent})
    built.add_node("reads", lambda sent: {"one": sent["one"]})
    sends = [
        api.Send("takes", [say(content="u", id="1")]),
        api.Send("reads", {"one": say(content="v", id="2")}),
    ]
    built.add_conditional_edges(api.START, lambda s: sends)
    return told(run, built.compile(checkpointer=run.saver), {"one": 0})


@program("R9.3", "R1.10", "R1.11")
def what_is_shown_is_what_the_node_returned(api, run):
    say, command = api.AIMessage, api.Command
    returns = [
        {"nowhere": say(content="u", id="1")},
        command(update=[("one", say(content="u", id="1"))]),
        [
            {"one": say(content="u", id="1")},
            command(update={"other": (say(content="v", id="2"),)}),
        ],
        {"many": api.Overwrite([say(content="u", id="1")])},
    ]
    seen = []
    for number, value in enumerate(returns):
        g = chain(api, run, Said, lambda s, value=value: value)
        seen.append(told(run, g, {"one": 0}, str(number)))
    return seen


@program("R9.3", "R2.9", "R2.19")
def messages_in_classes_and_in_bare_values(api, run):
    say = api.AIMessage

    @dataclass
    class Kept:
        one: Any = None
        many: list = field(default_factory=list)

    def full(state):
        return Kept(say(content="u", id="1"), [say(content="o", id="7")])

    kept = chain(api, run, Kept, full)
    bare = chain(api, run, list, lambda s: [say(content="u", id="1"), *s])
    given = [say(content="o", id="7")]
    return [
        told(run, kept, {"one": 0, "many": given}),
        told(run, bare, given, "bare"),
    ]


@program("R9.3", "R1.29")
def a_command_for_the_graph_above_is_not_shown(api, run):
    update = {"one": api.AIMessage(content="up", id="1")}
    up = api.Command(graph=api.Command.PARENT, update=update)
    below = api.StateGraph(Said).add_node("s", lambda s: up)
    g = chain(api, run, Said, below.add_edge(api.START, "s").compile())
    return [told(run, g, {}), told(run, g, {}, "u", subgraphs=True)]


@program("R9.3", "R8.4", "R8.5")
def messages_of_an_entrypoint_and_its_tasks(api, run):
    say = api.AIMessage
    mine = say(content="mine", id="1")
    result = {"a": mine, "b": [say(content="w", id="3")]}
    saved = api.entrypoint.final(
        value=[say(content="v", id="4")], save=say(content="s", id="5")
    )
    seen = []
    for number, (argument, returns, ends) in enumerate(
        [
            (mine, {"q": mine, "r": say(content="t", id="2")}, result),
            ([mine], mine, saved),
            ({"deep": mine}, mine, None),
        ]
    ):
        flow = _flow(api, run, argument, returns, ends)
        seen.append(told(run, flow, 1, str(number)))
    return seen


def _flow(api, run, argument, returns, ends):
    if run.driver == "async":

        @api.task
        async def t(x):
            return returns

        @api.entrypoint(checkpointer=run.saver)
        async def flow(given):
            await t(argument)
            return ends

        return flow

    @api.task
    def t(x):
        return returns

    @api.entrypoint(checkpointer=run.saver)
    def flow(given):
        t(argument).result()
        return ends

    return flow


@program("R9.3", "R7.2")
def who_reads_below_knows_what_was_given_there(api, run):
    say = api.AIMessage
    below = api.StateGraph(api.MessagesState)
    below.add_node("s", lambda s: {"messages": [say(content="up", id="1")]})
    sub = below.add_edge(api.START, "s").compile()
    given = {"messages": [say(content="in", id="5")]}

    def n(state):
        said = sub.invoke(given)["messages"]
        return {"messages": [*said, say(content="me", id="6")]}

    async def awaits(state):
        said = (await sub.ainvoke(given))["messages"]
        return {"messages": [*said, say(content="me", id="6")]}

    g = chain(api, run, api.MessagesState, awaits if run.driver == "async" else n)
    start = {"messages": []}
    return [told(run, g, start), told(run, g, start, "u", subgraphs=True)]


@program("R9.3")
def a_model_that_says_a_message_again_is_heard_once(api, run):
    replies = [AIMessage("x", id="7"), AIMessage("y", id="7"), AIMessage("z", id="8")]
    model = FakeMessagesListChatModel(responses=replies)

    def n(state):
        model.invoke("a")
        model.invoke("b")
        return {"one": model.invoke("c")}

    g = chain(api, run, Said, n)
    return told(run, g, {"one": 0})


@program("R9.3")
def tags_of_a_sequence_are_left_out_of_the_metadata(api, run):
    model = GenericFakeChatModel(messages=iter([AIMessage("one"), AIMessage("two")]))
    steps = RunnableLambda(lambda x: x) | model.with_config(tags=["mine"])

    def n(state):
        steps.invoke("a")
        (RunnableLambda(lambda x: x) | model).invoke("b")

    g = chain(api, run, Said, n)
    chunks = run.stream(g, {"one": 0}, run.config(), **MESSAGES)
    return [[m.content, about.get("tags")] for m, about in chunks]


@program(
    "R9.3",
    "R1.39",
    differs="what an error handler says is shown, as a whole or word by word",
    expected=[["u", "__error_handler__n"], ["one", "__error_handler__n"]],
)
def what_an_error_handler_says_is_shown(api, run):
    model = GenericFakeChatModel(messages=iter([AIMessage("one")]))

    def bad(state):
        raise ValueError("no")

    def says(state, error: api.NodeError):
        return {"one": api.AIMessage(content="u", id="1")}

    def asks_a_model(state, error: api.NodeError):
        return {"other": model.invoke("x").content}

    seen = []
    for handler in (says, asks_a_model):
        built = api.StateGraph(Said).add_node("n", bad, error_handler=handler)
        g = built.add_edge(api.START, "n").compile()
        seen += told(run, g, {"one": 0})
    return [[content, node] for _, content, node in seen]


@program("R2.18")
def what_a_model_said_in_pieces_is_kept_as_a_message(api, run):
    """A chunk of langchain-core becomes the message that it is a chunk of."""
    pieces = [AIMessageChunk(content=c, id="1") for c in ("one", " two")]
    call = {"name": "f", "args": {"x": 1}, "id": "c", "type": "tool_call"}
    other = AIMessageChunk(content="", tool_calls=[call])

    def says(state):
        return {"messages": [pieces[0] + pieces[1], other]}

    g = chain(api, run, api.MessagesState, says)
    out = run.invoke(g, {"messages": []}, run.config())["messages"]
    alone = api.add_messages([pieces[0]], [])
    return [
        [[type(m).__name__, m.content, bool(m.id), m.tool_calls] for m in out],
        [type(m).__name__ for m in alone],
        api.add_messages([], [], format=""),
    ]


def _openai_form(api, run):
    """A graph whose messages have it, and what a person and a model of another house said."""
    image = {"type": "base64", "media_type": "image/jpeg", "data": "1234"}
    source = {"type": "image", "source": image}
    cached = {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}}
    call = {"type": "tool_use", "name": "f", "input": {"x": 1}, "id": "c"}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [source]}
    said = [
        {"role": "user", "content": [cached, source], "id": "1"},
        AIMessage(content=[call], id="2"),
        {"role": "user", "content": [{**result, "is_error": False}], "id": "3"},
        api.AIMessage(content="done", id="4"),
    ]

    class State(TypedDict):
        messages: Annotated[list, api.add_messages(format="langchain-openai")]

    return chain(api, run, State, lambda s: {"messages": said}, lambda s: None)


@program("R2.18")
def messages_in_the_form_of_openai(api, run):
    g = _openai_form(api, run)
    out = run.invoke(g, {"messages": ["hi"]}, run.config())["messages"]
    return [
        [
            type(m).__module__.split(".")[0],
            m.type,
            m.content,
            getattr(m, "tool_calls", None),
            getattr(m, "tool_call_id", None),
        ]
        for m in out
    ]


@program(
    "R2.18",
    differs="messages keep their ids, so that the next can replace or remove one",
    expected=[["1", "2", "4"], True, True],
)
def messages_in_the_form_of_openai_keep_their_ids(api, run):
    g = _openai_form(api, run)
    out = run.invoke(g, {"messages": ["hi"]}, run.config())["messages"]
    ids = [m.id for m in out]
    run.invoke(g, {"messages": []}, run.config())
    kept = run.get_state(g, run.config()).values["messages"]
    return [
        [each for each in ids if each in {"1", "2", "4"}],
        None not in ids,
        [m.id for m in kept[: len(ids) - 1]] == ids[:-1],
    ]


@program("R2.18")
def a_model_takes_texts_in_the_form_of_openai(api, run):
    """The list is what the chat models of langchain-core take, whatever was given."""

    class State(TypedDict):
        messages: Annotated[list, api.add_messages(format="langchain-openai")]

    def chat(state):
        model = GenericFakeChatModel(messages=iter([AIMessage("yes")]))
        return {"messages": model.invoke(state["messages"])}

    given = ["a", ("user", "b"), {"role": "ai", "content": "c"}]
    out = run.invoke(chain(api, run, State, chat), {"messages": given}, run.config())
    return [[m.type, m.content] for m in out["messages"]]


@program("R2.18")
def texts_pairs_and_dicts_become_messages_that_models_take(api, run):
    def chat(state):
        model = GenericFakeChatModel(messages=iter([AIMessage("yes")]))
        return {"messages": model.invoke(state["messages"])}

    calls = [{"name": "f", "args": {}, "id": "c", "type": "tool_call"}]
    given = [
        *("a", ("user", "b"), {"role": "system", "content": "c"}),
        {"type": "ai", "content": "", "tool_calls": calls, "id": "4"},
        {"role": "tool", "content": "d", "tool_call_id": "c"},
    ]
    g = chain(api, run, api.MessagesState, chat)
    out = run.invoke(g, {"messages": given}, run.config())["messages"]
    kept = run.get_state(g, run.config()).values["messages"]
    return [
        [isinstance(m, BaseMessage), m.type, m.content, getattr(m, "tool_calls", None)]
        for m in [*out, *kept]
    ]
