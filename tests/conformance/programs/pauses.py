"""Section 5: questions in odd places and odd company."""

import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, open_ids, say


def _turns(run, g, *inputs, **options):
    """What each input gives, on one thread."""
    return [run.invoke(g, each, run.config(), **options) for each in inputs]


@program("R5.14", "R5.16")
def falsy_answers_in_a_map(api, run):
    given = {"a": None, "b": 0, "c": "", "d": False, "e": []}
    edges = [(api.START, name) for name in given]
    g = graph(api, *edges, **{name: asks(api, name) for name in given})
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    answers = {ids[name]: value for name, value in given.items()}
    return run.invoke(g, api.Command(resume=answers), run.config())


@program("R5.14")
def a_dict_with_one_id_among_its_keys_is_an_answer(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    mixed = {open_ids(run, g, run.config())["q"]: 1, "other": 2}
    return run.invoke(g, api.Command(resume=mixed), run.config())


@program("R4.4", "R5.1")
def a_question_in_a_run_saved_at_its_exit(api, run):
    calls = []
    nodes = {"x": say("x", calls), "n": asks(api), "z": say("z", calls)}
    g = graph(api, (api.START, "x"), ("x", "n"), ("n", "z"), **nodes)
    g = g.compile(checkpointer=run.saver)
    seen = []
    for given in ({"log": []}, api.Command(resume="r")):
        out = run.invoke(g, given, run.config(), durability="exit")
        seen.append([out, run.steps(g, run.config())])
    return [seen, calls]


@program("R4.4", "R5.1", "R7.7")
def a_question_below_in_a_run_saved_at_its_exit(api, run):
    below = graph(api, (api.START, "s"), ("s", "n"), s=None, n=asks(api)).compile()

    def calls(state):
        return {"log": below.invoke({"log": []})["log"]}

    built = graph(api, (api.START, "p"), ("p", "calls"), p=None, calls=calls)
    g = built.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config(), durability="exit")
    open_now = run.look(g, run.config())["interrupts"]
    answer = api.Command(resume="r")
    return [first, open_now, run.invoke(g, answer, run.config(), durability="exit")]


@program("R7.6", "R5.5")
def a_subgraph_called_twice_in_a_task_asks_twice(api, run):
    calls = []

    def n(state):
        calls.append(state["log"])
        return {"log": [api.interrupt(f"q{state['log']}")]}

    below = graph(api, (api.START, "n"), n=n).compile()

    def twice(state):
        one = below.invoke({"log": ["1"]})["log"]
        return {"log": [*one, *below.invoke({"log": ["2"]})["log"]]}

    g = graph(api, (api.START, "p"), p=twice).compile(checkpointer=run.saver)
    answers = [api.Command(resume=each) for each in "ab"]
    return [_turns(run, g, {"log": []}, *answers), calls]


@program("R7.5", "R5.1")
def a_subgraph_that_keeps_its_state_asks_in_every_run(api, run):
    def n(state):
        return {"log": [api.interrupt(f"q{len(state['log'])}")]}

    below = graph(api, (api.START, "n"), n=n).compile(checkpointer=True)

    def p(state):
        return {"log": [below.invoke({"log": ["i"]})["log"][-1]]}

    g = graph(api, (api.START, "p"), p=p).compile(checkpointer=run.saver)
    a, b = api.Command(resume="a"), api.Command(resume="b")
    return _turns(run, g, {"log": []}, a, {"log": []}, b)


@program(
    "R7.5",
    "R5.5",
    differs="the second answer reaches its question too",
    expected=[
        [
            {"log": [], "__interrupt__": [{"asks": "A", "id": "#1"}]},
            {"log": [], "__interrupt__": [{"asks": "B", "id": "#2"}]},
            {"log": ["i", "a", "b"]},
        ],
        ["n", "n", "n"],
    ],
)
def a_subgraph_without_a_saver_asks_twice(api, run):
    calls = []

    def n(state):
        calls.append("n")
        return {"log": [api.interrupt("A"), api.interrupt("B")]}

    below = graph(api, (api.START, "n"), n=n).compile(checkpointer=False)

    def p(state):
        return {"log": below.invoke({"log": ["i"]})["log"]}

    g = graph(api, (api.START, "p"), p=p).compile(checkpointer=run.saver)
    answers = [api.Command(resume=each) for each in "ab"]
    return [_turns(run, g, {"log": []}, *answers), calls]


@program("R5.16", "R7.7", "R1.27")
def sends_to_a_subgraph_that_asks(api, run):
    def n(state):
        return {"log": [f"{state['log']}{api.interrupt(str(state['log']))}"]}

    below = graph(api, (api.START, "n"), n=n).compile()
    built = graph(api, w=below)
    built.add_conditional_edges(
        api.START, lambda s: [api.Send("w", {"log": [each]}) for each in "abc"]
    )
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    first = open_ids(run, g, run.config())
    run.invoke(g, api.Command(resume={first["['b']"]: "B"}), run.config())
    left = open_ids(run, g, run.config())
    same = all(first[asked] == id for asked, id in left.items())
    rest = {id: asked for asked, id in left.items()}
    out = run.invoke(g, api.Command(resume=rest), run.config())
    return [list(first), list(left), same, out]


@program(
    "R5.1",
    "R1.21",
    differs="a branch that asks keeps its node's update back",
    expected=[
        {"log": [], "__interrupt__": [{"asks": "node?", "id": "#1"}]},
        {"log": [], "__interrupt__": [{"asks": "after ['r']?", "id": "#2"}]},
        {"log": [], "__interrupt__": [{"asks": "and?", "id": "#3"}]},
        {"log": ["r", "y", "z"]},
    ],
)
def a_node_and_its_branch_ask(api, run):
    def choose(state):
        return [api.interrupt(f"after {state['log']}?"), api.interrupt("and?")]

    built = graph(api, (api.START, "x"), x=asks(api, "node?"), y=None, z=None)
    g = built.add_conditional_edges("x", choose).compile(checkpointer=run.saver)
    answers = [api.Command(resume=each) for each in ("r", "y", "z")]
    return _turns(run, g, {"log": []}, *answers)


@program("R5.5", "R5.20", "R1.33")
def a_retry_between_two_questions(api, run):
    calls = []

    def n(state):
        calls.append("n")
        first = api.interrupt("A")
        if len(calls) == 2:
            raise ConnectionError
        return {"log": [first, api.interrupt("B")]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = api.StateGraph(S).add_node("n", n, retry_policy=policy)
    g = built.add_edge(api.START, "n").compile(checkpointer=run.saver)
    answers = [api.Command(resume=each) for each in (1, 2)]
    return [_turns(run, g, {"log": []}, *answers), len(calls)]


@program("R5.5", "R8.9")
def nested_tasks_ask(api, run):
    calls = []

    @api.task
    def inner(question):
        calls.append("inner")
        return api.interrupt(question)

    @api.task
    def outer():
        calls.append("outer")
        return [inner("i1").result(), api.interrupt("o"), inner("i2").result()]

    @api.entrypoint(checkpointer=run.saver)
    def flow(given):
        return outer().result()

    answers = [api.Command(resume=each) for each in "abc"]
    return [_turns(run, flow, 1, *answers), calls]


@program(
    "R5.20",
    differs="a kept answer answers its own question only, and a second one is refused",
    expected=[
        {"raises": "ValueError"},
        {"raises": "UnknownInterruptError"},
        [{"log": [], "__interrupt__": [{"asks": "B", "id": "#1"}]}, {"log": [1, 2]}],
    ],
)
def an_answer_kept_over_a_failure_answers_once(api, run):
    calls = []

    def n(state):
        first = api.interrupt("A")
        calls.append(first)
        if len(calls) == 1:
            raise ValueError("after A")
        return {"log": [first, api.interrupt("B")]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    failed = run.attempt(run.invoke, g, api.Command(resume=1), run.config())
    refused = run.attempt(run.invoke, g, api.Command(resume=9), run.config())
    return [failed, refused, _turns(run, g, None, api.Command(resume=2))]


@program("R5.1", "R3.15")
def a_stream_left_before_and_after_a_question(api, run):
    calls = []
    nodes = {"x": say("x", calls), "n": asks(api), "z": say("z", calls)}
    g = graph(api, (api.START, "x"), ("x", "n"), ("n", "z"), **nodes)
    g = g.compile(checkpointer=run.saver)
    options = {"stream_mode": "updates"}
    seen = [run.first_chunks(g, 1, {"log": []}, run.config(), **options)]
    seen.append(run.invoke(g, None, run.config()))
    answer = api.Command(resume="r")
    seen.append(run.first_chunks(g, 1, answer, run.config(), **options))
    return [seen, run.invoke(g, None, run.config()), calls]


@program("R5.21", "R5.22")
def an_answer_with_an_update_and_a_goto(api, run):
    g = graph(api, (api.START, "n"), ("n", "z"), n=asks(api), z=None, w=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    everything = api.Command(resume="r", update={"log": ["u"]}, goto="w")
    return [run.invoke(g, everything, run.config()), run.steps(g, run.config())]


@program("R5.22")
def an_update_alone_keeps_the_question(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    update = api.Command(update={"log": ["u"]})
    first = _turns(run, g, {"log": []}, update)
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, seen, last, run.steps(g, run.config())]


@program("R5.22")
def a_goto_alone_keeps_the_question(api, run):
    calls = []
    nodes = {"n": asks(api), "z": say("z", calls), "e": None}
    g = graph(api, (api.START, "n"), ("n", "e"), **nodes)
    g = g.compile(checkpointer=run.saver)
    first = _turns(run, g, {"log": []}, api.Command(goto="z"))
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, seen["next"], seen["interrupts"], last, calls]


@program("R5.13", "R5.17")
def an_answer_beside_a_failure(api, run):
    calls = []

    def bad(state):
        time.sleep(0.2)  # the others have ended and are saved
        calls.append("bad")
        if calls.count("bad") == 1:
            raise RuntimeError("bad")
        return {"log": ["bad"]}

    edges = [(api.START, name) for name in ("n", "ok", "bad")]
    g = graph(api, *edges, n=asks(api), ok=say("ok", calls), bad=bad)
    g = g.compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [error, seen, last, calls]


@program("R3.14", "R5.4")
def a_new_input_on_a_paused_thread(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    both = _turns(run, g, {"log": ["1"]}, {"log": ["2"]})
    seen = run.look(g, run.config())["interrupts"]
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [both, seen, last, run.steps(g, run.config())]


@program(
    "R9.3",
    "R5.3",
    differs="a pause is one chunk, after the step, with all questions (there one as each task asks)",
    expected=[[{"c": {"log": ["c"]}}], ["a", "b"]],
)
def the_questions_of_a_step_are_streamed_together(api, run):
    built = graph(api, c=None, a=lambda s: api.interrupt("a"))
    built.add_node("b", lambda s: api.interrupt("b"))
    for name in "abc":
        built.add_edge(api.START, name)
    g = built.compile(checkpointer=run.saver)
    *others, last = run.stream(g, {"log": []}, run.config())
    # in the order in which the tasks ended, so in any
    return [others, sorted(each.value for each in last["__interrupt__"])]
