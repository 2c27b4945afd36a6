"""Handlers in `config["callbacks"]`: who is told of a pause and of going on (R9.9)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, once_bad


def _handler(api, seen, name="h"):
    class Handler(api.GraphCallbackHandler):
        def on_interrupt(self, event):
            asked = [question.value for question in event.interrupts]
            where = list(event.checkpoint_ns)
            seen.append([name, "pause", event.status, where, asked])

        def on_resume(self, event):
            seen.append([name, "resume", event.status, list(event.checkpoint_ns)])

    return Handler()


def _asks(api, question="q"):
    def asks(state):
        return {"log": [api.interrupt(question)]}

    return asks


def _chain(api, run, *nodes, **options):
    names = [name for name, _ in nodes]
    edges = zip([api.START, *names], names, strict=False)
    built = graph(api, *edges, **dict(nodes))
    return built.compile(checkpointer=run.saver, **options)


def _told(api, run, seen, **more):
    return {**run.config(), "callbacks": [_handler(api, seen)], **more}


@program("R9.9")
def a_pause_and_its_resume(api, run):
    seen = []
    config = _told(api, run, seen)
    g = _chain(api, run, ("x", None), ("asks", _asks(api)), ("z", None))
    run.invoke(g, {"log": []}, config)
    run.invoke(g, None, config)
    run.invoke(g, api.Command(resume="r"), config)
    run.invoke(g, {"log": []}, config)
    return seen


@program("R9.9", "R5.26")
def static_breakpoints(api, run):
    seen = []
    config = _told(api, run, seen)
    g = _chain(api, run, ("x", None), ("y", None))
    run.invoke(g, {"log": []}, config, interrupt_before=["x"])
    run.invoke(g, None, config, interrupt_after=["x"])
    run.invoke(g, None, config)
    return seen


@program("R9.9", "R7.7")
def a_pause_in_a_subgraph(api, run):
    seen = []
    config = _told(api, run, seen)
    low = _chain(api, run, ("low1", None), ("asks", _asks(api)))
    low.checkpointer = None
    mid = graph(api, (api.START, "low"), low=low).compile()
    g = _chain(api, run, ("mid", mid), ("after", _asks(api, "q2")))
    run.invoke(g, {"log": []}, config)
    first = len(seen)
    run.invoke(g, api.Command(resume="r"), config)
    return [first, run.plain(seen)]


@program("R9.9")
def going_on_after_a_failure(api, run):
    seen = []
    config = _told(api, run, seen)
    g = _chain(api, run, ("x", None), ("bad", once_bad([])))
    run.attempt(run.invoke, g, {"log": []}, config)
    run.invoke(g, None, config)
    return seen


@program("R9.9", "R5.21")
def commands_without_an_answer(api, run):
    seen = []
    config = _told(api, run, seen)
    g = _chain(api, run, ("x", None), ("asks", _asks(api)))
    run.invoke(g, {"log": []}, config)
    run.invoke(g, api.Command(update={"a": 1}), config)
    run.invoke(g, api.Command(goto="x"), config)
    return seen


@program("R9.9", "R6.12")
def a_replay_is_told_as_going_on(api, run):
    seen = []
    g = _chain(api, run, ("x", None), ("asks", _asks(api)))
    run.invoke(g, {"log": []}, run.config())
    before = next(s for s in run.get_history(g, run.config()) if s.next == ("x",))
    run.invoke(g, None, {**before.config, "callbacks": [_handler(api, seen)]})
    return seen


@program("R9.9")
def questions_of_one_step_are_told_together(api, run):
    seen = []
    built = graph(
        api,
        (api.START, "p"),
        (api.START, "q"),
        p=_asks(api, "P"),
        q=_asks(api, "Q"),
    )
    run.invoke(
        built.compile(checkpointer=run.saver), {"log": []}, _told(api, run, seen)
    )
    return [[*each[:4], sorted(each[4])] for each in seen]


@program("R9.9", "R8.13")
def an_entrypoint_tells_too(api, run):
    seen = []
    config = _told(api, run, seen)

    @api.entrypoint(checkpointer=run.saver)
    def wf(n):
        return api.interrupt("q")

    run.invoke(wf, 1, config)
    run.invoke(wf, api.Command(resume=2), config)
    return seen


@program("R9.9")
def handlers_of_a_bound_config_and_of_a_call(api, run):
    seen = []
    g = _chain(api, run, ("asks", _asks(api)))
    bound = g.with_config(callbacks=[_handler(api, seen, "bound")])
    config = {**run.config(), "callbacks": [_handler(api, seen, "call")]}
    run.invoke(bound, {"log": []}, config)
    return sorted(each[0] for each in seen)


@program("R9.9")
def a_handler_given_only_below_hears_no_pause(api, run):
    seen = []
    sub = graph(api, (api.START, "asks"), asks=_asks(api)).compile()
    config = {"callbacks": [_handler(api, seen)]}

    def calls(state):
        return {"log": sub.invoke({"log": []}, config)["log"]}

    g = _chain(api, run, ("calls", calls))
    run.invoke(g, {"log": []}, run.config())
    return seen


@program("R9.9")
def a_handler_that_fails(api, run):
    class Gentle(api.GraphCallbackHandler):
        def on_interrupt(self, event):
            raise RuntimeError("bad")

    class Strict(Gentle):
        raise_error = True

    g = _chain(api, run, ("asks", _asks(api)))
    seen = []
    for name, handler in (("a", Gentle()), ("b", Strict())):
        config = {**run.config(name), "callbacks": [handler]}
        out = run.attempt(run.invoke, g, {"log": []}, config, says="bad")
        seen.append("__interrupt__" in out or out)
    return seen


@program("R9.9", only="async")
def a_handler_may_be_a_coroutine_function(api, run):
    seen = []

    class Handler(api.GraphCallbackHandler):
        async def on_interrupt(self, event):
            seen.append(event.status)

    g = _chain(api, run, ("asks", _asks(api)))
    run.invoke(g, {"log": []}, {**run.config(), "callbacks": [Handler()]})
    return seen


@program("R9.9")
def without_a_saver_a_pause_is_told(api, run):
    seen = []
    g = graph(api, (api.START, "asks"), asks=_asks(api)).compile()
    run.invoke(g, {"log": []}, {"callbacks": [_handler(api, seen)]})
    return seen
