"""Error handlers over several runs: what is asked, called and failed again (R1.39)."""

from typing import Any

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, say


def handled(api: Any, run: Any, bad: Any, handle: Any) -> Any:
    """A graph of one node that fails, with its handler."""
    built = api.StateGraph(S)
    built.add_node("bad", bad, error_handler=handle)
    built.add_node("next", lambda state: {"log": ["next"]})
    built.add_edge(api.START, "bad").add_edge("bad", "next")
    return built.compile(checkpointer=run.saver)


@program("R1.39")
def a_handler_that_failed_is_given_the_same_failure(api, run):
    calls = []

    def bad(state):
        calls.append("bad")
        raise ConnectionError(f"failed {calls.count('bad')}")

    def handle(state, error: api.NodeError):
        calls.append([error.node, str(error.error).count("failed 1")])
        if len(calls) < 4:
            raise LookupError("not now")
        return {"log": ["handled"]}

    g = handled(api, run, bad, handle)
    seen = [run.attempt(run.invoke, g, {"log": []}, run.config())]
    look = run.look(g, run.config())
    seen += [run.attempt(run.invoke, g, None, run.config()) for _ in "ab"]
    return [seen, calls, look["next"]]


@program("R1.39", "R5.1")
def a_handler_that_asks(api, run):
    calls = []

    def bad(state):
        calls.append("bad")
        if len(calls) == 1:
            raise ConnectionError("no line")
        return {"log": ["not asked for"]}

    def handle(state, error: api.NodeError):
        calls.append(error.node)
        return {"log": [api.interrupt("what now?")]}

    g = handled(api, run, bad, handle)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="skip"), run.config()), calls]


@program(
    "R1.39",
    "R5.15",
    differs="the node's question is answered and over when its handler asks (LangGraph keeps "
    "both open, so that a plain answer is refused)",
    expected=[
        ["node asks", "handler asks"],
        {"log": ["for the handler"]},
        ["for the node"],
    ],
)
def a_node_and_its_handler_ask(api, run):
    given = []

    def bad(state):
        given.append(api.interrupt("node asks"))
        raise ConnectionError("no line")

    def handle(state, error: api.NodeError):
        answer = api.interrupt("handler asks")
        return {"log": [answer]}

    g = handled(api, run, bad, handle)
    asked = [run.invoke(g, {"log": []}, run.config())]
    asked.append(run.invoke(g, api.Command(resume="for the node"), run.config()))
    out = run.invoke(g, api.Command(resume="for the handler"), run.config())
    return [[each["__interrupt__"][0].value for each in asked], out, given]


@program("R1.39", "R4.13")
def tasks_of_a_node_are_not_those_of_its_handler(api, run):
    calls = []

    @api.task
    def price(n):
        calls.append(n)
        return n * 10

    def bad(state):
        price(1).result()
        price(2).result()
        raise ConnectionError("no line")

    def silent(state, error: api.NodeError):
        return {"log": ["handled"]}

    def calling(state, error: api.NodeError):
        return {"log": [price(5).result()]}

    return [
        run.invoke(handled(api, run, bad, handle), {"log": []}, run.config(name))
        for name, handle in (("silent", silent), ("calling", calling))
    ] + [calls]


@program("R1.39", "R4.12", "R5.14")
def tasks_of_a_handler_are_recorded(api, run):
    calls = []

    @api.task
    def price(n):
        calls.append(n)
        return n * 10

    def bad(state):
        price(1).result()
        raise ConnectionError("no line")

    def handle(state, error: api.NodeError):
        found = price(2).result()
        return {"log": [found, api.interrupt("more?")]}

    g = handled(api, run, bad, handle)
    run.invoke(g, {"log": []}, run.config())
    return [run.invoke(g, api.Command(resume="no"), run.config()), calls]


@program(
    "R1.39",
    differs="a handler that is given a failure from the record gets Python's own errors as "
    "themselves and others as RecordedTaskError (LangGraph gives the text)",
    expected=[["ConnectionError", "no line"], ["RecordedTaskError", "node 'bad'"]],
)
def what_a_handler_is_given_from_the_record(api, run):
    class Own(Exception):
        pass

    seen = []
    for kind in (ConnectionError, Own):
        calls = []

        def bad(state, kind=kind):
            raise kind("no line")

        def handle(state, error: api.NodeError, calls=calls):
            calls.append(error.error)
            return {"log": [api.interrupt("what now?")]}

        g = handled(api, run, bad, handle)
        config = run.config(kind.__name__)
        run.invoke(g, {"log": []}, config)
        run.invoke(g, api.Command(resume="skip"), config)
        last = calls[-1]
        says = "node 'bad'" if "node 'bad'" in str(last) else str(last)
        seen.append([type(last).__name__, says])
    return seen


@program(
    "R1.39",
    "R4.20",
    differs="under other code the node is tried again, for it may have been mended",
    expected=[{"raises": "LookupError"}, {"log": ["mended", "next", "more"]}],
)
def under_other_code_the_node_runs_again(api, run):
    def bad(state):
        raise ConnectionError("no line")

    def handle(state, error: api.NodeError):
        raise LookupError("not now")

    old = handled(api, run, bad, handle)
    built = api.StateGraph(S)
    built.add_node("bad", lambda state: {"log": ["mended"]}, error_handler=handle)
    built.add_sequence([("next", lambda state: {"log": ["next"]})])
    built.add_node("more", lambda state: {"log": ["more"]})
    built.add_edge(api.START, "bad").add_edge("bad", "next").add_edge("next", "more")
    new = built.compile(checkpointer=run.saver)
    first = run.attempt(run.invoke, old, {"log": []}, run.config())
    return [first, run.invoke(new, None, run.config())]


@program(
    "R1.39",
    "R5.4",
    differs="the question of a graph that the node calls is not that of the same graph called by "
    "its handler (LangGraph keeps the node's open beside it)",
    expected=[["below asks"] * 2, {"log": ["two"]}, ["one"]],
)
def a_graph_called_by_a_node_and_by_its_handler(api, run):
    given = []
    built = api.StateGraph(S).add_node(
        "asks", lambda state: {"log": [api.interrupt("below asks")]}
    )
    inner = built.add_edge(api.START, "asks").compile()

    def bad(state):
        given.extend(inner.invoke({"log": []})["log"])
        raise ConnectionError("no line")

    def handle(state, error: api.NodeError):
        return {"log": inner.invoke({"log": []})["log"]}

    g = handled(api, run, bad, handle)
    asked = [run.invoke(g, {"log": []}, run.config())]
    asked.append(run.invoke(g, api.Command(resume="one"), run.config()))
    out = run.invoke(g, api.Command(resume="two"), run.config())
    return [[each["__interrupt__"][0].value for each in asked], out, given]


@program(
    "R1.39",
    "R6.2",
    "R6.4",
    differs="what a handler asks and writes is shown at its node, which is not due any more "
    "(LangGraph shows the node's failure and the node as due)",
    expected=[
        ["waits"],
        {"log": ["i", "handled"]},
        [[None, [], {"log": ["handled"]}], [None, ["q"], None]],
        [None, [], {"log": ["handled"]}],
        [["bad"], [["ConnectionError('no line')", ["what now?"], None]]],
    ],
)
def a_handlers_work_is_shown_at_its_node(api, run):
    def bad(state):
        raise ConnectionError("no line")

    def handle(state, error: api.NodeError):
        return {"log": ["handled"]}

    def asks(state, error: api.NodeError):
        return {"log": [api.interrupt("what now?")]}

    def waits(state):
        return {"log": [api.interrupt("q")]}

    def seen(task):
        return [task.error, [q.value for q in task.interrupts], task.result]

    built = api.StateGraph(S).add_node("bad", bad, error_handler=handle)
    built.add_node("waits", waits)
    g = built.add_edge(api.START, "bad").add_edge(api.START, "waits")
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    head = run.get_state(g, run.config())
    run.invoke(g, api.Command(resume="r"), run.config())
    past = run.get_history(g, run.config())[1]
    asking = handled(api, run, bad, asks)
    run.invoke(asking, {"log": []}, run.config("asking"))
    there = run.get_state(asking, run.config("asking"))
    return [
        list(head.next),
        head.values,
        [seen(task) for task in head.tasks],
        seen(past.tasks[0]),
        [list(there.next), [seen(task) for task in there.tasks]],
    ]


@program("R1.39", "R1.35")
def another_attempt_of_a_graph_runs_the_failed_node_again(api, run):
    calls = []

    def bad(state):
        calls.append("bad")
        if calls.count("bad") < 3:
            raise ConnectionError("bad")
        return {"log": ["good"]}

    def handle(state, error: api.NodeError):
        calls.append("handle")
        raise ConnectionError("handler")

    inner = api.StateGraph(S).add_node("bad", bad, error_handler=handle)
    built = api.StateGraph(S)
    built.add_node(
        "below",
        inner.add_edge(api.START, "bad").compile(),
        retry_policy=api.RetryPolicy(initial_interval=0.001, jitter=False),
    )
    g = built.add_edge(api.START, "below").compile(checkpointer=run.saver)
    return [run.invoke(g, {"log": []}, run.config(), durability="sync"), calls]


@program("R1.13", "R1.39", "R5.25")
def breakpoints_at_a_handler(api, run):
    seen = []

    def bad(state):
        raise RuntimeError("no")

    def handler(state):
        return api.Command(update={"log": ["handled"]}, goto="then")

    def built(**options):
        g = api.StateGraph(S).add_node("bad", bad, error_handler=handler)
        g.add_node("then", say("then")).add_edge(api.START, "bad")
        return g.compile(checkpointer=run.saver, **options)

    for number, options in enumerate(
        [
            {"interrupt_before": ["__error_handler__bad"]},
            {"interrupt_after": ["__error_handler__bad"]},
            {"interrupt_after": ["bad"]},
            {"interrupt_after": "*"},
        ]
    ):
        g = built(**options)
        config = run.config(str(number))
        chunks = run.stream(g, {"log": []}, config)
        due = run.look(g, config)["next"]
        seen.append([chunks, due, run.stream(g, None, config)])
    nobody = [
        run.attempt(built, interrupt_after=["__error_handler__then"]),
        run.attempt(built, interrupt_after=["__error_handler__ghost"]),
    ]
    stopped = run.stream(
        built(), {"log": []}, run.config("c"), interrupt_after=["__error_handler__bad"]
    )
    return [seen, nobody, stopped]


@program("R1.3", "R1.39")
def a_node_called_like_a_handler(api, run):
    def node(state):
        return {}

    def built(*names, handler=None, default=None):
        g = api.StateGraph(S).set_node_defaults(error_handler=default)
        for name in names:
            mine = handler if name == "a" else None
            g.add_node(name, node, error_handler=mine).add_edge(api.START, name)
        g.compile()
        return "built"

    names = ("a", "__error_handler__a")
    return [
        run.attempt(built, *names, handler=node),
        run.attempt(built, *reversed(names), handler=node),
        run.attempt(built, *names),
        run.attempt(built, "a", handler=node),
    ]
