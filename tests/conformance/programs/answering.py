"""Section 5: answering."""

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
    "RA.5",
    differs="an id that was answered does not answer the next question",
    expected=[
        {"raises": "StaleAnswerError"},
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
    "R5.24",
    differs="who answers by id and comes second is told so, and by which checkpoint",
    expected=[
        {"raises": "StaleAnswerError"},
        [True, True, True, True],
        {"raises": "UnknownInterruptError"},
        {"log": ["first"]},
    ],
)
def who_answers_second_is_told_of_the_winner(api, run):
    g = _asking(api, run, n=_asks(api, "q"))
    asked = run.invoke(g, {"log": []}, run.config())["__interrupt__"][0].id
    run.invoke(g, api.Command(resume={asked: "first"}), run.config())
    head = g.get_state(run.config()).config["configurable"]["checkpoint_id"]
    late = api.Command(resume={asked: "second"})
    refused = run.attempt(run.invoke, g, late, run.config())
    try:
        run.invoke(g, late, run.config())
    except RuntimeError as error:
        told = [
            error.winner_checkpoint_id == head,
            error.interrupt_ids == (asked,),
            head in str(error),
            asked in str(error),
        ]
    never = api.Command(resume={asked: "second", "0" * 32: "x"})
    unknown = run.attempt(run.invoke, g, never, run.config())
    return [refused, told, unknown, g.get_state(run.config()).values]


@program(
    "R5.18",
    "RA.6",
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


@program("R1.25", "R5.22", "R5.23")
def goto_the_end_from_outside_adds_nothing(api, run):
    built = graph(api, (api.START, "n"), ("n", "x"), n=_asks(api, "q"), x=None, z=None)
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    return [
        run.invoke(g, given, run.config())
        for given in (
            api.Command(goto=api.END),
            api.Command(goto=[api.END, "z"]),
            api.Command(resume="r", goto=api.END),
            api.Command(goto=api.END, update={"log": ["u"]}),
        )
    ]


@program(
    "R1.25",
    "R5.23",
    differs="on a fresh thread only what goto names runs, and END names nothing",
    expected=[{"log": []}, {"log": ["u"]}],
)
def goto_the_end_on_a_fresh_thread(api, run):
    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    return [
        run.invoke(g, api.Command(goto=api.END, **more), run.config(thread))
        for thread, more in (("a", {}), ("b", {"update": {"log": ["u"]}}))
    ]
