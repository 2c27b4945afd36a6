"""Section 6: what an edit of a paused thread keeps (R6.10)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, kept, open_ids, say


@program(
    "R6.10",
    "R5.7",
    differs="a question with a key keeps its id over an edit",
    expected=[
        {"log": [], "__interrupt__": [{"asks": "0A", "id": "#1"}]},
        [{"asks": "0A", "id": "#1"}],
        {"log": ["u"], "__interrupt__": [{"asks": "1A", "id": "#1"}]},
        {"log": ["u"], "__interrupt__": [{"asks": "1B", "id": "#2"}]},
        {"log": ["u", "v"], "__interrupt__": [{"asks": "2A", "id": "#1"}]},
        {"log": ["u", "v"], "__interrupt__": [{"asks": "2B", "id": "#2"}]},
        {"log": ["u", "v", 2, 3]},
    ],
)
def an_edit_keeps_a_question_with_a_key(api, run):
    def n(state):
        seen = len(state["log"])
        return {
            "log": [
                api.interrupt(f"{seen}A", key="a"),
                api.interrupt(f"{seen}B", key="b"),
            ]
        }

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    carried = run.look(g, run.config())["interrupts"]
    again = run.invoke(g, None, run.config())
    second = run.invoke(g, api.Command(resume=1), run.config())
    run.update_state(g, run.config(), {"log": ["v"]})
    third = run.invoke(g, None, run.config())
    fourth = run.invoke(g, api.Command(resume=2), run.config())
    return [
        first,
        carried,
        again,
        second,
        third,
        fourth,
        run.invoke(g, api.Command(resume=3), run.config()),
    ]


@program(
    "R6.10",
    differs="a question carried over an edit is marked until it is asked again",
    expected=[[False], [True], [False]],
)
def carried_questions_say_so(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)

    def marks():
        return [i.carried for i in run.get_state(g, run.config()).interrupts]

    run.invoke(g, {"log": []}, run.config())
    before = marks()
    run.update_state(g, run.config(), {"log": ["u"]})
    carried = marks()
    run.invoke(g, None, run.config())
    return [before, carried, marks()]


@program(
    "R6.10",
    "R4.15",
    differs="an answer to a carried id starts the task from its beginning, with nothing recorded",
    expected=["A", True, {"log": ["u", 1, "a2", "b"]}, [0, 1]],
)
def a_carried_task_begins_anew(api, run):
    calls = []

    @api.task
    def inner(n):
        calls.append(n)
        return n

    def n(state):
        got = inner(len(state["log"])).result()
        return {"log": [got, api.interrupt("A"), api.interrupt("B")]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    ids = [run.invoke(g, {"log": []}, run.config())["__interrupt__"][0].id]
    out = run.invoke(g, api.Command(resume="a"), run.config())
    ids.append(out["__interrupt__"][0].id)
    run.update_state(g, run.config(), {"log": ["u"]})
    asked = run.invoke(g, api.Command(resume={ids[1]: "b"}), run.config())
    same = asked["__interrupt__"][0].id == ids[0]
    last = run.invoke(g, api.Command(resume="a2"), run.config())
    return [asked["__interrupt__"][0].value, same, last, calls]


@program(
    "R6.10",
    differs="the answer to a question that an edit has dropped is refused",
    expected=[["b"], [], {"raises": "StaleAnswerError"}, True],
)
def an_edit_chooses_the_way_anew(api, run):
    def choose(state):
        return "b" if "u" in state["log"] else "a"

    built = graph(api, (api.START, "x"), x=None, a=asks(api, "A"), b=asks(api, "B"))
    g = built.add_conditional_edges("x", choose).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    old = open_ids(run, g, run.config())["A"]
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    gone = run.attempt(run.invoke, g, api.Command(resume={old: 1}), run.config())
    run.invoke(g, None, run.config())
    return [
        seen["next"],
        seen["interrupts"],
        gone,
        open_ids(run, g, run.config()).keys() == {"B"},
    ]


@program(
    "R6.10",
    differs="each Send that an edit chooses again keeps its own question",
    expected=[
        ["q1", "q2"],
        {"q2": True, "q1": True},
        ["w", "w", "w"],
        {"q2": True, "q1": True, "q3": False},
        {"log": ["i", "x", "u", "2!", "1!", "3!"]},
    ],
)
def an_edit_chooses_sends_anew(api, run):
    def spread(state):
        return [api.Send("w", n) for n in (2, 1, 3) if n <= len(state["log"])]

    def w(n):
        return {"log": [f"{n}{api.interrupt(f'q{n}')}"]}

    built = graph(api, (api.START, "x"), x=None, w=w)
    g = built.add_conditional_edges("x", spread).compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    ids = open_ids(run, g, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    same = kept(run, g, ids)
    next = run.look(g, run.config())["next"]
    run.invoke(g, None, run.config())
    again = kept(run, g, ids)
    new = open_ids(run, g, run.config())
    out = run.invoke(
        g, api.Command(resume=dict.fromkeys(new.values(), "!")), run.config()
    )
    return [sorted(ids), same, next, again, out]


@program(
    "R6.10",
    differs="what the edited node did not choose stays due, with its questions",
    expected=[
        ["went", "edged"],
        {"went": True, "edged": True},
        {"log": ["x", "u", "r", "r", "late"]},
        {"raises": "InvalidUpdateError"},
        True,
        {"q": True},
    ],
)
def what_else_was_due_stays(api, run):
    """Due by Command.goto, by a barrier and by defer: not chosen by the edited node."""

    def x(state):
        return api.Command(update={"log": ["x"]}, goto="went")

    built = api.StateGraph(S)
    built.add_node("x", x, destinations=("went",))
    built.add_node("went", asks(api, "went"))
    built.add_node("a", say("a"))
    built.add_node("b", say("b"))
    built.add_node("joined", asks(api, "joined"))
    built.add_node("edged", asks(api, "edged"))
    built.add_node("late", say("late"), defer=True)
    built.add_edge(api.START, "x").add_edge("x", "edged").add_edge("x", "late")
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    same = kept(run, g, ids)
    out = run.invoke(
        g, api.Command(resume=dict.fromkeys(ids.values(), "r")), run.config()
    )
    join = graph(
        api,
        (api.START, "a"),
        (api.START, "b"),
        (["a", "b"], "j"),
        a=None,
        b=None,
        j=asks(api),
    )
    j = join.compile(checkpointer=run.saver)
    run.invoke(j, {"log": []}, run.config("j"))
    before = open_ids(run, j, run.config("j"))
    ambiguous = run.attempt(run.update_state, j, run.config("j"), {"log": ["u"]})
    copied = run.update_state(j, run.config("j"), None) is not None
    return [
        seen["next"],
        same,
        out,
        ambiguous,
        copied,
        kept(run, j, before, run.config("j")),
    ]


@program(
    "R6.10",
    differs="an edit in the place of one due node keeps the others",
    expected=[
        ["q", "after"],
        {"Q": True},
        {"raises": "StaleAnswerError"},
        {"log": ["u", "after", "r"]},
    ],
)
def an_edit_as_one_of_several_due_nodes(api, run):
    edges = [(api.START, "p"), (api.START, "q"), ("p", "after")]
    g = graph(api, *edges, p=asks(api, "P"), q=asks(api, "Q"), after=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="p")
    seen = run.look(g, run.config())
    same = kept(run, g, ids)
    gone = run.attempt(run.invoke, g, api.Command(resume={ids["P"]: 1}), run.config())
    return [
        seen["next"],
        same,
        gone,
        run.invoke(g, api.Command(resume="r"), run.config()),
    ]


@program(
    "R6.10",
    differs="a jump supersedes what was asked; its answer is refused",
    expected=[
        ["end"],
        [],
        {"raises": "StaleAnswerError"},
        {"log": ["x", "u", "end"]},
    ],
)
def a_jump_drops_what_was_due(api, run):
    g = graph(api, (api.START, "x"), ("x", "y"), x=None, y=asks(api), z=None, end=None)
    g = g.add_edge("z", "end").compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    old = open_ids(run, g, run.config())["q"]
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="z")
    seen = run.look(g, run.config())
    refused = run.attempt(run.invoke, g, api.Command(resume={old: 1}), run.config())
    return [
        seen["next"],
        seen["interrupts"],
        refused,
        run.invoke(g, None, run.config()),
    ]


@program("R6.10", "R6.7")
def a_copy_asks_anew(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    run.update_state(g, run.config(), None, as_node="__copy__")
    seen = run.look(g, run.config())
    run.invoke(g, None, run.config())
    return [seen["next"], seen["interrupts"], kept(run, g, ids)]


@program(
    "R6.10",
    "R5.6",
    differs="a carried id whose question has another text goes by question_changed",
    expected=[
        [{"log": ["u", "yes"]}, []],
        [{"log": ["u"], "__interrupt__": [{"asks": "pay 1?", "id": "#1"}]}, [True]],
        [{"raises": "RuntimeError", "says": "pay 1?"}, []],
    ],
)
def a_carried_answer_to_another_question(api, run):
    def n(state):
        return {"log": [api.interrupt(f"pay {len(state['log'])}?")]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    seen = []
    for mode in ("warn", "ask", "error"):
        config = run.config(mode, question_changed=mode)
        id = run.invoke(g, {"log": []}, config)["__interrupt__"][0].id
        run.update_state(g, config, {"log": ["u"]})
        answer = api.Command(resume={id: "yes"})
        out = run.attempt(run.invoke, g, answer, config, says="pay 1?")
        kept = open_ids(run, g, config)
        seen.append([out, [each == id for each in kept.values()]])
    return seen


@program(
    "R6.9",
    differs="an edit keeps open questions and the work of finished siblings",
    expected=[
        {
            "values": {"log": ["i", "x", "u"]},
            "next": ["n"],
            "interrupts": [{"asks": "q", "id": "#1"}],
            "tasks": [{"name": "n", "interrupts": [{"asks": "q", "id": "#1"}]}],
            "step": [1, "update"],
        },
        {"log": ["i", "x", "u", "r", "j"]},
        ["x"],
    ],
)
def an_edit_and_the_pending_work(api, run):
    calls = []
    edges = [(api.START, "n"), (api.START, "x"), (["n", "x"], "j")]
    g = graph(api, *edges, n=asks(api), x=say("x", calls), j=None).compile(
        checkpointer=run.saver
    )
    run.invoke(g, {"log": ["i"]}, run.config())
    ids = open_ids(run, g, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    seen = run.look(g, run.config())
    old = run.attempt(run.invoke, g, api.Command(resume={ids["q"]: "r"}), run.config())
    return [seen, old, calls]


@program(
    "R6.5",
    "R1.4",
    differs="the reference gives a branch that it asks for an update neither store nor runtime",
    expected=["b", [["b"], ["t", "a", True, "kept"]]],
)
def an_update_asks_a_branch_as_a_run_does(api, run):
    seen = []

    def path(state, config, *, store, runtime):
        seen[:] = [
            config["configurable"]["thread_id"],
            config["metadata"]["langgraph_node"],
            runtime.store is store,
            api.get_store().get(("all",), "word").value["is"],
        ]
        return "b" if state["log"][-1] == "u" else api.END

    store = api.InMemoryStore()
    store.put(("all",), "word", {"is": "kept"})
    g = (
        graph(api, (api.START, "a"), a=say("1"), b=say("2"))
        .add_conditional_edges("a", path)
        .compile(checkpointer=run.saver, store=store)
    )
    config = {"configurable": {"thread_id": "t"}}
    run.invoke(g, {"log": []}, config)
    seen.clear()
    run.update_state(g, config, {"log": ["u"]}, as_node="a")
    due = list(run.get_state(g, config).next)
    return [due[0], [due, seen]]


@program(
    "R6.5",
    differs="the reference ends with a KeyError of its own",
    expected={"raises": "InvalidUpdateError"},
)
def a_branch_that_asks_cannot_be_asked_by_an_update(api, run):
    def path(state):
        return api.interrupt("where to?") if state["log"] == ["1", "u"] else api.END

    g = (
        graph(api, (api.START, "a"), a=say("1"), b=say("2"))
        .add_conditional_edges("a", path, ["b", api.END])
        .compile(checkpointer=run.saver)
    )
    run.invoke(g, {"log": []}, run.config())
    return run.attempt(
        lambda: run.update_state(g, run.config(), {"log": ["u"]}, as_node="a")
    )
