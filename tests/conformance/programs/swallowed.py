"""Section 5: questions that somebody catches (R5.10), and what an interrupt never is."""

import asyncio

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, open_ids


def _one(api, run, node, **options):
    built = api.StateGraph(S).add_node("n", node, **options).add_edge(api.START, "n")
    return built.compile(checkpointer=run.saver)


def _swallowed(run, g):
    """How the run ends, and what is left to be asked."""
    error = run.attempt(run.invoke, g, {"log": []}, run.config(), says="how much?")
    return [error, run.look(g, run.config())["interrupts"]]


@program(
    "R5.10",
    "RA.19",
    only="async",
    differs="a question among gathered results fails the task that goes on",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_question_gathered_as_a_value(api, run):
    @api.task
    async def asking():
        return api.interrupt("how much?")

    async def n(state):
        found = await asyncio.gather(asking(), return_exceptions=True)
        return {"log": [type(found[0]).__name__]}

    return _swallowed(run, _one(api, run, n))


@program(
    "R5.10",
    "RA.19",
    differs="a body that catches the question of its task and goes on fails",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_swallowed_question_of_a_task(api, run):
    @api.task
    def asking():
        return api.interrupt("how much?")

    def n(state):
        try:
            return {"log": [asking().result()]}
        except Exception:  # noqa: BLE001
            return {"log": ["swallowed"]}

    return _swallowed(run, _one(api, run, n))


@program(
    "R5.10",
    "RA.19",
    differs="a task that catches its own question fails",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_question_swallowed_inside_a_task(api, run):
    @api.task
    def asking():
        try:
            return api.interrupt("how much?")
        except Exception:  # noqa: BLE001
            return "swallowed"

    def n(state):
        return {"log": [asking().result()]}

    return _swallowed(run, _one(api, run, n))


@program(
    "R5.10",
    "RA.19",
    differs="a body that sees that its task asks, and goes on, fails",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_question_looked_at_and_left(api, run):
    @api.task
    def asking():
        return api.interrupt("how much?")

    def n(state):
        error = asking().exception()
        return {"log": [type(error).__name__]}

    return _swallowed(run, _one(api, run, n))


@program(
    "R5.10",
    "RA.19",
    differs="a node that catches the question of a subgraph and goes on fails",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_swallowed_question_of_a_subgraph(api, run):
    below = graph(api, (api.START, "n"), n=asks(api, "how much?")).compile()

    def n(state):
        try:
            return below.invoke({"log": []})
        except Exception:  # noqa: BLE001
            return {"log": ["swallowed"]}

    return _swallowed(run, _one(api, run, n))


@program(
    "R5.10",
    "RA.19",
    differs="a node of a subgraph that catches its question fails",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_question_swallowed_inside_a_subgraph(api, run):
    def catches(state):
        try:
            return {"log": [api.interrupt("how much?")]}
        except Exception:  # noqa: BLE001
            return {"log": ["swallowed"]}

    below = graph(api, (api.START, "n"), n=catches).compile()
    return _swallowed(run, _one(api, run, below))


@program(
    "R5.10",
    "RA.19",
    differs="a branch that catches its question fails its node",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_question_swallowed_in_a_branch(api, run):
    def choose(state):
        try:
            return api.interrupt("how much?")
        except Exception:  # noqa: BLE001
            return api.END

    built = graph(api, (api.START, "n"), n=None)
    g = built.add_conditional_edges("n", choose).compile(checkpointer=run.saver)
    return _swallowed(run, g)


@program(
    "R5.10",
    "RA.19",
    differs="an entrypoint that catches its question fails",
    expected=[{"raises": "InterruptSwallowedError", "says": "how much?"}, []],
)
def a_question_swallowed_in_an_entrypoint(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(given):
        try:
            return api.interrupt("how much?")
        except Exception:  # noqa: BLE001
            return "swallowed"

    error = run.attempt(run.invoke, wf, 1, run.config(), says="how much?")
    return [error, run.look(wf, run.config())["interrupts"]]


@program(
    "R5.10",
    "RA.19",
    differs="a swallowed question fails at once; a retry could not answer it",
    expected=[[{"raises": "InterruptSwallowedError", "says": "how much?"}, []], 1],
)
def a_swallowed_question_is_not_retried_into_an_answer(api, run):
    calls = []

    def n(state):
        calls.append(1)
        try:
            return {"log": [api.interrupt("how much?")]}
        except Exception:  # noqa: BLE001
            return {"log": ["swallowed"]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=3)
    return [_swallowed(run, _one(api, run, n, retry_policy=policy)), len(calls)]


@program("R5.10")
def an_answer_that_comes_after_a_catch_counts(api, run):
    """Caught once, asked on: the second question is the one that is answered first."""

    def n(state):
        try:
            first = api.interrupt("one")
        except api.GraphBubbleUp:
            raise
        return {"log": [first, api.interrupt("two")]}

    g = _one(api, run, n)
    return [
        run.invoke(g, given, run.config())
        for given in ({"log": []}, api.Command(resume=1), api.Command(resume=2))
    ]


@program("R5.12", "R1.39")
def questions_do_not_reach_an_error_handler(api, run):
    calls = []

    def handler(state):
        calls.append("handler")
        return {"log": ["handled"]}

    g = _one(api, run, asks(api), error_handler=handler)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config()), calls]


@program(
    "R5.1",
    "R1.39",
    differs="the question of an error handler is listed, and has an id of its own",
    expected=[
        {"log": [], "__interrupt__": [{"asks": "handler?", "id": "#1"}]},
        {"log": ["handled b"]},
    ],
)
def an_error_handler_asks(api, run):
    def n(state):
        given = api.interrupt("node?")
        raise ValueError(given)

    def handler(state):
        return {"log": [f"handled {api.interrupt('handler?')}"]}

    g = _one(api, run, n, error_handler=handler)
    run.invoke(g, {"log": []}, run.config())
    second = run.invoke(g, api.Command(resume="a"), run.config())
    answer = {open_ids(run, g, run.config())["handler?"]: "b"}
    return [second, run.invoke(g, api.Command(resume=answer), run.config())]
