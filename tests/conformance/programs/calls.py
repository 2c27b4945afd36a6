"""Section 8: calls of tasks, their futures, and what a replay does with them."""

import contextvars
import threading
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


@program("R8.9")
def futures(api, run):
    @api.task(name="other")
    def add(a, b=1, *, c=0):
        return a + b + c

    @api.task
    def bad():
        raise ValueError("no")

    @api.entrypoint()
    def wf(n):
        first, second = add(n), add(n, 2, c=3)
        values = [first.result(), second.result(), first.done()]
        error = bad().exception()
        return [values, type(error).__name__]

    # Which of the two ends first is not said.
    return [run.invoke(wf, 1), sorted(run.stream(wf, 1)[:2], key=str)]


@program("R8.9", only="blocking")
def tasks_run_side_by_side(api, run):
    live = []

    @api.task
    def waits(n):
        live.append(n)
        until = time.monotonic() + 30
        while len(live) < 3 and time.monotonic() < until:
            time.sleep(0.001)
        return n * 10

    @api.entrypoint()
    def wf(n):
        return [f.result() for f in [waits(each) for each in range(3)]]

    return [run.invoke(wf, 1), len(live)]


@program("R8.9", only="async")
def coroutine_tasks(api, run):
    import asyncio

    @api.task
    async def slow(n):
        await asyncio.sleep(0.01)
        return n + 1

    @api.task
    def plain(n):
        return n * 2

    @api.entrypoint(checkpointer=run.saver)
    async def wf(n):
        one, two = slow(n), slow(n + 1)
        return [
            await one,
            await two,
            await plain(5),
            *await asyncio.gather(slow(7), slow(8)),
        ]

    return [run.invoke(wf, 1, run.config()), run.look(wf, run.config())["values"]]


@program("R8.10")
def tasks_in_the_wrong_place(api, run):
    @api.task
    def plain():
        return 1

    @api.task
    async def coroutine():
        return 1

    @api.entrypoint()
    def wf(n):
        return coroutine().result()

    seen = [run.attempt(plain, kind=RuntimeError)]
    if run.driver == "blocking":
        seen.append(run.attempt(run.invoke, wf, 1, kind=RuntimeError))
    return seen


@program("R8.11")
def tasks_that_nobody_waits_for(api, run):
    calls = []

    @api.task
    def late(n):
        time.sleep(0.02)
        calls.append(n)

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        late(1)
        late(2)
        return "done"

    return [run.invoke(wf, 1, run.config()), sorted(calls)]


@program(
    "R8.11",
    differs="a future is not a result",
    expected={"raises": "TypeError"},
)
def a_future_as_result(api, run):
    @api.task
    def one():
        return 1

    @api.entrypoint()
    def wf(n):
        return one()

    return run.attempt(run.invoke, wf, 1)


@program("R8.16")
def retries_and_caches_of_tasks(api, run):
    calls = []

    @api.task(retry_policy=api.RetryPolicy(initial_interval=0.0, jitter=False))
    def shaky():
        calls.append("shaky")
        if len(calls) == 1:
            raise ConnectionError
        return 1

    @api.entrypoint()
    def wf(n):
        return shaky().result()

    return [run.invoke(wf, 1), calls]


@program("R8.16")
def a_cached_task(api, run):
    calls = []

    @api.task(cache_policy=api.CachePolicy())
    def slow(n):
        calls.append(n)
        return n * 10

    @api.entrypoint(cache=api.InMemoryCache())
    def wf(n):
        return slow(n).result()

    return [[run.invoke(wf, n) for n in (1, 1, 2)], calls]


@program("R8.14")
def a_loop_of_tasks_and_questions(api, run):
    calls = []

    @api.task
    def write(n, note):
        calls.append(n)
        return f"draft {n} {note}".strip()

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        note = ""
        for number in range(5):
            draft = write(number, note).result()
            note = api.interrupt(draft)
            if note == "ok":
                break
        return draft

    seen = [run.invoke(wf, 1, run.config())]
    for answer in ("shorter", "again", "ok"):
        seen.append(run.invoke(wf, api.Command(resume=answer), run.config()))
    return [seen, calls]


@program(
    "R5.17",
    "R8.13",
    differs="on a resume, a task whose question has no answer is not started",
    expected=[["q1"], ["x", "y"], ["ask1", "ask2", "ask2", "ask1"]],
)
def an_unanswered_task_does_not_run_again(api, run):
    calls = []

    @api.task
    def ask(n):
        calls.append(f"ask{n}")
        return api.interrupt(f"q{n}")

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        first = ask(1)
        return [f.result() for f in [first, ask(2)]]

    run.invoke(wf, 1, run.config())
    calls.sort()
    ids = {i.value: i.id for i in run.get_state(wf, run.config()).interrupts}
    run.invoke(wf, api.Command(resume={ids["q2"]: "y"}), run.config())
    left = [i.value for i in run.get_state(wf, run.config()).interrupts]
    last = run.invoke(wf, api.Command(resume={ids["q1"]: "x"}), run.config())
    return [left, last, calls]


@program(
    "R8.2",
    differs="a generator's result cannot be recorded, so the decorator says so",
    expected=[
        {"raises": "NotImplementedError", "says": "yields"},
        {"raises": "NotImplementedError", "says": "yields_later"},
    ],
)
def a_generator_is_no_task(api, run):
    def yields(n):
        yield n

    async def yields_later(n):
        yield n

    return [
        run.attempt(lambda: api.task(yields) and "fine", says="yields"),
        run.attempt(lambda: api.task(yields_later) and "fine", says="yields_later"),
    ]


@program("R8.17")
def a_replayed_task_is_not_shown_again(api, run):
    @api.task
    def double(n):
        return n * 2

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        first = double(n).result()
        return [first, api.interrupt("q"), double(first).result()]

    def n(state):
        double(1).result()
        return {"log": [api.interrupt("q")]}

    def shown(graph, given, config):
        return [*run.stream(graph, given, config, stream_mode="updates")]

    g = graph(api, (api.START, "n"), n=n).compile(checkpointer=run.saver)
    return [
        shown(wf, 1, run.config()),
        shown(wf, api.Command(resume="a"), run.config()),
        shown(g, {"log": []}, run.config("g")),
        shown(g, api.Command(resume="b"), run.config("g")),
    ]


@program("R8.9", "R8.10", only="blocking")
def a_thread_of_ones_own_with_the_context_calls_tasks(api, run):
    @api.task
    def more(n):
        return n + 1

    @api.entrypoint(checkpointer=run.saver)
    def flow(n):
        results = {}

        def work(name, context):
            def inside():
                results[name] = more(more(n).result()).result()

            context.run(inside)

        threads = [
            threading.Thread(target=work, args=(name, contextvars.copy_context()))
            for name in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [results[name] for name in sorted(results)]

    return run.invoke(flow, 1, run.config())
