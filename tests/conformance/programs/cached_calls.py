"""Caches of tasks and entrypoints: what a hit skips."""

from __future__ import annotations

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S


@program("R8.16")
def chunks_of_a_cached_task(api, run):
    calls = []

    @api.task(cache_policy=api.CachePolicy())
    def slow(n, *, add=0):
        calls.append((n, add))
        return n * 10 + add

    @api.entrypoint(cache=api.InMemoryCache())
    def wf(n):
        return [slow(n).result(), slow(n, add=1).result()]

    seen = [run.stream(wf, 1) for _ in "12"]
    run.clear_cache(wf)
    run.invoke(wf, 1)
    return [seen, calls]


@program("R8.16")
def a_cached_task_of_two_entrypoints(api, run):
    calls = []
    cache = api.InMemoryCache()

    @api.task(cache_policy=api.CachePolicy(key_func=lambda n, m=0: str(n)))
    def slow(n, m=0):
        calls.append([n, m])
        return n * 10

    @api.entrypoint(cache=cache)
    def one(n):
        return slow(n, 1).result()

    @api.entrypoint(cache=cache, checkpointer=run.saver)
    def two(n):
        return slow(n, m=2).result()

    seen = [run.invoke(one, 1)]
    seen.append(run.invoke(two, 1, run.config("a")))
    seen.append(run.invoke(two, 1, run.config("b")))
    return [seen, calls]


@program("R8.16")
def a_cached_task_in_a_node(api, run):
    calls = []

    @api.task(cache_policy=api.CachePolicy())
    def slow(n):
        calls.append(n)
        return n * 10

    def n(state):
        return {"log": [slow(state["a"]).result()]}

    built = api.StateGraph(S).add_node("n", n).add_edge(api.START, "n")
    g = built.compile(cache=api.InMemoryCache())
    return [[run.stream(g, {"a": 1, "log": []}) for _ in "12"], calls]


@program("R8.16")
def a_cached_task_that_fails_once(api, run):
    calls = []

    @api.task(cache_policy=api.CachePolicy())
    def slow(n):
        calls.append(n)
        if len(calls) == 1:
            raise ValueError("no")
        return n * 10

    @api.entrypoint(cache=api.InMemoryCache())
    def wf(n):
        return slow(n).result()

    return [[run.attempt(run.invoke, wf, 1) for _ in "123"], calls]


@program("R8.16")
def a_cached_entrypoint(api, run):
    calls = []

    @api.entrypoint(
        checkpointer=run.saver,
        cache=api.InMemoryCache(),
        cache_policy=api.CachePolicy(),
    )
    def wf(n, *, previous):
        calls.append([n, previous])
        return api.entrypoint.final(value=n * 10, save=n)

    seen = [run.stream(wf, n, run.config(t)) for n, t in ((1, "a"), (1, "b"), (2, "b"))]
    seen.append(run.snapshot(run.get_state(wf, run.config("b"))))
    seen.append(run.stream(wf, 1, run.config("b")))
    run.clear_cache(wf)
    seen.append(run.stream(wf, 1, run.config("b")))
    return [seen, calls]


@program("R8.16", only="async")
def cached_coroutines(api, run):
    calls = []

    @api.task(cache_policy=api.CachePolicy())
    async def slow(n):
        calls.append(n)
        return n * 10

    @api.entrypoint(cache=api.InMemoryCache())
    async def wf(n):
        return [await slow(n), await slow(n + 1)]

    return [[run.stream(wf, 1) for _ in "12"], calls]


@program("R8.16")
def the_policies_of_an_entrypoint_hold_for_its_tasks(api, run):
    calls = []
    three = api.RetryPolicy(
        initial_interval=0.001, jitter=False, max_attempts=3, retry_on=KeyError
    )
    two = three._replace(max_attempts=2)

    def fails(name):
        calls.append(name)
        raise KeyError(name)

    def works(n):
        calls.append(["kept", n])
        return n

    options = {
        "cache": api.InMemoryCache(),
        "cache_policy": api.CachePolicy(),
        "retry_policy": three,
    }
    if run.driver == "async":

        @api.task
        async def bad():
            fails("bad")

        @api.task(retry_policy=two)
        async def own():
            fails("own")

        @api.task
        async def kept(n):
            return works(n)

        @api.entrypoint(**options)
        async def wf(n):
            caught = []
            for call in (bad, own):
                try:
                    await call()
                except KeyError as error:
                    caught.append(str(error))
            return [n, await kept(1), caught]
    else:

        @api.task
        def bad():
            fails("bad")

        @api.task(retry_policy=two)
        def own():
            fails("own")

        @api.task
        def kept(n):
            return works(n)

        @api.entrypoint(**options)
        def wf(n):
            caught = []
            for call in (bad, own):
                try:
                    call().result()
                except KeyError as error:
                    caught.append(str(error))
            return [n, kept(1).result(), caught]

    return [run.invoke(wf, 1), run.invoke(wf, 2), calls]


@program("R1.38", "R9.3")
def a_cached_call_begins_in_the_stream(api, run):
    @api.task(cache_policy=api.CachePolicy())
    def job(n):
        return n + 1

    @api.entrypoint(cache=api.InMemoryCache())
    def wf(n):
        return job(n).result()

    shown = []
    for _ in range(2):
        given = run.stream(wf, 1, stream_mode=["tasks", "updates"])
        shown.append(
            [[mode, chunk.get("name"), "input" in chunk] for mode, chunk in given]
        )
    return shown
