"""Section 5: asking, answering, static breakpoints."""

from typing import Any

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

    def bad(state):
        time.sleep(0.05)
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


@program("R5.14")
def any_value_is_an_answer(api, run):
    seen = []
    answers = [False, 0, "", [], {"approve": True}, {}, "text"]
    g = _asking(api, run, n=_asks(api, "q"))
    for number, answer in enumerate(answers[:5] + answers[6:]):
        config = run.config(str(number))
        run.invoke(g, {"log": []}, config)
        seen.append(run.invoke(g, api.Command(resume=answer), config))
    config = run.config("none")
    run.invoke(g, {"log": []}, config)
    given = {_ids(run, g, config)["q"]: None}
    return [seen, run.invoke(g, api.Command(resume=given), config)]


@program("R5.15")
def a_plain_answer_to_several(api, run):
    g = _asking(api, run, p="P", q="Q")
    run.invoke(g, {"log": []}, run.config())
    before = run.steps(g, run.config())
    error = run.attempt(
        run.invoke, g, api.Command(resume="r"), run.config(), kind=RuntimeError
    )
    return [
        error,
        run.steps(g, run.config()) == before,
        run.look(g, run.config())["interrupts"],
    ]


@program("R5.16")
def a_map_answers_some(api, run):
    g = _asking(api, run, p="P", q="Q", r="R")
    run.invoke(g, {"log": []}, run.config())
    ids = _ids(run, g, run.config())
    some = run.invoke(g, api.Command(resume={ids["Q"]: 2, ids["P"]: 1}), run.config())
    left = run.look(g, run.config())
    same = _ids(run, g, run.config())["R"] == ids["R"]
    last = run.invoke(g, api.Command(resume=3), run.config())
    return [sorted(ids), some["__interrupt__"], left["next"], same, last]


@program("R5.16")
def a_map_answers_all(api, run):
    g = _asking(api, run, p="P", q="Q")
    run.invoke(g, {"log": []}, run.config())
    ids = _ids(run, g, run.config())
    return run.invoke(g, api.Command(resume={ids["P"]: 1, ids["Q"]: 2}), run.config())


@program(
    "R5.17",
    differs="a task whose question has no answer is not started",
    expected=[["p1", "p2", "p3"], ["p2"], {"log": ["a", "b", "p3"]}, ["p1"]],
)
def unanswered_tasks_do_not_start(api, run):
    calls = []
    p1, p2 = _asks(api, "P", calls, "p1"), _asks(api, "Q", calls, "p2")
    g = _asking(api, run, p1=p1, p2=p2, p3=say("p3", calls))
    run.invoke(g, {"log": []}, run.config())
    first = sorted(calls)
    ids = _ids(run, g, run.config())
    run.invoke(g, api.Command(resume={ids["Q"]: "b"}), run.config())
    second = calls[3:]
    last = run.invoke(g, api.Command(resume={ids["P"]: "a"}), run.config())
    return [first, second, last, calls[4:]]


@program(
    "R5.18",
    differs="an answer has exactly one addressee or is refused",
    expected=[
        {"raises": "UnknownInterruptError"},
        {"raises": "UnknownInterruptError"},
        {"raises": "UnknownInterruptError"},
        {"raises": "UnknownInterruptError"},
        {"log": ["r"]},
        {"raises": "UnknownInterruptError"},
    ],
)
def answers_without_a_question(api, run):
    g = _asking(api, run, n=_asks(api, "q"))
    two = _asking(api, run, p="P", q="Q")
    run.invoke(g, {"log": []}, run.config())
    run.invoke(two, {"log": []}, run.config("two"))

    def answer(graph, value, thread="t"):
        return run.attempt(
            run.invoke, graph, api.Command(resume=value), run.config(thread)
        )

    return [
        answer(g, {"0" * 32: "x"}),
        answer(g, {}),
        answer(two, "x", "two"),
        answer(g, "x", "fresh"),
        answer(g, "r"),
        answer(g, "again"),
    ]


@program(
    "R5.18",
    differs="an id that was answered does not answer the next question",
    expected=[
        {"raises": "UnknownInterruptError"},
        [{"asks": "B", "id": "#1"}],
    ],
)
def an_old_id_does_not_answer_the_next_question(api, run):
    def n(state):
        return {"log": [api.interrupt("A"), api.interrupt("B")]}

    g = _asking(api, run, n=n)
    old = run.invoke(g, {"log": []}, run.config())["__interrupt__"][0].id
    run.invoke(g, api.Command(resume={old: 1}), run.config())
    error = run.attempt(run.invoke, g, api.Command(resume={old: 2}), run.config())
    return [error, run.look(g, run.config())["interrupts"]]


@program(
    "R5.18",
    differs="says why it was refused",
    expected=["not_pending", "empty_map", "ambiguous"],
)
def reasons_of_refusal(api, run):
    two = _asking(api, run, p="P", q="Q")
    run.invoke(two, {"log": []}, run.config())

    def reason(value):
        try:
            return run.invoke(two, api.Command(resume=value), run.config())
        except RuntimeError as error:
            return getattr(error, "reason", None)

    return [reason({"0" * 32: 1}), reason({}), reason("plain")]


@program(
    "R5.19",
    differs="a command with nothing in it is an empty input",
    expected=[{"raises": "EmptyInputError"}] * 2,
)
def an_empty_command(api, run):
    g = _asking(api, run, n=_asks(api, "q"))
    run.invoke(g, {"log": []}, run.config())
    return [
        run.attempt(run.invoke, g, api.Command(), run.config()),
        run.attempt(run.invoke, g, api.Command(resume=None), run.config()),
    ]


@program("R5.20")
def a_resumed_task_that_fails_keeps_its_answer(api, run):
    calls = []

    def n(state):
        given = api.interrupt("q")
        calls.append(given)
        if len(calls) == 1:
            raise RuntimeError("after")
        return {"log": [given]}

    g = _asking(api, run, n=n)
    run.invoke(g, {"log": []}, run.config())
    error = run.attempt(run.invoke, g, api.Command(resume="r"), run.config())
    return [error, run.invoke(g, None, run.config()), calls]


@program(
    "R5.20",
    differs="a question whose answer is saved is not pending",
    expected=[[], ["n"]],
)
def an_answered_question_is_not_listed(api, run):
    def n(state):
        api.interrupt("q")
        raise RuntimeError("after")

    g = _asking(api, run, n=n)
    run.invoke(g, {"log": []}, run.config())
    run.attempt(run.invoke, g, api.Command(resume="r"), run.config())
    seen = run.look(g, run.config())
    return [seen["interrupts"], seen["next"]]


@program("R5.20")
def retries_see_the_answer(api, run):
    calls = []

    def n(state):
        given = api.interrupt("q")
        calls.append(given)
        if len(calls) == 1:
            raise ConnectionError
        return {"log": [given]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = (
        api.StateGraph(S).add_node("n", n, retry_policy=policy).add_edge(api.START, "n")
    )
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    return [run.invoke(g, api.Command(resume="r"), run.config()), calls]


@program("R5.21")
def an_answer_with_an_update(api, run):
    calls = []

    @api.task
    def before():
        calls.append("task")
        return "t"

    def n(state):
        got = before().result()
        calls.append(list(state["log"]))
        return {"log": [got, api.interrupt("q")]}

    g = _asking(api, run, n=n)
    run.invoke(g, {"log": ["i"]}, run.config())
    both = api.Command(resume="r", update={"log": ["u"]})
    return [run.invoke(g, both, run.config()), calls, run.steps(g, run.config())]


@program("R5.22")
def commands_as_input_on_a_paused_thread(api, run):
    built = graph(api, (api.START, "n"), n=_asks(api, "q"), z=None)
    g = built.compile(checkpointer=run.saver)
    seen = []
    for thread, command in (
        ("update", api.Command(update={"log": ["u"]})),
        ("goto", api.Command(goto="z")),
        ("both", api.Command(resume="r", goto="z")),
    ):
        config = run.config(thread)
        run.invoke(g, {"log": ["i"]}, config)
        seen.append(run.invoke(g, command, config))
        if thread != "both":
            seen.append(run.invoke(g, api.Command(resume="r"), config))
    return seen


@program("R5.23")
def goto_on_a_finished_thread(api, run):
    g = graph(api, (api.START, "x"), x=None, z=None).compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    return run.invoke(g, api.Command(goto="z", update={"log": ["u"]}), run.config())


@program(
    "R5.23",
    differs="on a fresh thread the update counts once and only the target runs",
    expected={"log": ["u", "z"]},
)
def goto_on_a_fresh_thread(api, run):
    g = graph(api, (api.START, "x"), x=None, z=None).compile(checkpointer=run.saver)
    return run.invoke(g, api.Command(goto="z", update={"log": ["u"]}), run.config())


def _chain(api, run, **options):
    edges = [(api.START, "n1"), ("n1", "n2")]
    return graph(api, *edges, n1=None, n2=None).compile(
        checkpointer=run.saver, **options
    )


@program("R5.25", "R5.26")
def a_breakpoint_before(api, run):
    g = _chain(api, run, interrupt_before=["n2"])
    chunks = run.stream(g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    again = run.invoke(g, None, run.config())
    by_answer = run.invoke(g, {"log": []}, run.config("u"))
    return [
        chunks,
        seen,
        again,
        by_answer,
        run.invoke(g, api.Command(resume="go"), run.config("u")),
        run.steps(g, run.config()),
    ]


@program("R5.25")
def breakpoints_per_call(api, run):
    g = _chain(api, run)
    fixed = _chain(api, run, interrupt_before=["n1"])
    return [
        run.invoke(g, {"log": []}, run.config("a"), interrupt_after=["n1"]),
        run.look(g, run.config("a"))["next"],
        run.invoke(g, None, run.config("a")),
        run.invoke(fixed, {"log": []}, run.config("b"), interrupt_before=[]),
        run.invoke(fixed, {"log": []}, run.config("c"), interrupt_before=["n2"]),
        run.attempt(lambda: _chain(api, run, interrupt_after=["ghost"])),
    ]


@program(
    "R5.25",
    differs="unknown names are refused per call too",
    expected={"raises": "ValueError"},
)
def unknown_breakpoint_per_call(api, run):
    g = _chain(api, run)
    return run.attempt(
        run.invoke, g, {"log": []}, run.config(), interrupt_before=["ghost"]
    )


@program("R5.27")
def breakpoints_everywhere(api, run):
    before, after = (
        _chain(api, run, interrupt_before="*"),
        _chain(api, run, interrupt_after="*"),
    )
    seen = []
    for g, thread in ((before, "b"), (after, "a")):
        given: Any = {"log": []}
        for _ in range(3):
            out = run.invoke(g, given, run.config(thread))
            seen.append([out, run.look(g, run.config(thread))["next"]])
            given = None
    return seen


@program("R5.28")
def breakpoints_without_a_saver(api, run):
    edges = [(api.START, "n1"), ("n1", "n2")]
    g = graph(api, *edges, n1=None, n2=None).compile(interrupt_before=["n2"])
    return run.invoke(g, {"log": []})


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
