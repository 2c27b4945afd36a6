"""Section 3: how long a step may take."""

import asyncio
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, chain, fan, graph, say

LIMIT = 0.4
LONG = 0.8


def slow(calls, name="slow"):
    """A node that takes longer than a step may."""

    def node(state):
        calls.append(name)
        time.sleep(LONG)
        return {"log": [name]}

    return node


def waiting(calls, name="slow"):
    """The same as a coroutine."""

    async def node(state):
        calls.append(name)
        await asyncio.sleep(LONG)
        return {"log": [name]}

    return node


def limited(g, seconds=LIMIT):
    g.step_timeout = seconds
    return g


def _late_and_on(run, g, calls, value=None):
    """What a call makes of a step that is late, then what one makes that goes on without a limit."""
    given = {"log": []} if value is None else value
    late = run.attempt(run.invoke, g, given, run.config())
    seen, first = run.look(g, run.config()), calls[:]
    limited(g, None)
    return [
        late,
        seen,
        sorted(first),
        run.invoke(g, None, run.config()),
        calls[len(first) :],
    ]


@program("R3.20", only="blocking")
def a_thread_in_a_late_step_goes_on_and_is_kept(api, run):
    calls = []
    built = fan(api, "fast", "slow", fast=say("fast", calls), slow=slow(calls))
    built.add_node("j", say("j", calls)).add_edge(["fast", "slow"], "j")
    return _late_and_on(run, limited(built.compile(checkpointer=run.saver)), calls)


@program("R3.20", only="async")
def a_coroutine_in_a_late_step_is_cancelled(api, run):
    calls = []
    built = fan(api, "fast", "slow", fast=say("fast", calls), slow=waiting(calls))
    built.add_node("j", say("j", calls)).add_edge(["fast", "slow"], "j")
    return _late_and_on(run, limited(built.compile(checkpointer=run.saver)), calls)


@program("R3.20", only="blocking")
def the_lone_task_of_a_late_step(api, run):
    calls = []
    return _late_and_on(run, limited(chain(api, run, y=slow(calls, "y"))), calls)


@program("R3.20", only="async")
def the_lone_coroutine_of_a_late_step(api, run):
    calls = []
    return _late_and_on(run, limited(chain(api, run, y=waiting(calls, "y"))), calls)


@program("R3.20")
def a_limit_is_for_each_step(api, run):
    def takes(name):
        def node(state):
            time.sleep(0.3)
            return {"log": [name]}

        return node

    g = limited(chain(api, run, **{name: takes(name) for name in "xyz"}), LONG)
    seen = [run.invoke(g, {"log": []}, run.config()), g.step_timeout]
    limited(g, 0)
    return [*seen, run.invoke(g, {"log": []}, run.config("b"))]


@program("R3.20", only="blocking")
def an_entrypoint_that_takes_too_long(api, run):
    calls = []

    @api.task
    def part(number):
        calls.append(number)
        time.sleep(LONG if number else 0)
        return number

    @api.entrypoint(checkpointer=run.saver)
    def flow(count):
        return [part(number).result() for number in range(count)]

    return _late_and_on(run, limited(flow), calls, 2)


@program("R3.20", only="async")
def a_coroutine_entrypoint_that_takes_too_long(api, run):
    calls = []

    @api.task
    async def part(number):
        calls.append(number)
        await asyncio.sleep(LONG if number else 0)
        return number

    @api.entrypoint(checkpointer=run.saver)
    async def flow(count):
        return [await part(number) for number in range(count)]

    return _late_and_on(run, limited(flow), calls, 2)


@program("R3.20", only="blocking")
def a_graph_below_has_a_limit_of_its_own(api, run):
    calls = []
    below = limited(fan(api, "slow", slow=slow(calls)).compile())
    policy = api.RetryPolicy(initial_interval=0.0, jitter=False)
    built = api.StateGraph(below.builder.state_schema)
    built.add_node("below", below, retry_policy=policy).add_node("fast", say("fast"))
    built.add_edge(api.START, "below").add_edge(api.START, "fast")
    g = built.compile(checkpointer=run.saver)
    late = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = [each.name for each in run.get_state(g, run.config()).tasks if each.error]
    limited(below, None)
    return [late, seen, run.invoke(g, None, run.config()), calls]


@program("R3.20", only="async")
def a_called_graph_has_a_limit_of_its_own(api, run):
    calls = []
    below = limited(fan(api, "slow", slow=waiting(calls)).compile())

    async def caller(state):
        return await below.ainvoke(state)

    g = fan(api, "caller", caller=caller).compile(checkpointer=run.saver)
    late = run.attempt(run.invoke, g, {"log": []}, run.config())
    limited(below, None)
    return [late, run.invoke(g, None, run.config()), calls]


@program("R3.20", only="async")
def a_late_step_cancels_the_graph_below(api, run):
    calls = []
    edges = [(api.START, "fast"), ("fast", "slow")]
    below = graph(api, *edges, fast=say("fast", calls), slow=waiting(calls)).compile()
    g = fan(api, "below", below=below).compile(checkpointer=run.saver)
    return _late_and_on(run, limited(g), calls)


@program("R3.20")
def a_late_step_in_a_stream(api, run):
    calls = []
    node = slow(calls) if run.driver == "blocking" else waiting(calls)
    built = graph(api, (api.START, "x"), ("x", "slow"), x=None, slow=node)
    g = limited(built.compile(checkpointer=run.saver))
    return run.stream(g, {"log": []}, run.config(), stream_mode="values")


@program("R3.20", only="blocking")
def a_question_after_the_limit(api, run):
    def late(state):
        time.sleep(LONG)
        return {"log": [api.interrupt("late?")]}

    g = limited(fan(api, "fast", "late", late=late).compile(checkpointer=run.saver))
    late = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    limited(g, None)
    return [late, seen, run.invoke(g, api.Command(resume="yes"), run.config())]


@program(
    "R3.20",
    differs="a blocking call says that the time is over, beside a question too",
    expected=[{"raises": "TimeoutError"}, ["q"], {"log": ["yes", "slow"]}],
    only="blocking",
)
def a_late_step_beside_a_question(api, run):
    g = fan(api, "asks", "slow", asks=asks(api), slow=slow([]))
    g = limited(g.compile(checkpointer=run.saver))
    late = run.attempt(run.invoke, g, {"log": []}, run.config())
    open_now = [q.value for q in run.get_state(g, run.config()).interrupts]
    limited(g, None)
    return [late, open_now, run.invoke(g, api.Command(resume="yes"), run.config())]


@program(
    "R3.20",
    differs="what is no limit is refused where it is set",
    expected=[
        {"raises": "ValueError", "says": "step_timeout must be more than 0"},
        {"raises": "TypeError", "says": "step_timeout must be a number"},
        {"raises": "ValueError", "says": "step_timeout must be a number"},
        None,
    ],
)
def what_is_no_limit_of_a_step(api, run):
    g = chain(api, run)
    few, none = "step_timeout must be more than 0", "step_timeout must be a number"
    refused = [(-1, few), (True, none), ("soon", none)]
    seen = [run.attempt(limited, g, given, says=says) for given, says in refused]
    return [*seen, g.step_timeout]
