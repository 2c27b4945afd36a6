"""Former names of arguments and attributes: taken, with a warning (E.former)."""

import warnings
from collections.abc import Callable
from typing import Any, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph


class Context(TypedDict, total=False):
    who: str


class In(TypedDict, total=False):
    a: int


class Out(TypedDict, total=False):
    b: str


class Sees(TypedDict, total=False):
    a: int


def warned(call: Callable[[], Any]) -> tuple[Any, int]:
    """What `call` returns, and of how many deprecations it warns."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = call()
    return result, sum(issubclass(w.category, DeprecationWarning) for w in seen)


def failing_once(calls, name="flaky"):
    def flaky(state):
        calls.append(name)
        if len(calls) == 1:
            raise ConnectionError
        return {"log": [name]}

    return flaky


@program("E.former")
def schemas_of_a_graph(api, run):
    built, count = warned(
        lambda: api.StateGraph(S, config_schema=Context, input=In, output=Out)
    )
    seen = []

    def node(state, runtime):
        seen.append([dict(state), runtime.context])
        return {"b": "x", "log": ["n"]}

    g = built.add_node("n", node).add_edge(api.START, "n").compile()
    given = {"a": 1, "b": "dropped"}
    return [run.invoke(g, given, context={"who": "me"}), seen, count]


@program("E.former")
def the_present_name_goes_before(api, run):
    built, count = warned(lambda: api.StateGraph(S, output_schema=Out, output=In))
    built.add_node("n", lambda s: {"b": "x"}).add_edge(api.START, "n")
    return [run.invoke(built.compile(), {"a": 1}), count]


@program("E.former")
def retry_and_input_of_a_node(api, run):
    calls, seen = [], []
    retry = api.RetryPolicy(initial_interval=0.001, jitter=False)
    flaky = failing_once(calls)

    def node(state):
        seen.append(dict(state))
        return flaky(state)

    built = graph(api, (api.START, "n"))
    _, count = warned(lambda: built.add_node("n", node, retry=retry, input=Sees))
    result = run.invoke(built.compile(), {"a": 1, "b": "hidden"})
    return [result, calls, seen, count]


@program("E.former", only="blocking")
def retry_of_a_task_and_an_entrypoint(api, run):
    calls, bodies = [], []
    retry = api.RetryPolicy(initial_interval=0.001, jitter=False)

    def fetch(x):
        calls.append(x)
        if len(calls) == 1:
            raise ConnectionError
        return x + 1

    def body(x):
        bodies.append(x)
        if len(bodies) == 1:
            raise ConnectionError
        return task(x).result()

    task, of_task = warned(lambda: api.task(retry=retry)(fetch))
    flow, of_flow = warned(
        lambda: api.entrypoint(retry=retry, config_schema=Context)(body)
    )
    return [run.invoke(flow, 1), calls, bodies, of_task, of_flow]


@program("E.former")
def checkpoint_during(api, run):
    seen = []
    for number, during in enumerate([True, False]):
        g = graph(api, (api.START, "n"), ("n", "m"), n=None, m=None)
        flow = g.compile(checkpointer=run.saver)
        config = run.config(str(number))
        _, count = warned(
            lambda flow=flow, config=config, during=during: run.invoke(
                flow, {"log": []}, config, checkpoint_during=during
            )
        )
        seen.append([run.steps(flow, config), count])
    g = graph(api, (api.START, "n"), n=None).compile(checkpointer=run.saver)
    both = {"checkpoint_during": True, "durability": "sync"}
    refused, _ = warned(
        lambda: run.attempt(run.invoke, g, {"log": []}, run.config("both"), **both)
    )
    chunks, streamed = warned(
        lambda: run.stream(g, {"log": []}, run.config("s"), checkpoint_during=False)
    )
    return [seen, refused, chunks, streamed, len(run.steps(g, run.config("s")))]


@program("E.former")
def what_an_interrupt_was_given(api, run):
    """Its digits are each engine's own; what has the same id as what is not."""

    def made(*given, **more):
        return warned(lambda: api.Interrupt("q", *given, **more))[0]

    place = made(ns=["a:1", "b:2"])
    return [
        [place.value, len(place.id)],
        place == made(ns=("a:1", "b:2"), resumable=True, when="during"),
        place == api.Interrupt.from_ns("q", "a:1|b:2"),
        place.id == made(ns=["a:1", "b:3"]).id,
        [made("own", ns=["a:1"]).id, made(ns=None).id, made(when="during").id],
        run.attempt(made, ns=[1]),
    ]


@program("E.former")
def attributes_of_results(api, run):
    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = graph(api, (api.START, "n"), n=asks).compile(checkpointer=run.saver)
    made = run.invoke(g, {"a": 1}, run.config(), version="v2")
    seen = [
        warned(lambda: made["a"]),
        warned(lambda: [q.value for q in made["__interrupt__"]]),
        warned(lambda: ["a" in made, "b" in made, "__interrupt__" in made]),
        warned(lambda: run.attempt(lambda: made["b"])),
        warned(lambda: made.interrupts[0].interrupt_id == made.interrupts[0].id),
    ]
    return [[value, count > 0] for value, count in seen]


@program("E.former", "R2.19")
def a_graph_of_messages_alone(api, run):
    built, count = warned(api.MessageGraph)

    def counts(messages):
        return {"role": "assistant", "content": f"saw {len(messages)}"}

    def ends(messages):
        return [("user", "that is all")]

    built.add_node("counts", counts).add_node("ends", ends)
    built.set_entry_point("counts").set_finish_point("ends")
    path = lambda messages: api.END if len(messages) > 3 else "ends"  # noqa: E731
    g = built.add_conditional_edges("counts", path).compile(checkpointer=run.saver)
    first = run.invoke(g, "hi", run.config())
    second = run.invoke(g, [("user", "again")], run.config())
    kept = run.get_state(g, run.config()).values
    texts = [[[m.type, m.content] for m in each] for each in (first, second, kept)]
    return [texts, len({m.id for m in kept}), count]
