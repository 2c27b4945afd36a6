"""Caches of nodes, tasks and entrypoints: what a hit skips, and what the key covers."""

from __future__ import annotations

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say


@program("R1.38")
def a_hit_in_every_stream_mode(api, run):
    def n(state):
        api.get_stream_writer()("at work")
        return {"log": [state["a"]]}

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "n").compile(cache=api.InMemoryCache())
    modes = ["updates", "values", "custom"]
    seen = [run.stream(g, {"a": 1, "log": []}, stream_mode=modes) for _ in "12"]
    tasks = run.stream(g, {"a": 1, "log": []}, stream_mode="tasks")
    return [seen, [sorted(set(chunk) - {"triggers"}) for chunk in tasks]]


@program("R1.38")
def a_hit_on_another_thread_and_its_history(api, run):
    calls = []

    def n(state):
        calls.append(state["a"])
        return {"log": [state["a"]]}

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "n").compile(
        checkpointer=run.saver, cache=api.InMemoryCache()
    )
    seen = []
    for thread in "ab":
        seen.append(run.invoke(g, {"a": 1, "log": []}, run.config(thread)))
        seen.append(run.steps(g, run.config(thread)))
        seen.append(run.snapshot(run.get_state(g, run.config(thread))))
    return [seen, calls]


@program("R1.38")
def the_route_is_kept_with_the_result(api, run):
    calls = []

    def n(state):
        calls.append("n")
        return api.Command(update={"log": ["n"]}, goto="y")

    def m(state):
        calls.append("m")
        return {"log": ["m"]}

    def choose(state):
        calls.append("choose")
        return ["z", api.Send("w", 7)]

    built = api.StateGraph(S)
    built.add_node("n", n, cache_policy=api.CachePolicy())
    built.add_node("m", m, cache_policy=api.CachePolicy())
    for name in "yzw":
        built.add_node(name, lambda state, name=name: {"log": [name]})
    built.add_edge(api.START, "n").add_edge(api.START, "m")
    built.add_conditional_edges("m", choose, ["z", "w"])
    g = built.compile(cache=api.InMemoryCache())
    return [[run.invoke(g, {"log": []}) for _ in "12"], sorted(calls)]


@program("R1.38")
def a_failure_is_not_kept(api, run):
    calls = []

    def n(state):
        calls.append("n")
        if len(calls) == 1:
            raise ValueError("no")
        return {"log": ["n"]}

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "n").compile(cache=api.InMemoryCache())
    return [[run.stream(g, {"log": []}) for _ in "123"], calls]


@program("R1.38", "R1.39")
def what_an_error_handler_wrote(api, run):
    calls = []

    def n(state):
        calls.append("n")
        raise ConnectionError("no")

    def handle(state):
        calls.append("handle")
        return {"log": ["handled"]}

    built = api.StateGraph(S)
    built.add_node("n", n, cache_policy=api.CachePolicy(), error_handler=handle)
    g = built.add_edge(api.START, "n").compile(cache=api.InMemoryCache())
    return [[run.invoke(g, {"log": []}) for _ in "12"], calls]


@program(
    "R1.38",
    "R5.1",
    differs=(
        "what came of a person's answer is not kept: the answer was given to one question "
        "of one thread (the reference takes it for all)"
    ),
    expected=[
        [
            {"log": [], "__interrupt__": [{"asks": "?", "id": "#1"}]},
            {"log": ["yes"]},
            {"log": [], "__interrupt__": [{"asks": "?", "id": "#2"}]},
            {"log": ["yes"]},
        ],
        ["yes", "yes"],
    ],
)
def a_question_in_a_cached_node(api, run):
    calls = []

    def n(state):
        answer = api.interrupt("?")
        calls.append(answer)
        return {"log": [answer]}

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "n").compile(
        checkpointer=run.saver, cache=api.InMemoryCache()
    )
    seen = []
    for thread in "ab":
        seen.append(run.invoke(g, {"log": []}, run.config(thread)))
        if "__interrupt__" in seen[-1]:
            seen.append(run.invoke(g, api.Command(resume="yes"), run.config(thread)))
    return [seen, calls]


@program(
    "R1.38",
    "R1.27",
    differs="a hit skips every equal task of a step (the reference runs the second again)",
    expected=[
        {"log": [1, 2, 1]},
        [1, 1, 2],
        [
            {"w": {"log": [1]}, "__metadata__": {"cached": True}},
            {"w": {"log": [2]}, "__metadata__": {"cached": True}},
            {"w": {"log": [1]}, "__metadata__": {"cached": True}},
        ],
        [],
    ],
)
def equal_sends_in_one_step_and_the_next(api, run):
    calls = []

    def spread(state):
        return [api.Send("w", n) for n in (1, 2, 1)]

    def w(n):
        calls.append(n)
        return {"log": [n]}

    built = api.StateGraph(S).add_node("w", w, cache_policy=api.CachePolicy())
    built.add_conditional_edges(api.START, spread, ["w"])
    g = built.compile(cache=api.InMemoryCache())
    first = run.invoke(g, {"log": []})
    made = sorted(calls)
    calls.clear()
    return [first, made, run.stream(g, {"log": []}), calls]


@program("R1.38")
def a_key_of_the_authors_own(api, run):
    calls, asked = [], []

    def key(state):
        asked.append(sorted(state))
        return str(state["a"] % 2)

    def n(state):
        calls.append(state["a"])
        return {"log": [state["a"]]}

    built = api.StateGraph(S)
    built.add_node("n", n, cache_policy=api.CachePolicy(key_func=key))
    g = built.add_edge(api.START, "n").compile(cache=api.InMemoryCache())
    seen = [run.invoke(g, {"a": a, "log": []}) for a in (1, 2, 3, 4)]
    return [seen, calls, asked]


@program("R1.38")
def the_key_covers_the_node(api, run):
    calls = []

    def n(state):
        calls.append("n")
        return {"log": ["n"]}

    def m(state):
        calls.append("m")
        return {"log": ["m"]}

    cache = api.InMemoryCache()
    seen = []
    for name, fn in (("n", n), ("n", m), ("m", n), ("n", n)):
        built = api.StateGraph(S).add_node(name, fn, cache_policy=api.CachePolicy())
        g = built.add_edge(api.START, name).compile(cache=cache)
        seen.append(run.invoke(g, {"log": []}))
    return [seen, calls]


@program("R1.38")
def only_named_nodes_are_cleared(api, run):
    calls = []

    def says(name):
        def node(state):
            calls.append(name)
            return {"a": 1}

        return node

    built = api.StateGraph(S)
    for name in "nm":
        built.add_node(name, says(name), cache_policy=api.CachePolicy())
    built.add_edge(api.START, "n").add_edge("n", "m")
    g = built.compile(cache=api.InMemoryCache())
    seen = []
    for nodes in (None, ["n"], ["m"], [], None):
        run.invoke(g, {"a": 1})
        seen.append([*calls])
        calls.clear()
        if nodes is None:
            run.clear_cache(g)
        else:
            run.clear_cache(g, nodes)
    return seen


@program(
    "R1.38",
    "R10.3",
    differs="equal inputs have one key, whatever the order of theirs (the reference: two)",
    expected=[{"x": 1, "y": 2}, [1, 2], [2, 1], 1, "1"],
)
def equal_inputs_written_otherwise(api, run):
    calls = []

    def n(state):
        calls.append(state["a"])
        return {"log": ["n"]}

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "n").compile(cache=api.InMemoryCache())
    for value in ({"x": 1, "y": 2}, {"y": 2, "x": 1}, [1, 2], [2, 1], 1, "1", 1):
        run.invoke(g, {"a": value, "log": []})
    return calls


@program("R1.38", "R7.13")
def a_subgraph_as_a_cached_node(api, run):
    calls = []

    def inner(state):
        calls.append("inner")
        return {"log": ["inner"]}

    below = api.StateGraph(S).add_node("inner", inner).add_edge(api.START, "inner")
    built = api.StateGraph(S)
    built.add_node("sub", below.compile(), cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "sub").compile(cache=api.InMemoryCache())
    return [[run.stream(g, {"log": []}, subgraphs=True) for _ in "12"], calls]


@program("R1.38", "R7.13")
def a_subgraph_takes_the_cache_of_its_parent(api, run):
    calls = []

    def inner(state):
        calls.append("inner")
        return {"log": ["inner"]}

    below = api.StateGraph(S)
    below.add_node("inner", inner, cache_policy=api.CachePolicy())
    below.add_edge(api.START, "inner")
    built = api.StateGraph(S).add_node("sub", below.compile())
    g = built.add_edge(api.START, "sub").compile(cache=api.InMemoryCache())
    return [[run.invoke(g, {"log": []}) for _ in "12"], calls]


@program("R1.38", "R1.40")
def a_policy_by_default(api, run):
    calls = []

    def says(name):
        def node(state):
            calls.append(name)
            return {"log": [name]}

        return node

    own = api.CachePolicy(key_func=lambda state: "always")
    built = api.StateGraph(S).set_node_defaults(cache_policy=api.CachePolicy())
    built.add_node("n", says("n")).add_node("m", says("m"), cache_policy=own)
    built.add_edge(api.START, "n").add_edge(api.START, "m")
    g = built.compile(cache=api.InMemoryCache())
    seen = [run.invoke(g, {"a": a, "log": []}) for a in (1, 1, 2)]
    return [seen, sorted(calls)]


@program("R1.38")
def a_node_that_returns_nothing(api, run):
    calls = []

    def n(state):
        calls.append("n")

    built = api.StateGraph(S).add_node("n", n, cache_policy=api.CachePolicy())
    g = built.add_edge(api.START, "n").compile(cache=api.InMemoryCache())
    return [[run.stream(g, {"a": 1}) for _ in "12"], calls]


@program(
    "R1.38",
    "R3.12",
    "R6.4",
    differs="the thread can be read and updated; LangGraph asks key_func there too, and raises",
    expected=[
        {"raises": "LookupError"},
        [],
        {
            "values": {"log": ["i"]},
            "next": ["m", "n"],
            "interrupts": [],
            "tasks": [{"name": "m"}, {"name": "n"}],
            "step": [0, "loop"],
        },
        {"raises": "LookupError"},
        {"log": ["i", "u", "m"]},
        ["m"],
    ],
)
def a_key_func_that_raises(api, run):
    calls = []

    def key(state):
        raise LookupError("no key")

    policy = api.CachePolicy(key_func=key)
    retry = api.RetryPolicy(initial_interval=0.0, jitter=False, retry_on=LookupError)
    built = graph(api, (api.START, "n"), (api.START, "m"), m=say("m", calls))
    built.add_node("n", say("n", calls), cache_policy=policy, retry_policy=retry)
    g = built.compile(checkpointer=run.saver, cache=api.InMemoryCache())
    failed = run.attempt(run.invoke, g, {"log": ["i"]}, run.config())
    first = [*calls]
    seen = run.look(g, run.config())
    again = run.attempt(run.invoke, g, None, run.config())
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="n")
    return [failed, first, seen, again, run.invoke(g, None, run.config()), calls]
