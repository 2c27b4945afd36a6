"""How often a task has been run (RA.3), and edits, answers and inputs that change nothing (RA.6)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, asks, graph, once_bad, open_ids, say


def _runs(run, g, config=None):
    """How often the tasks at the head have been run."""
    found = run.get_state(g, config or run.config())
    return {task.name: task.runs_of_this_task for task in found.tasks}


@program(
    "RA.3",
    "R6.3",
    differs="a snapshot's task says how often it was run",
    expected=[
        [
            {"p": 1, "q": 1, "ok": 1},
            {"p": 2, "q": 2, "ok": 1},
            {"p": 3, "q": 2, "ok": 1},
            {"p": 3, "q": 3, "ok": 1},
        ],
        ["id", "name", "path", "error", "interrupts", "state", "result"],
        7,
    ],
)
def how_often_a_task_was_run(api, run):
    edges = [(api.START, name) for name in ("p", "q", "ok")]
    g = graph(api, *edges, p=asks(api, "P"), q=asks(api, "Q"), ok=None)
    g = g.compile(checkpointer=run.saver)
    seen = []
    run.invoke(g, {"log": []}, run.config())
    seen.append(_runs(run, g))
    run.invoke(g, None, run.config())
    seen.append(_runs(run, g))
    answer = {open_ids(run, g, run.config())["P"]: 1}
    run.invoke(g, api.Command(resume=answer), run.config())
    seen.append(_runs(run, g))
    run.invoke(g, api.Command(resume=2), run.config())
    past = run.get_history(g, run.config())[1]
    seen.append({task.name: task.runs_of_this_task for task in past.tasks})
    return [seen, list(past.tasks[0]._fields), len(past.tasks[0])]


@program(
    "RA.3",
    "R1.35",
    differs="every attempt counts, also one that failed",
    expected=[[{"bad": 0}, {"bad": 2}, {"bad": 4}, {}], 5, None, {"log": ["r"]}, 5],
)
def retries_and_failures_count_as_runs(api, run):
    calls = []

    def bad(state):
        calls.append("bad")
        if len(calls) < 4:
            raise ConnectionError
        return {"log": [api.interrupt("q")]}

    policy = api.RetryPolicy(initial_interval=0.0, jitter=False, max_attempts=2)
    built = api.StateGraph(S).add_node("bad", bad, retry_policy=policy)
    g = built.add_edge(api.START, "bad").compile(
        checkpointer=run.saver, interrupt_before=["bad"]
    )
    seen = []
    run.invoke(g, {"log": []}, run.config())
    seen.append(_runs(run, g))
    for given in (None, None, api.Command(resume="r")):
        run.attempt(run.invoke, g, given, run.config())
        seen.append(_runs(run, g))
    past = run.get_history(g, run.config())[1].tasks[0]
    return [seen, past.runs_of_this_task, past.error, past.result, len(calls)]


@program(
    "RA.3",
    "R6.10",
    differs="after an edit it is another task",
    expected=[{"n": 2}, {"n": 0}, {"n": 1}],
)
def a_carried_task_is_counted_anew(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, None, run.config())
    seen = [_runs(run, g)]
    run.update_state(g, run.config(), {"log": ["u"]})
    seen.append(_runs(run, g))
    run.invoke(g, None, run.config())
    return [*seen, _runs(run, g)]


@program(
    "RA.3",
    "R5.17",
    differs="a task whose question has no answer is not started",
    expected=["costly p", "costly q", "p", "p", "q", "q"],
)
def work_before_a_question_is_not_repeated_for_others(api, run):
    """Unanswered tasks do not start; a finished @task is not called again."""
    calls = []

    @api.task
    def costly(name):
        calls.append(f"costly {name}")
        return name

    def asking(name):
        def node(state):
            calls.append(name)
            return {"log": [costly(name).result(), api.interrupt(name)]}

        return node

    edges = [(api.START, "p"), (api.START, "q")]
    g = graph(api, *edges, p=asking("p"), q=asking("q"))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    ids = open_ids(run, g, run.config())
    run.invoke(g, api.Command(resume={ids["q"]: 1}), run.config())
    run.invoke(g, api.Command(resume={ids["p"]: 2}), run.config())
    return sorted(calls)


@program(
    "RA.6",
    "R5.18",
    differs="an answer with nothing to answer is refused, on a fresh thread and a finished one",
    expected=[
        {"raises": "UnknownInterruptError"},
        {"raises": "UnknownInterruptError"},
        True,
    ],
)
def an_answer_changes_something_or_is_refused(api, run):
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    answer = api.Command(resume="r")
    fresh = run.attempt(run.invoke, g, answer, run.config())
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, answer, run.config())
    before = run.steps(g, run.config())
    finished = run.attempt(run.invoke, g, answer, run.config())
    return [fresh, finished, run.steps(g, run.config()) == before]


@program("R5.18")
def answers_in_the_references_way(api, run):
    """`strict_resume=False`: what the reference does where we refuse."""
    options = {"strict_resume": False}
    g = graph(api, (api.START, "n"), n=asks(api)).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    stale = api.Command(resume={"0" * 32: "x"})
    ignored = run.invoke(g, stale, run.config(**options))
    answer = api.Command(resume="r")
    done = run.invoke(g, answer, run.config(**options))
    return [ignored, done, run.invoke(g, answer, run.config(**options))]


@program(
    "RA.5",
    "R5.15",
    "R5.16",
    differs="an answer that was given already is not handed to the next question",
    expected=[{"raises": "StaleAnswerError"}, True, {"log": [1, 2]}],
)
def one_answer_has_one_addressee(api, run):
    def n(state):
        return {"log": [api.interrupt("A"), api.interrupt("B")]}

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    a = open_ids(run, g, run.config())["A"]
    run.invoke(g, api.Command(resume={a: 1}), run.config())
    b = open_ids(run, g, run.config())["B"]
    both = api.Command(resume={a: 8, b: 9})
    refused = run.attempt(run.invoke, g, both, run.config())
    left = open_ids(run, g, run.config()) == {"B": b}
    return [refused, left, run.invoke(g, api.Command(resume={b: 2}), run.config())]


@program(
    "RA.7",
    "R6.10",
    differs="edits before the decision keep the question and its id",
    expected=[True, {"log": ["x", "one", "two", "r"]}, ["x"]],
)
def an_edit_before_deciding_keeps_the_review(api, run):
    calls = []
    g = graph(api, (api.START, "x"), ("x", "n"), x=say("x", calls), n=asks(api))
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    before = open_ids(run, g, run.config())
    for text in ("one", "two"):
        run.update_state(g, run.config(), {"log": [text]})
    same = open_ids(run, g, run.config()) == before
    out = run.invoke(g, api.Command(resume={before["q"]: "r"}), run.config())
    return [same, out, calls]


@program(
    "RA.8",
    "R6.12",
    differs="a replay is logged",
    expected=[{"log": ["x", "bad"]}, [True]],
)
def a_replay_says_that_it_forks(api, run):
    import logging

    said = []

    class Heard(logging.Handler):
        def emit(self, record):
            said.append("fork" in record.getMessage())

    calls = []
    g = graph(api, (api.START, "x"), ("x", "y"), x=None, y=once_bad(calls))
    g = g.compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": []}, run.config())
    head = run.get_state(g, run.config()).config
    heard, log = Heard(), logging.getLogger("durableweb.engine")
    log.addHandler(heard)
    try:
        out = run.invoke(g, None, head)
    finally:
        log.removeHandler(heard)
    return [out, said]
