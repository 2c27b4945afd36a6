"""Sections 3 to 6: what a `Command` from outside leaves at the checkpoint it was given to."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph, once_bad


def one(api, run, **nodes):
    built = graph(api, (api.START, "n"), **({"n": None} | nodes))
    return built.compile(checkpointer=run.saver)


@program("R3.14", "R5.22")
def a_new_input_keeps_the_update_of_a_command(api, run):
    g = one(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    told = run.invoke(g, api.Command(update={"log": ["U"]}), run.config())
    again = run.invoke(g, {"log": ["j"]}, run.config())
    asking = one(api, run, n=asks(api))
    run.invoke(asking, {"log": ["i"]}, run.config("2"))
    run.invoke(asking, api.Command(update={"log": ["U"]}), run.config("2"))
    anew = run.invoke(asking, {"log": ["j"]}, run.config("2"))
    steps = [s.values["log"] for s in run.get_history(g, run.config())]
    return [told, again, steps, anew["log"]]


@program("R4.4", "R5.22")
def an_update_for_a_finished_thread_with_exit(api, run):
    g = one(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    told = run.invoke(
        g, api.Command(update={"log": ["U"]}), run.config(), durability="exit"
    )
    return [told, run.look(g, run.config())]


@program("R4.4", "R6.12")
def a_replay_of_a_finished_head_with_exit(api, run):
    g = one(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    head = run.get_state(g, run.config()).config
    run.invoke(g, None, head, durability="exit")
    return run.steps(g, run.config())


@program("R6.2", "R6.12")
def the_update_of_a_command_belongs_to_its_checkpoint(api, run):
    calls = []
    g = one(api, run, n=once_bad(calls))
    run.attempt(run.invoke, g, {"log": ["i"]}, run.config())
    run.invoke(g, api.Command(update={"log": ["U"]}), run.config())
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("n",))
    seen = run.get_state(g, old.config).values
    replayed = run.invoke(g, None, old.config)
    return [seen, replayed, run.steps(g, run.config())]


@program(
    "R5.22",
    differs="a node that goto from outside names is listed while it waits",
    expected=[["N", "Z"], ["n", "z"], ["z"]],
)
def a_goto_at_a_question_is_listed(api, run):
    g = graph(api, (api.START, "n"), n=asks(api, "N"), z=asks(api, "Z"))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"], "a": 1}, run.config())
    run.invoke(g, api.Command(goto="z"), run.config())
    seen = run.look(g, run.config())
    ids = {q.value: q.id for q in seen["interrupts"]}
    run.invoke(g, api.Command(resume={ids["N"]: 1}), run.config())
    return [sorted(ids), seen["next"], run.look(g, run.config())["next"]]


@program(
    "R5.23",
    differs="goto from outside runs a deferred node too",
    expected={"log": ["i", "late", "late"]},
)
def a_goto_for_a_deferred_node_of_a_finished_thread(api, run):
    built = graph(api).add_node("late", lambda state: {"log": ["late"]}, defer=True)
    g = built.add_edge(api.START, "late").compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    return run.invoke(g, api.Command(goto="late"), run.config())


@program(
    "R4.9",
    differs="a plain answer is for the question that was open, and for none that comes after",
    expected=[["q"], ["q"], ["a", "b"]],
)
def a_plain_answer_is_given_once(api, run):
    @api.task
    def inner():
        return api.interrupt("q")

    @api.task
    async def ainner():
        return api.interrupt("q")

    if run.driver == "async":

        @api.entrypoint(checkpointer=run.saver)
        async def wf(x):
            return [api.interrupt("first"), await ainner()]
    else:

        @api.entrypoint(checkpointer=run.saver)
        def wf(x):
            return [api.interrupt("first"), inner().result()]

    run.invoke(wf, 1, run.config())
    seen = [
        run.invoke(wf, given, run.config()) for given in (api.Command(resume="a"), None)
    ]
    asked = [[q.value for q in each["__interrupt__"]] for each in seen]
    return [*asked, run.invoke(wf, api.Command(resume="b"), run.config())]


@program("R9.3", "R6.12", "R6.13")
def the_parent_of_a_fork_in_the_checkpoints_mode(api, run):
    g = one(api, run)
    run.invoke(g, {"log": ["i"]}, run.config())
    found = []
    for given in (None, {"log": ["j"]}):
        head = run.get_state(g, run.config()).config
        chunks = run.stream(g, given, head, stream_mode="checkpoints")
        parents = [c["parent_config"]["configurable"]["checkpoint_id"] for c in chunks]
        ids = [c["config"]["configurable"]["checkpoint_id"] for c in chunks]
        before = [head["configurable"]["checkpoint_id"], *ids]
        found.append([a == b for a, b in zip(parents, before, strict=False)])
    return found


@program("R5.22", "R5.26")
def a_command_goes_past_a_breakpoint(api, run):
    g = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)
    g = g.compile(checkpointer=run.saver, interrupt_before=["x", "y"])
    seen = []
    for thread, given in (
        ("1", api.Command(update={"log": ["U"]})),
        ("2", api.Command(goto="y")),
    ):
        config = run.config(thread)
        run.invoke(g, {"log": ["i"]}, config)
        told = run.attempt(run.invoke, g, given, config)
        seen.append([told, run.look(g, config)["next"]])
    return seen


@program(
    "R9.3",
    differs="a task that fails after an answer shows no update",
    expected=[{"raises": "ValueError"}],
)
def a_failure_after_an_answer_in_the_updates_mode(api, run):
    def n(state):
        api.interrupt("q")
        raise ValueError

    g = one(api, run, n=n)
    run.invoke(g, {"log": []}, run.config())
    return run.stream(g, api.Command(resume=1), run.config(), stream_mode="updates")


@program(
    "R6.6",
    differs="an update of a fresh thread counts as what its node wrote",
    expected=[["y"], ["y"]],
)
def two_updates_of_a_fresh_thread(api, run):
    g = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)
    g = g.compile(checkpointer=run.saver)
    seen = []
    for values, node in (({"log": ["a"]}, "x"), ({"log": ["b"]}, None)):
        run.update_state(g, run.config(), values, as_node=node)
        seen.append(run.look(g, run.config())["next"])
    return seen


@program(
    "R6.10",
    differs="a jump at an older checkpoint drops what a waiting edge made due, too",
    expected=[["j"], ["y"]],
)
def a_jump_at_an_older_checkpoint_and_a_waiting_edge(api, run):
    built = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None, j=None)
    g = built.add_edge(["y"], "j").compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    old = next(s for s in run.get_history(g, run.config()) if s.next == ("j",))
    run.update_state(g, old.config, {"log": ["u"]}, as_node="x")
    return [list(old.next), run.look(g, run.config())["next"]]
