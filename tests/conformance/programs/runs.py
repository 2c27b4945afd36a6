"""Section 9: a graph, its nodes and its tasks as runs that handlers of langchain-core hear of."""

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph, say

GIVEN = {"log": ["i"]}
PLACE = ("langgraph_step", "langgraph_node", "langgraph_triggers")


class Notes(BaseCallbackHandler):
    """Notes each run as it begins, below which, and how it ends."""

    run_inline = True

    def __init__(self):
        self.seen = []
        self.names = {}
        self.kept = {}

    def note(self, what, run_id, *more):
        self.seen.append([what, self.names.get(run_id), *more])

    def begin(self, name, run_id, parent_run_id):
        self.names[run_id] = name
        self.note("start", run_id, self.names.get(parent_run_id))

    def on_chain_start(
        self, serialized, inputs, *, run_id, parent_run_id=None, name=None, **more
    ):
        self.begin(name, run_id, parent_run_id)
        self.kept[name] = {
            "inputs": inputs,
            "tags": more["tags"],
            "metadata": more["metadata"],
        }

    def on_chain_end(self, outputs, *, run_id, **more):
        self.note("end", run_id)
        self.kept[self.names[run_id]]["outputs"] = outputs

    def on_chain_error(self, error, *, run_id, **more):
        self.note("error", run_id, type(error).__name__)

    def on_chat_model_start(
        self, serialized, messages, *, run_id, parent_run_id=None, **more
    ):
        self.begin("model", run_id, parent_run_id)

    def on_tool_start(self, serialized, text, *, run_id, parent_run_id=None, **more):
        self.begin(serialized["name"], run_id, parent_run_id)


def heard(run, g, *given, **options):
    """What a handler hears of calls with these inputs, one after the other."""
    config = options.pop("config", {})
    seen = []
    for each in given:
        notes = Notes()
        more = {**config, "callbacks": [notes]}
        run.attempt(run.invoke, g, each, more, **options)
        seen.append(notes.seen)
    return seen[0] if len(seen) == 1 else seen


def speaks(state):
    return {"log": [FakeListChatModel(responses=["hi"]).invoke("x").content]}


def to_y(state):
    return "y"


def to_z(state):
    return "z"


def fails(state):
    raise ValueError("no")


def _one(api, node, **options):
    return graph(api, (api.START, "n"), n=node).compile(**options)


def _pair(api, x=None, y=None, **options):
    return graph(api, (api.START, "x"), ("x", "y"), x=x, y=y).compile(**options)


def _routed(api, **options):
    built = graph(api, (api.START, "x"), x=speaks, y=None)
    return built.add_conditional_edges("x", to_y).compile(**options)


@program("R9.10")
def a_graph_its_nodes_and_a_branch_are_runs(api, run):
    notes = Notes()
    config = {
        "callbacks": [notes],
        "tags": ["mine"],
        "metadata": {"k": 1},
        "run_name": "named",
    }
    run.invoke(_routed(api), GIVEN, config)
    run.stream(_routed(api, name="flow"), GIVEN, {"callbacks": [notes]})
    return notes.seen


@program("R9.10")
def what_handlers_are_told_of_a_run(api, run):
    notes = Notes()
    config = {"callbacks": [notes], "tags": ["mine"], "metadata": {"k": 1}}
    built = graph(api, (api.START, "x"), y=None)
    built.add_node("x", speaks, metadata={"own": 2})
    run.invoke(built.add_conditional_edges("x", to_y).compile(), GIVEN, config)
    seen = {}
    for name, each in notes.kept.items():
        metadata = each.pop("metadata")
        place = {key: metadata.get(key) for key in ("k", "own", *PLACE)}
        seen[name] = {**each, "tags": sorted(each["tags"]), "metadata": place}
        below = metadata.get("langgraph_checkpoint_ns", "")
        seen[name]["namespace"] = below.split(":")[0]
    return seen


@program("R9.10")
def a_branch_on_start_is_below_a_hidden_run(api, run):
    built = graph(api, x=None, y=None).add_conditional_edges(api.START, to_y)
    notes = Notes()
    run.invoke(built.compile(), GIVEN, {"callbacks": [notes]})
    return [notes.seen, notes.kept["__start__"]["tags"], notes.kept["to_y"]["tags"]]


@program("R9.10")
def branches_beside_edges_are_told_in_their_places(api, run):
    built = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None, z=None)
    built.add_conditional_edges("x", to_y)
    built.add_conditional_edges("x", to_z)
    notes = Notes()
    run.invoke(built.compile(), GIVEN, {"callbacks": [notes]})
    return [notes.kept[name]["tags"] for name in ("to_y", "to_z")]


@program("R9.10", "R7.1")
def graphs_below_are_runs_below_what_calls_them(api, run):
    below = _one(api, speaks, name="below")

    def calls(state, config):
        return {
            "log": [
                *below.invoke(GIVEN)["log"],
                *below.invoke(GIVEN, config)["log"],
                *RunnableLambda(below.invoke).invoke(GIVEN)["log"],
            ]
        }

    return heard(run, _pair(api, below, calls), GIVEN)


@program("R9.10", "R7.1", only="async")
def an_awaited_graph_is_a_run_below_what_awaits_it(api, run):
    below = _one(api, speaks, name="below")

    async def calls(state):
        return await below.ainvoke(GIVEN)

    return heard(run, _pair(api, calls), GIVEN)


@program("R9.10", "R7.13")
def a_graph_below_with_handlers_of_its_own(api, run):
    own = Notes()
    below = _one(api, speaks, name="below")
    more = {"callbacks": [own], "run_name": "inner", "tags": ["t"]}
    seen = heard(run, _one(api, lambda state: below.invoke(state, more)), GIVEN)
    return [seen, own.seen, sorted(own.kept["n"]["tags"])]


@program("R9.10")
def a_node_that_fails_and_one_that_is_tried_again(api, run):
    calls = []

    def flaky(state):
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("no line")
        return {"log": ["ok"]}

    built = graph(api, (api.START, "n"))
    policy = api.RetryPolicy(initial_interval=0.001, jitter=False)
    built.add_node("n", flaky, retry_policy=policy)
    bad = graph(api, (api.START, "x"), x=None)
    return [
        heard(run, _pair(api, None, fails), GIVEN),
        heard(run, built.compile(), GIVEN),
        heard(run, bad.add_conditional_edges("x", fails).compile(), GIVEN),
        heard(run, _one(api, lambda state: 5), GIVEN),
    ]


@program("R9.10", "R1.39")
def an_error_handler_is_a_run_of_its_own(api, run):
    def handle(state, error: api.NodeError):
        return {"log": [error.node]}

    built = graph(api, (api.START, "n"))
    built.add_node("n", fails, error_handler=handle)
    return heard(run, built.compile(), GIVEN)


@program("R9.10")
def a_graph_that_fails_between_its_nodes(api, run):
    loop = graph(api, (api.START, "x"), ("x", "x"), x=None).compile()
    return [
        heard(run, loop, GIVEN, config={"recursion_limit": 2}),
        heard(run, _pair(api), None),
    ]


@program("R9.10", "R5.1")
def a_node_that_asks_fails_and_its_graph_ends(api, run):
    g = _pair(api, None, asks(api), checkpointer=run.saver)
    answer = api.Command(resume="yes")
    return heard(run, g, GIVEN, answer, config=run.config())


@program("R9.10", "R5.12", "R7.1")
def a_graph_below_that_asks_fails(api, run):
    below = _one(api, asks(api), name="below")
    g = _one(api, below, checkpointer=run.saver)
    answer = api.Command(resume="yes")
    return heard(run, g, GIVEN, answer, config=run.config())


@program("R9.10", "R5.25")
def a_graph_that_stops_at_a_breakpoint_ends(api, run):
    g = _pair(api, checkpointer=run.saver, interrupt_before=["y"])
    seen = heard(run, g, GIVEN, None, config=run.config())
    below = _pair(api, interrupt_before=["y"], name="below")
    around = _one(api, below, checkpointer=run.saver)
    return [seen, heard(run, around, GIVEN, None, config=run.config("u"))]


@program("R9.10", "R4.6")
def what_has_ended_is_no_run_of_the_next_call(api, run):
    built = graph(api, (api.START, "x"), (api.START, "y"), x=None, y=asks(api))
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, GIVEN, run.config())
    return heard(run, g, api.Command(resume="yes"), config=run.config())


@program("R9.10", "R1.38")
def what_the_cache_answers_is_no_run(api, run):
    built = graph(api, (api.START, "x"))
    built.add_node("x", say("x"), cache_policy=api.CachePolicy())
    g = built.compile(cache=api.InMemoryCache())
    return heard(run, g, GIVEN, GIVEN)


@program("R9.10", "R1.14")
def a_command_for_the_graph_above_ends_the_runs_it_passes(api, run):
    def up(state):
        return api.Command(graph=api.Command.PARENT, goto="z", update={"log": ["up"]})

    below = _one(api, up, name="below")
    built = graph(api, (api.START, "x"), z=None)
    built.add_node("x", below, destinations=("z",))
    return heard(run, built.compile(), GIVEN)


@program("R9.10", "R3.6")
def each_send_is_a_run(api, run):
    def sends(state):
        return api.Command(goto=[api.Send("y", {"log": [n]}) for n in range(2)])

    built = graph(api, (api.START, "x"), x=sends, y=None)
    return heard(run, built.compile(), GIVEN, config={"max_concurrency": 1})


@program("R9.10", "R8.9")
def tasks_are_runs_below_what_calls_them(api, run):
    @api.task
    def part(x, *rest, y=2, **more):
        return speaks(None)["log"][0] + str(x)

    @api.task(name="named")
    def other(x):
        return x

    @api.entrypoint(checkpointer=run.saver)
    def flow(x):
        other(part(x, 5, z=3).result()).result()
        return api.interrupt("q")

    notes = Notes()
    run.invoke(flow, 1, {**run.config(), "callbacks": [notes]})
    answer = api.Command(resume="yes")
    seen = heard(run, flow, answer, config=run.config())
    node = _one(api, lambda state: {"log": [part(1).result()]})
    told = {key: notes.kept["part"][key] for key in ("inputs", "outputs", "tags")}
    return [notes.seen, told, seen, heard(run, node, GIVEN)]


@program("R9.10", "E.tools")
def tools_are_runs_below_their_node(api, run):
    @tool
    def add(x: int) -> str:
        """Add one."""
        return str(x + 1)

    call = {"name": "add", "args": {"x": 1}, "id": "1"}
    built = api.StateGraph(api.MessagesState)
    built.add_node("tools", api.ToolNode([add])).add_edge(api.START, "tools")
    given = {"messages": [AIMessage("so", tool_calls=[call])]}
    return heard(run, built.compile(), given)


@program("R9.10", "E.chains")
def a_graph_is_a_run_below_the_chain_it_is_in(api, run):
    g = _one(api, speaks)
    link = RunnableLambda(lambda text: {"log": [text]})
    around = RunnableLambda(lambda text: g.invoke({"log": [text]}))
    return [heard(run, link | g, "t"), heard(run, around, "t")]
