"""Questions of different depth at once, and edits and detours around them (R5.16, R7.7 to R7.10)."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, open_ids, say


@program("R5.16", "R7.7")
def a_map_of_questions_of_different_depth(api, run):
    def n(state):
        return {"log": [api.interrupt("deep 1"), api.interrupt("deep 2")]}

    below = graph(api, (api.START, "n"), n=n).compile()

    def calls(state):
        return {"log": below.invoke({"log": []})["log"]}

    edges = [(api.START, "calls"), (api.START, "flat")]
    g = graph(api, *edges, calls=calls, flat=asks(api, "flat"))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    both = {ids["deep 1"]: 1, ids["flat"]: "f"}
    run.invoke(g, api.Command(resume=both), run.config())
    left = open_ids(run, g, run.config())
    return [sorted(ids), list(left), run.invoke(g, api.Command(resume=2), run.config())]


@program("R5.16", "R7.7")
def siblings_in_a_subgraph_and_beside_it_ask(api, run):
    edges = [(api.START, "a"), (api.START, "b")]
    below = graph(api, *edges, a=asks(api, "a"), b=asks(api, "b")).compile()
    g = graph(api, (api.START, "sub"), (api.START, "n"), sub=below, n=asks(api, "n"))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    run.invoke(g, api.Command(resume={ids["b"]: "B"}), run.config())
    left = open_ids(run, g, run.config())
    same = {asked: ids[asked] == id for asked, id in left.items()}
    rest = api.Command(resume={ids["a"]: "A", ids["n"]: "N"})
    return [sorted(ids), same, run.invoke(g, rest, run.config())]


@program("R7.8", "R7.9")
def an_edit_two_levels_down(api, run):
    inner = graph(api, (api.START, "n"), n=asks(api)).compile()
    mid = graph(api, (api.START, "m"), ("m", "inner"), m=None, inner=inner).compile()
    g = graph(api, (api.START, "p"), ("p", "mid"), p=None, mid=mid)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    whole = run.get_state(g, run.config(), subgraphs=True)
    deepest = whole.tasks[0].state.tasks[0].state
    run.update_state(g, deepest.config, {"log": ["deep"]})
    above = run.look(g, run.config())["interrupts"]
    out = run.invoke(g, api.Command(resume="r"), run.config())
    return [run.snapshot(whole), above, out]


@program("R7.9")
def an_update_inside_skips_the_node_that_asks(api, run):
    calls = []
    edges = [(api.START, "n"), ("n", "o")]
    below = graph(api, *edges, n=asks(api), o=say("o", calls)).compile()
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=below, z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    inside = run.get_state(g, run.config()).tasks[0].state
    run.update_state(g, inside, {"log": ["instead"]}, as_node="n")
    return [run.invoke(g, None, run.config()), calls]


@program("R7.10")
def an_update_above_skips_the_subgraph_that_asks(api, run):
    below = graph(api, (api.START, "n"), n=asks(api)).compile()
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=below, z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["instead"]}, as_node="sub")
    return [run.look(g, run.config()), run.invoke(g, None, run.config())]


@program("R6.12", "R7.7")
def a_replay_asks_anew_below(api, run):
    calls = []
    edges = [(api.START, "s"), ("s", "n")]
    below = graph(api, *edges, s=say("s", calls), n=asks(api)).compile()
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=below, z=None)
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    again = run.invoke(g, None, run.get_state(g, run.config()).config)
    return [first, again, run.invoke(g, api.Command(resume="r"), run.config()), calls]


@program("R5.1", "R1.29")
def an_answer_becomes_a_command_to_the_parent(api, run):
    def n(state):
        given = api.interrupt("q")
        return api.Command(graph="__parent__", update={"log": [given]}, goto="z")

    below = graph(api, (api.START, "n"), n=n).compile()
    g = graph(api, (api.START, "sub"), sub=below, z=None)
    g = g.compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    return [first, run.invoke(g, api.Command(resume="r"), run.config())]


@program("R5.1", "R3.8")
def a_deferred_node_asks_last(api, run):
    built = api.StateGraph(S).add_node("n", asks(api, "n")).add_node("m", say("m"))
    built.add_node("late", asks(api, "late"), defer=True)
    built.add_edge(api.START, "n").add_edge(api.START, "late").add_edge("n", "m")
    g = built.compile(checkpointer=run.saver)
    turns = ({"log": []}, api.Command(resume=1), api.Command(resume=2))
    return [run.invoke(g, each, run.config()) for each in turns]


@program("R5.4")
def every_round_of_a_loop_asks_with_its_own_id(api, run):
    def n(state):
        return {"log": [api.interrupt(f"round {len(state['log'])}")]}

    def again(state):
        return "n" if state["log"][-1] != "stop" else api.END

    built = graph(api, (api.START, "n"), n=n).add_conditional_edges("n", again)
    g = built.compile(checkpointer=run.saver)
    turns = [{"log": []}, *(api.Command(resume=each) for each in ("a", "b", "stop"))]
    return [run.invoke(g, each, run.config()) for each in turns]


@program("R5.1")
def a_node_that_asks_no_more(api, run):
    """On the second run it takes a way without the question: the answer goes nowhere."""
    calls = []

    def n(state):
        calls.append("n")
        return {"log": ["alone" if len(calls) > 1 else api.interrupt("q")]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    out = run.invoke(g, api.Command(resume="r"), run.config())
    return [out, run.look(g, run.config())]


@program(
    "R5.20",
    "R7.8",
    differs="a question whose answer is saved is not pending, in a subgraph neither",
    expected=[[{"asks": "q", "id": "#1"}], [], []],
)
def an_answered_question_is_not_listed_below_either(api, run):
    def n(state):
        api.interrupt("q")
        raise RuntimeError("after")

    below = graph(api, (api.START, "n"), n=n).compile()
    g = graph(api, (api.START, "sub"), sub=below).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    asked = run.look(g, run.config(), subgraphs=True)["tasks"][0]["state"]["interrupts"]
    run.attempt(run.invoke, g, api.Command(resume="r"), run.config())
    seen = run.look(g, run.config(), subgraphs=True)
    return [asked, seen["interrupts"], seen["tasks"][0]["state"]["interrupts"]]


@program(
    "R7.5",
    differs="a kept subgraph that ended before is run anew by a call that goes on",
    expected=[["b", "b"], {"log": ["i"], "own": 2}],
)
def a_kept_subgraph_in_a_call_that_goes_on(api, run):
    class Own(TypedDict, total=False):
        own: Annotated[int, operator.add]

    class Both(S, Own, total=False): ...

    calls = []

    def b(state):
        calls.append("b")
        return {"own": 1}

    sub = graph(api, (api.START, "b"), schema=Own, b=b).compile(checkpointer=True)
    built = graph(api, (api.START, "sub"), schema=Both, sub=sub, again=lambda s: None)
    g = built.add_edge("again", "sub").compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    run.update_state(g, run.config(), {"own": -1}, as_node="again")
    found = run.invoke(g, None, run.config())
    return [calls, found]


@program(
    "R5.3",
    differs="a question is listed once, also that of a task in a subgraph",
    expected=["q"],
)
def the_question_of_a_task_in_a_subgraph(api, run):
    @api.task
    def inner():
        return api.interrupt("q")

    @api.task
    async def ainner():
        return api.interrupt("q")

    if run.driver == "async":

        async def n(state):
            return {"log": [await ainner()]}
    else:

        def n(state):
            return {"log": [inner().result()]}

    sub = graph(api, (api.START, "n"), n=n).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    asked = run.invoke(g, {"log": []}, run.config())["__interrupt__"]
    return [question.value for question in asked]
