"""Section 5: asking."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say


def _asking(api, run, **nodes):
    """All nodes start at once; a text node asks that question."""
    built = api.StateGraph(S)
    for name, node in nodes.items():
        built.add_node(name, _asks(api, node) if isinstance(node, str) else node)
        built.add_edge(api.START, name)
    return built.compile(checkpointer=run.saver)


def _asks(api, question, calls=None, name="n"):
    def node(state):
        if calls is not None:
            calls.append(name)
        return {"log": [api.interrupt(question)]}

    return node


def _ids(run, g, config):
    """Open questions of the head by what they ask."""
    return {i.value: i.id for i in run.get_state(g, config).interrupts}


@program("R5.1", "R5.3")
def a_question_and_its_answer(api, run):
    calls = []
    edges = [(api.START, "x"), ("x", "n"), ("n", "y")]
    nodes = {
        "x": say("x", calls),
        "n": _asks(api, {"what": "price"}, calls),
        "y": say("y", calls),
    }
    g = graph(api, *edges, **nodes).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": ["i"]}, run.config())
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume=5), run.config())
    return [
        first,
        seen,
        last,
        calls,
        run.look(g, run.config()),
        run.steps(g, run.config()),
    ]


@program("R5.1")
def siblings_of_a_question_finish(api, run):
    calls = []
    edges = [(api.START, "n"), (api.START, "x"), (["n", "x"], "j")]
    nodes = {"n": _asks(api, "q", calls), "x": say("x", calls), "j": say("j", calls)}
    g = graph(api, *edges, **nodes).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    before = sorted(calls)
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, seen, before, last, calls[2:]]


@program("R5.2")
def questions_compare_by_fields(api, run):
    one, two = api.Interrupt("v", "1"), api.Interrupt("v", "1")
    return [one == two, one == api.Interrupt("v", "2"), run.attempt(hash, one)]


@program("R5.3")
def an_entrypoint_asks(api, run):
    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return api.interrupt(f"q{n}")

    first = run.invoke(wf, 1, run.config())
    return [first, run.invoke(wf, api.Command(resume="r"), run.config())]


@program("R5.4", "R5.5")
def several_questions_in_one_node(api, run):
    calls = []

    def n(state):
        calls.append("n")
        return {"log": [api.interrupt("A"), api.interrupt("B"), api.interrupt("C")]}

    g = _asking(api, run, n=n)
    seen = [run.invoke(g, {"log": []}, run.config())]
    for answer in (1, 2, 3):
        seen.append(run.invoke(g, api.Command(resume=answer), run.config()))
        seen.append(run.look(g, run.config())["interrupts"])
    return [seen, len(calls)]


@program("R5.6")
def another_question_at_the_same_place_gets_the_answer(api, run):
    seen = []

    def n(state):
        seen.append(1)
        if len(seen) == 1:
            api.interrupt("first")
        return {"log": [api.interrupt("second")]}

    g = _asking(api, run, n=n)
    run.invoke(g, {"log": []}, run.config())
    return run.invoke(g, api.Command(resume="for-first"), run.config())


@program(
    "R5.7",
    differs="questions may be matched by a key of their own; the reference has none",
    expected=[
        {"__interrupt__": [{"asks": "A", "id": "#1"}], "log": []},
        {"__interrupt__": [{"asks": "B", "id": "#2"}], "log": []},
        {"log": ["a", "b"]},
        {"raises": "ValueError", "says": "twice"},
    ],
)
def questions_with_keys(api, run):
    def n(state):
        return {"log": [api.interrupt("A", key="a"), api.interrupt("B", key="b")]}

    def equal(state):
        return {
            "log": [api.interrupt("A", key="twice"), api.interrupt("B", key="twice")]
        }

    g = _asking(api, run, n=n)
    seen = [run.invoke(g, {"log": []}, run.config())]
    seen += [
        run.invoke(g, api.Command(resume=each), run.config()) for each in ("a", "b")
    ]
    bad = _asking(api, run, n=equal)
    run.invoke(bad, {"log": []}, run.config("two"))
    again = api.Command(resume="a")
    return [*seen, run.attempt(run.invoke, bad, again, run.config("two"), says="twice")]


@program("R5.8")
def asking_again_in_a_loop(api, run):
    def n(state):
        question = "age?"
        while True:
            given = api.interrupt(question)
            if isinstance(given, int):
                return {"log": [given]}
            question = f"{given!r} is no number"

    g = _asking(api, run, n=n)
    seen = [run.invoke(g, {"log": []}, run.config())]
    for answer in ("x", "y", 7):
        seen.append(run.invoke(g, api.Command(resume=answer), run.config()))
    return seen


@program("R5.9")
def an_answer_with_a_schema(api, run):
    from pydantic import BaseModel

    class Answer(BaseModel):
        amount: int
        why: str = ""

    calls = []

    def n(state):
        calls.append("n")
        given = api.interrupt("how much?", response_schema=Answer)
        return {"log": [type(given).__name__, given.amount, given.why]}

    g = _asking(api, run, n=n)
    first = run.invoke(g, {"log": []}, run.config())
    schema = first["__interrupt__"][0].response_schema
    bad = run.attempt(
        run.invoke, g, api.Command(resume={"amount": "much"}), run.config()
    )
    left = run.look(g, run.config())["interrupts"]
    last = run.invoke(g, api.Command(resume={"amount": 3}), run.config())
    return [first, sorted(schema["properties"]), bad, left, last]


@program("R5.9")
def an_answer_with_a_schema_as_a_dict(api, run):
    def n(state):
        return {"log": [api.interrupt("q", response_schema={"type": "integer"})]}

    g = _asking(api, run, n=n)
    schema = run.invoke(g, {"log": []}, run.config())["__interrupt__"][
        0
    ].response_schema
    return [schema, run.invoke(g, api.Command(resume="text"), run.config())]


@program(
    "R5.10",
    differs="a task that catches its own question and goes on fails",
    expected={"raises": "InterruptSwallowedError", "says": "how much?"},
)
def a_swallowed_question(api, run):
    def n(state):
        try:
            api.interrupt("how much?")
        except Exception:  # noqa: BLE001
            return {"log": ["swallowed"]}

    g = _asking(api, run, n=n)
    return run.attempt(run.invoke, g, {"log": []}, run.config(), says="how much?")


@program("R5.10")
def letting_control_flow_pass(api, run):
    def n(state):
        try:
            return {"log": [api.interrupt("q")]}
        except api.GraphBubbleUp:
            raise
        except Exception:  # noqa: BLE001
            return {"log": ["swallowed"]}

    g = _asking(api, run, n=n)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config())]


@program("R5.11")
def questions_without_a_saver(api, run):
    g = graph(api, (api.START, "n"), n=_asks(api, "q")).compile()
    return [
        run.invoke(g, {"log": []}),
        run.attempt(run.invoke, g, api.Command(resume=1), kind=RuntimeError),
        run.attempt(api.interrupt, "outside", kind=RuntimeError),
    ]


@program("R5.12")
def questions_are_not_retried(api, run):
    calls = []
    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, retry_on=Exception)
    built = api.StateGraph(S).add_node("n", _asks(api, "q", calls), retry_policy=policy)
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    return [run.invoke(g, {"log": []}, run.config()), calls]


@program("R5.13")
def a_question_beside_a_failure(api, run):
    import time

    calls = []

    def is_asked():
        found = run.saver.get_tuple(run.config())
        return any(each[1] == "__interrupt__" for each in found.pending_writes)

    def bad(state):
        deadline = time.monotonic() + 30
        while not is_asked():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        calls.append("bad")
        if calls.count("bad") == 1:
            raise RuntimeError("bad")
        return {"log": ["bad"]}

    g = _asking(api, run, n=_asks(api, "q", calls), bad=bad)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    again = run.invoke(g, None, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [error, seen, again, last, sorted(calls)]


@program("R5.5", "R5.16")
def several_questions_in_parallel_tasks(api, run):
    def asks(name):
        def node(state):
            return {"log": [api.interrupt(f"{name}1"), api.interrupt(f"{name}2")]}

        return node

    g = _asking(api, run, p=asks("p"), q=asks("q"))
    run.invoke(g, {"log": []}, run.config())
    seen = []
    for questions in (["p1", "q1"], ["p2", "q2"]):
        ids = _ids(run, g, run.config())
        answers = {ids[each]: f"to {each}" for each in questions}
        out = run.invoke(g, api.Command(resume=answers), run.config())
        seen.append([sorted(ids), out["log"]])
    return seen


@program("R5.1", "R1.27")
def questions_of_sent_tasks(api, run):
    def w(n):
        return {"log": [f"{n}:{api.interrupt(f'q{n}')}"]}

    built = graph(api, w=w)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", n) for n in (1, 2, 3)]
    )
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = _ids(run, g, run.config())
    answers = {ids["q3"]: "c", ids["q1"]: "a"}
    run.invoke(g, api.Command(resume=answers), run.config())
    left = run.look(g, run.config())
    return [
        sorted(ids),
        left["next"],
        [i.value for i in left["interrupts"]],
        run.invoke(g, api.Command(resume="b"), run.config()),
    ]
