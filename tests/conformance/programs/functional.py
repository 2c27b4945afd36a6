"""Section 8: entrypoints and tasks."""

import functools

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


@program("R8.1", "R8.4")
def an_entrypoint_and_its_state(api, run):
    @api.task
    def double(n):
        return n * 2

    @api.entrypoint(checkpointer=run.saver)
    def wf(n, *, previous=None, config):
        return {
            "was": previous,
            "is": double(n).result(),
            "t": config["configurable"]["thread_id"],
        }

    first = run.invoke(wf, 1, run.config())
    seen = run.look(wf, run.config())
    return [first, seen, run.invoke(wf, 2, run.config()), run.steps(wf, run.config())]


@program("R8.1")
def parameters_of_an_entrypoint(api, run):
    def none():
        return 1

    def other(n, wanted):
        return 1

    def generator(n):
        yield n

    return [
        run.attempt(lambda: api.entrypoint()(none) and "fine"),
        run.attempt(lambda: run.invoke(api.entrypoint()(other), 1)),
        run.attempt(lambda: api.entrypoint()(generator) and "fine"),
    ]


@program("R8.3")
def inputs_of_an_entrypoint(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return [n]

    return [
        run.invoke(wf, 0, run.config("a")),
        run.invoke(wf, "", run.config("b")),
        run.attempt(run.invoke, wf, None, run.config("c")),
        run.attempt(run.invoke, wf, 1),
    ]


@program("R8.5")
def a_final_value_apart_from_the_saved_one(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(n, *, previous=None):
        return api.entrypoint.final(value=previous, save=(previous or 0) + n)

    out = [run.invoke(wf, n, run.config()) for n in (1, 2, 3)]
    return [out, run.look(wf, run.config())["values"]]


@program("R8.6")
def a_failed_run_keeps_previous(api, run):
    fails = [True]

    @api.entrypoint(checkpointer=run.saver)
    def wf(n, *, previous=None):
        if n == 6 and fails:
            fails.clear()
            raise RuntimeError("six")
        return [n, previous and previous[0]]

    return [
        run.invoke(wf, 5, run.config()),
        run.attempt(run.invoke, wf, 6, run.config()),
        run.invoke(wf, None, run.config()),
        run.invoke(wf, 7, run.config()),
    ]


@program("R8.7")
def updating_the_saved_value(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(n, *, previous=None):
        return [n, previous]

    run.invoke(wf, 1, run.config())
    run.update_state(wf, run.config(), "set", as_node="wf")
    return [run.look(wf, run.config())["values"], run.invoke(wf, 2, run.config())]


@program("R6.7", "R8.3", "R8.7")
def updates_of_an_entrypoint(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def adds(n, *, previous=None):
        return n + (previous or 0)

    @api.entrypoint(checkpointer=run.saver)
    def asks(n, *, previous=None):
        return [n, previous, api.interrupt("q")]

    def told(name, wf, begun, values, node):
        thread = run.config(f"{name} {begun} {values} {node}")
        if begun:
            run.invoke(wf, 10, thread)
        made = run.attempt(run.update_state, wf, thread, values, as_node=node)
        seen = [made if "raises" in made else "made", run.look(wf, thread)]
        return [*seen, run.attempt(run.invoke, wf, 1, thread)]

    return [
        told(name, wf, begun, values, node)
        for name, wf, begun in (
            ("adds", adds, False),
            ("adds", adds, True),
            ("asks", asks, True),
        )
        for values in (None, 5)
        for node in (None, name, "__start__", "__input__", "__copy__")
        if node != "__copy__" or values is None
    ]


@program("R8.8")
def a_new_input_while_paused(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(n, *, previous=None):
        return [n, previous, api.interrupt(f"q{n}")]

    first = run.invoke(wf, 1, run.config())
    second = run.invoke(wf, 2, run.config())
    return [first, second, run.invoke(wf, api.Command(resume="r"), run.config())]


@program("R8.12")
def entrypoints_in_entrypoints_and_nodes(api, run):
    @api.entrypoint()
    def inner(n):
        return n + 1

    @api.entrypoint(checkpointer=run.saver)
    def outer(n):
        return inner.invoke(n) * 10

    def node(state):
        return {"log": [inner.invoke(1)]}

    g = graph(api, (api.START, "node"), node=node).compile()
    return [run.invoke(outer, 1, run.config()), run.invoke(g, {"log": []})]


@program("R8.13", "R8.14")
def a_task_asks(api, run):
    calls = []

    @api.task
    def before(n):
        calls.append("before")
        return n

    @api.task
    def ask(n):
        calls.append("ask")
        return api.interrupt(f"q{n}")

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        calls.append("body")
        return [before(n).result(), ask(1).result(), ask(2).result()]

    seen = [run.invoke(wf, 5, run.config())]
    seen += [
        run.invoke(wf, api.Command(resume=each), run.config()) for each in ("x", "y")
    ]
    return [seen, calls]


@program(
    "R8.13",
    differs="all questions of tasks already started are shown and answerable by id",
    expected=[["q1", "q2"], ["x", "y"]],
)
def tasks_that_ask_at_the_same_time(api, run):
    @api.task
    def ask(n):
        return api.interrupt(f"q{n}")

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return [f.result() for f in [ask(1), ask(2)]]

    run.invoke(wf, 1, run.config())
    ids = {i.value: i.id for i in run.get_state(wf, run.config()).interrupts}
    answers = {ids[q]: a for q, a in (("q1", "x"), ("q2", "y")) if q in ids}
    return [sorted(ids), run.invoke(wf, api.Command(resume=answers), run.config())]


@program(
    "R8.15",
    differs="a result that cannot be stored is a SerializationError, a TypeError too",
    expected=[{"raises": "SerializationError", "says": "odd"}, {"raises": "TypeError"}],
)
def a_result_that_cannot_be_stored(api, run):
    @api.task
    def odd():
        return {"deep": [object()]}

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        odd().result()
        return 1

    return [
        run.attempt(run.invoke, wf, 1, run.config("a"), says="odd"),
        run.attempt(run.invoke, wf, 1, run.config("b"), kind=TypeError),
    ]


@program("R8.17")
def chunks_of_an_entrypoint(api, run):
    @api.task
    def one(n):
        return n + 1

    @api.task
    def two(n):
        return n + 2

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return two(one(n).result()).result()

    return [
        run.stream(wf, 1, run.config()),
        run.stream(wf, 1, run.config(), stream_mode="values"),
        run.stream(wf, 1, run.config(), stream_mode=["updates"]),
    ]


@program("R8.14", "R4.12")
def an_entrypoint_that_fails_and_goes_on(api, run):
    calls = []

    @api.task
    def step(n):
        calls.append(n)
        return n

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        total = step(1).result() + step(2).result()
        if calls.count("fail") == 0:
            calls.append("fail")
            raise RuntimeError("between")
        return total + step(3).result()

    error = run.attempt(run.invoke, wf, 1, run.config())
    seen = run.look(wf, run.config())
    return [error, seen["next"], run.invoke(wf, None, run.config()), calls]


@program("R8.2")
def a_generator_is_no_entrypoint(api, run):
    def yields(n):
        yield n

    async def yields_later(n):
        yield n

    return [
        run.attempt(lambda: api.entrypoint()(yields) and "fine"),
        run.attempt(lambda: api.entrypoint()(yields_later) and "fine"),
    ]


@program("R8.4", "R6.1")
def the_saved_value_before_there_is_one(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return api.interrupt("q")

    config = run.config()
    fresh = run.get_state(wf, config).values
    run.invoke(wf, 1, config)
    paused = [s.values for s in run.get_history(wf, config)]
    run.invoke(wf, api.Command(resume="a"), config)
    run.invoke(wf, 1, config)
    return [fresh, paused, [s.values for s in run.get_history(wf, config)]]


@program("R8.5")
def the_output_schema_of_a_final_is_that_of_its_value(api, run):
    final = api.entrypoint.final

    def bare(n: int) -> final:
        return final(value=n, save=None)

    def text(n: int) -> final[str, int]:
        return final(value=str(n), save=n)

    def many(n: int) -> final[list[int], dict[str, int]]:
        return final(value=[n], save={})

    schemas = [api.entrypoint()(f).get_output_jsonschema() for f in (bare, text, many)]
    for schema in schemas:
        schema.pop("title", None)
    return schemas


@program("R8.9", "R8.17")
def a_partial_task_is_called_after_its_function(api, run):
    def join(left, right):
        return left + right

    prefixed = api.task(functools.partial(join, "a"))
    twice = api.task(functools.partial(functools.partial(join, "b"), "c"))
    named = api.task(functools.partial(join, "d"), name="other")

    @api.entrypoint()
    def wf(text):
        return [prefixed(text).result(), twice().result(), named(text).result()]

    return run.stream(wf, "x")
