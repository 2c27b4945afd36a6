"""Section 9: the modes `tasks`, `checkpoints` and `debug`: what is handled, what is saved at the end."""

import asyncio
import threading

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph


def ends(chunks):
    """Of tasks: id, name, error, result and what is asked; starts have their triggers."""
    seen = []
    for each in chunks:
        told = each.get("payload", each)
        if "triggers" in told:
            seen.append([told["id"], told["name"], list(told["triggers"])])
        elif "error" in told:
            names = ("id", "name", "error", "result", "interrupts")
            seen.append([told[name] for name in names])
    return seen


def _handled(api, run, handle):
    def bad(state):
        raise ConnectionError("no line")

    built = api.StateGraph(S).add_node("bad", bad, error_handler=handle)
    return built.add_edge(api.START, "bad").compile(checkpointer=run.saver)


@program("R1.39", "R9.3")
def a_failure_and_its_handler_are_two_tasks_of_the_stream(api, run):
    def handle(state, error: api.NodeError):
        return {"log": ["handled"]}

    def asking(state, error: api.NodeError):
        return {"log": [api.interrupt("what now?")]}

    def failing(state, error: api.NodeError):
        raise LookupError("not now")

    seen = []
    for number, each in enumerate((handle, asking, failing)):
        g = _handled(api, run, each)
        for mode in ("tasks", "debug"):
            config = run.config(f"{mode} {number}")
            seen.append(ends(run.stream(g, {"log": []}, config, stream_mode=mode)))
    return seen


@program("R1.39", "R9.3")
def a_handler_that_goes_on_is_shown_as_a_task(api, run):
    def asking(state, error: api.NodeError):
        return {"log": [api.interrupt("what now?")]}

    g = _handled(api, run, asking)
    run.invoke(g, {"log": []}, run.config())
    answer = api.Command(resume="r")
    seen = ends(run.stream(g, answer, run.config(), stream_mode="tasks"))
    return [task for task in seen if task[1] != "bad"]


@program("R9.3", "R4.4", "R6.1")
def the_parent_of_a_checkpoint_in_the_stream(api, run):
    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    g = graph(api, *edges, x=None, y=asks(api), z=None)
    g = g.compile(checkpointer=run.saver)
    seen = []
    for durability in ("sync", "exit"):
        config = run.config(durability)
        options = {"stream_mode": "checkpoints", "durability": durability}
        for given in ({"log": []}, api.Command(resume="r"), {"log": []}):
            chunks = run.stream(g, given, config, **options)
            seen.append([_place(c["config"], c["parent_config"]) for c in chunks])
        past = run.get_history(g, config)
        seen.append([_place(each.config, each.parent_config) for each in past])
    return seen


def _place(config, parent):
    return [each and each["configurable"]["checkpoint_id"] for each in (config, parent)]


@program("R9.3", "R1.5", "R1.16")
def triggers_are_all_that_can_make_a_node_due(api, run):
    def sends(state):
        return api.Command(goto=[api.Send("x", {}), "z"])

    edges = [(api.START, "w"), (api.START, "y"), (["w", "y"], "z"), ("z", "x")]
    g = graph(api, *edges, (["x", "y"], "z"), w=sends, x=None, y=None, z=None)
    chunks = run.stream(g.compile(), {"log": []}, stream_mode="tasks")
    return [[c["name"], list(c["triggers"])] for c in chunks if "triggers" in c]


@program("R9.3", "R8.1")
def triggers_of_an_entrypoint_and_a_task(api, run):
    seen = []

    def note(config):
        seen.append(list(config["metadata"]["langgraph_triggers"]))

    if run.driver == "async":

        @api.task
        async def t(config):
            note(config)

        @api.entrypoint()
        async def flow(given, config):
            note(config)
            await t()

    else:

        @api.task
        def t(config):
            note(config)

        @api.entrypoint()
        def flow(given, config):
            note(config)
            t().result()

    chunks = run.stream(flow, 1, stream_mode="tasks")
    return [[list(c["triggers"]) for c in chunks if "triggers" in c], seen]


def reading(run, graph, given, seen, **options):
    """Read a stream to its end; `seen` is set when a chunk has come that a `@task` has caused."""
    chunks = []

    def take(chunk):
        chunks.append(chunk)
        if "t" in chunk:
            seen.set()

    if run.driver == "blocking":
        for chunk in graph.stream(given, run.config(), **options):
            take(chunk)
        return chunks

    async def read():
        async for chunk in graph.astream(given, run.config(), **options):
            take(chunk)

    asyncio.run(read())
    return chunks


@program("R8.17", "R9.4")
def an_entrypoint_is_told_of_while_it_runs(api, run):
    seen = threading.Event()
    if run.driver == "async":

        @api.task
        async def t():
            return 1

        @api.entrypoint(checkpointer=run.saver)
        async def flow(given):
            await t()
            return await asyncio.to_thread(seen.wait, 20)

    else:

        @api.task
        def t():
            return 1

        @api.entrypoint(checkpointer=run.saver)
        def flow(given):
            t().result()
            return seen.wait(20)

    return reading(run, flow, 1, seen, stream_mode="updates")


@program("R9.3")
def starts_of_tasks_tell_their_metadata(api, run):
    """Of the caller's config, of the node, and the tags; not where the task runs."""

    @api.task
    def called(n):
        return n

    def n(state):
        return {"log": [called("n").result()]}

    below = graph(api, s=None).add_edge(api.START, "s").compile()
    built = graph(api, plain=None)
    built.add_node("n", n, metadata={"k": 1, "langgraph_node": "mine", "thread_id": 5})
    built.add_node("below", below, metadata={"b": 2})
    for name in ("plain", "n", "below"):
        built.add_edge(api.START, name)
    g = built.compile(checkpointer=run.saver)
    told = {"metadata": {"z": 1, "checkpoint_ns": "c"}, "tags": ["t", "seq:step:1"]}
    bound = g.with_config(metadata={"w": 3}, tags=["w"])
    seen = []
    for where, graph_, config in (
        ("plain", g, run.config("1")),
        ("told", g, {**run.config("2"), **told}),
        ("bound", bound, run.config("3")),
    ):
        chunks = run.stream(
            graph_, {"log": []}, config, stream_mode="tasks", subgraphs=True
        )
        starts = [[c["name"], c.get("metadata")] for _, c in chunks if "input" in c]
        seen.append([where, sorted(starts, key=lambda start: start[0])])
    return seen


@program("R9.3")
def starts_of_tasks_of_an_entrypoint_tell_their_metadata(api, run):
    @api.task
    def called(n):
        return n

    @api.entrypoint()
    def wf(n):
        return called(n).result()

    config = {"metadata": {"z": 1}, "tags": ["q"]}
    chunks = run.stream(wf, 1, config, stream_mode=["tasks", "debug"])
    return [
        [mode, c.get("payload", c).get("metadata")]
        for mode, c in chunks
        if "input" in c.get("payload", c)
    ]


@program("R9.3", "R7.13")
def what_callers_and_authors_say_of_a_task_that_begins(api, run):
    @api.task
    def call(n):
        return n

    def node(state):
        return {"log": [call(1).result()]}

    below = api.StateGraph(S).add_node("x", node, metadata={"deep": 3})
    built = api.StateGraph(S).add_node("n", node, metadata={"node": 1, "who": "n"})
    built.add_node("sub", below.add_edge(api.START, "x").compile(name="sub"))
    g = built.add_edge(api.START, "n").add_edge("n", "sub").compile()

    def told(config, mode):
        chunks = run.stream(g, {"log": []}, config, stream_mode=mode, subgraphs=True)
        found = [chunk.get("payload", chunk) for _, chunk in chunks]
        return [
            [each["name"], each.get("metadata")] for each in found if "input" in each
        ]

    config = {"metadata": {"who": "caller", "langgraph_step": 9}, "tags": ["a", "b"]}
    return [told({}, "tasks"), told(config, "tasks"), told(config, "debug")]


@program("R1.5", "R9.3")
def what_names_a_run_in_configurable_is_in_the_metadata(api, run):
    heard = []
    names = {"run_id": "r", "task_id": "t", "graph_id": "", "assistant_id": "as"}

    def note(state, config):
        known = config["metadata"].items()
        heard.append({k: v for k, v in known if k in {*names, "thread_id", "user"}})

    below = graph(api, (api.START, "low"), low=note).compile()
    built = graph(api, (api.START, "n"), ("n", "sub"), n=note, sub=below)
    seen = []
    for saver in (None, run.saver):
        g = built.compile(checkpointer=saver)
        config = run.config("one", **names, user="u", key=1)
        config["metadata"] = {"task_id": "mine"}
        chunks = run.stream(g, {"log": []}, config, stream_mode="tasks")
        seen.append([c.get("metadata") for c in chunks if "input" in c])
    return [seen, heard]
