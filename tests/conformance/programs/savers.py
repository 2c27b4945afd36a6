"""Savers of one's own: whatever of the field's methods they override is obeyed (R6.17)."""

import copy
import json

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, once_bad


def state_keys(pairs):
    """The state's own keys among written channels; the rest is each engine's own affair."""
    return sorted({name for name, _ in pairs if name in ("log", "a")})


def two_steps(api, saver, **nodes):
    return graph(api, (api.START, "x"), ("x", "y"), **{"x": None, "y": None, **nodes})


@program("R6.17")
def a_saver_that_logs(api, run):
    heard = []

    class Logging(type(run.saver)):
        def put(self, config, checkpoint, metadata, new_versions):
            values = checkpoint["channel_values"]
            heard.append(["put", metadata["step"], values.get("log")])
            return super().put(config, checkpoint, metadata, new_versions)

        def put_writes(self, config, writes, task_id, task_path=""):
            if keys := state_keys(writes):
                heard.append(["put_writes", keys, [v for k, v in writes if k in keys]])
            return super().put_writes(config, writes, task_id, task_path)

    g = two_steps(api, run.saver).compile(checkpointer=Logging())
    out = run.invoke(g, {"log": ["in"]}, run.config(), durability="sync")
    puts = [each for each in heard if each[0] == "put" and each[1] >= 0]
    writes = [each for each in heard if each[0] == "put_writes"]
    return [out, puts, writes[-2:], run.steps(g, run.config())]


@program("R6.17")
def a_saver_that_only_logs_checkpoints(api, run):
    steps = []

    class Logging(type(run.saver)):
        def put(self, config, checkpoint, metadata, new_versions):
            steps.append(metadata["step"])
            return super().put(config, checkpoint, metadata, new_versions)

    def asks(state):
        return {"log": [api.interrupt("q")]}

    g = two_steps(api, run.saver, y=asks).compile(checkpointer=Logging())
    first = run.invoke(g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, seen, last, steps[-3:]]


@program("R6.17", only="async")
def a_saver_with_async_methods_of_its_own(api, run):
    heard = []

    class Logging(type(run.saver)):
        async def aput(self, config, checkpoint, metadata, new_versions):
            heard.append(["aput", metadata["step"]])
            return await super().aput(config, checkpoint, metadata, new_versions)

        async def aput_writes(self, config, writes, task_id, task_path=""):
            heard.append(["aput_writes", state_keys(writes)])
            return await super().aput_writes(config, writes, task_id, task_path)

        async def aget_tuple(self, config):
            heard.append(["aget_tuple"])
            return await super().aget_tuple(config)

    g = two_steps(api, run.saver).compile(checkpointer=Logging())
    out = run.invoke(g, {"log": []}, run.config(), durability="sync")
    run.get_state(g, run.config())
    asked = heard[0] == heard[-1] == ["aget_tuple"]
    puts = [each[1] for each in heard if each[0] == "aput" and each[1] >= 0]
    wrote = [each for each in heard if each[0] == "aput_writes" and each[1]]
    return [out, asked, puts, wrote[-2:]]


@program("R6.17")
def a_saver_that_hides_what_it_keeps(api, run):
    """Values stand reversed in what it keeps, and are turned back on reading."""
    kept = []

    def hide(value):
        return {"hidden": json.dumps(value)[::-1]}

    def show(value):
        return json.loads(value["hidden"][::-1])

    class Hiding(type(run.saver)):
        def put(self, config, checkpoint, metadata, new_versions):
            values = {k: hide(v) for k, v in checkpoint["channel_values"].items()}
            kept.append(values.get("log"))
            return super().put(
                config, {**checkpoint, "channel_values": values}, metadata, new_versions
            )

        def put_writes(self, config, writes, task_id, task_path=""):
            hidden = [(k, hide(v) if k in ("log", "a") else v) for k, v in writes]
            return super().put_writes(config, hidden, task_id, task_path)

        def get_tuple(self, config):
            return self.shown(super().get_tuple(config))

        def list(self, config, **options):
            for found in super().list(config, **options):
                yield self.shown(found)

        def shown(self, found):
            if found is None:
                return None
            values = found.checkpoint["channel_values"]
            return found._replace(
                checkpoint={
                    **found.checkpoint,
                    "channel_values": {k: show(v) for k, v in values.items()},
                },
                pending_writes=[
                    (task, k, show(v) if k in ("log", "a") else v)
                    for task, k, v in found.pending_writes
                ],
            )

    calls = []
    g = two_steps(api, run.saver, y=once_bad(calls)).compile(checkpointer=Hiding())
    first = run.attempt(run.invoke, g, {"log": ["in"]}, run.config(), durability="sync")
    middle = run.look(g, run.config())
    last = run.invoke(g, None, run.config(), durability="sync")
    values = [
        s.values for s in run.get_history(g, run.config()) if s.next != ("__start__",)
    ]
    return [first, middle, last, values, kept[-1], len(calls)]


@program("R6.17", "R4.2")
def a_saver_that_fails_once(api, run):
    failures = [1]
    ran = []

    class Failing(type(run.saver)):
        def put(self, config, checkpoint, metadata, new_versions):
            if metadata["step"] == 1 and failures:
                failures.pop()
                raise OSError("the disk is full")
            return super().put(config, checkpoint, metadata, new_versions)

    def x(state):
        ran.append("x")
        return {"log": ["x"]}

    g = two_steps(api, run.saver, x=x).compile(checkpointer=Failing())
    first = run.attempt(
        run.invoke,
        g,
        {"log": []},
        run.config(),
        kind=OSError,
        says="the disk is full",
        durability="sync",
    )
    middle = run.look(g, run.config())
    last = run.invoke(g, None, run.config(), durability="sync")
    return [first, middle["next"], middle["values"], last, ran]


@program("R6.17")
def a_saver_whose_writes_fail(api, run):
    class Failing(type(run.saver)):
        def put_writes(self, config, writes, task_id, task_path=""):
            if any(value == ["x"] for _, value in writes):
                raise OSError("no writes today")
            return super().put_writes(config, writes, task_id, task_path)

    g = two_steps(api, run.saver).compile(checkpointer=Failing())
    return run.attempt(
        run.invoke, g, {"log": []}, run.config(), kind=OSError, durability="sync"
    )


@program("R6.17")
def a_saver_that_cannot_be_read(api, run):
    class Failing(type(run.saver)):
        def get_tuple(self, config):
            raise OSError("cannot be read")

    g = two_steps(api, run.saver).compile(checkpointer=Failing())
    return [
        run.attempt(run.invoke, g, {"log": []}, run.config(), kind=OSError),
        run.attempt(run.get_state, g, run.config(), kind=OSError),
    ]


@program("R6.17")
def a_saver_that_lists_less(api, run):
    class Short(type(run.saver)):
        def list(self, config, **options):
            for found in super().list(config, **options):
                if found.metadata["step"] > 0:
                    yield found

    g = two_steps(api, run.saver).compile(checkpointer=Short())
    run.invoke(g, {"log": []}, run.config())
    return run.steps(g, run.config())


@program("R6.17")
def a_saver_that_counts_versions_its_own_way(api, run):
    asked = []

    class Counting(type(run.saver)):
        def get_next_version(self, current, channel):
            asked.append(current)
            return "v1" if current is None else f"v{int(current[1:]) + 1}"

    saver = Counting()
    g = two_steps(api, run.saver).compile(checkpointer=saver)
    out = run.invoke(g, {"log": []}, run.config())
    head = saver.get_tuple(run.config()).checkpoint
    run.invoke(g, {"log": ["more"]}, run.config())
    return [
        out,
        asked[0],
        head["channel_versions"]["log"][0],
        all(each.startswith("v") for each in head["channel_versions"].values()),
        len(run.get_history(g, run.config())),
    ]


@program("R6.17")
def an_error_in_versions_ends_the_run(api, run):
    class Broken(type(run.saver)):
        def get_next_version(self, current, channel):
            raise OSError("no more numbers")

    ran = []

    def x(state):
        ran.append("x")
        return {"log": ["x"]}

    g = two_steps(api, run.saver, x=x).compile(checkpointer=Broken())
    first = run.attempt(
        run.invoke, g, {"log": []}, run.config(), kind=OSError, says="no more numbers"
    )
    return [first, ran]


def dictionary(api, **replaced):
    """A saver from scratch, in the field's form, over one dict."""

    class Dictionary(api.BaseCheckpointSaver):
        def __init__(self):
            super().__init__()
            self.kept = {}
            self.writes = {}

        def place(self, config):
            conf = config["configurable"]
            return conf["thread_id"], conf.get("checkpoint_ns", "")

        def get_tuple(self, config):
            of = self.kept.get(self.place(config), {})
            wanted = config["configurable"].get("checkpoint_id") or max(
                of, default=None
            )
            return self.found(self.place(config), wanted) if wanted in of else None

        def found(self, place, id):
            parent, checkpoint, metadata = copy.deepcopy(self.kept[place][id])
            base = {"thread_id": place[0], "checkpoint_ns": place[1]}
            return api.CheckpointTuple(
                {"configurable": {**base, "checkpoint_id": id}},
                checkpoint,
                metadata,
                {"configurable": {**base, "checkpoint_id": parent}} if parent else None,
                [
                    (task, *copy.deepcopy(pair))
                    for (at, key, task), pairs in self.writes.items()
                    if (at, key) == (place, id)
                    for pair in pairs.values()
                ],
            )

        def list(self, config, *, filter=None, before=None, limit=None):
            place = self.place(config)
            ids = sorted(self.kept.get(place, {}), reverse=True)
            if before:
                ids = [id for id in ids if id < before["configurable"]["checkpoint_id"]]
            for id in ids[:limit]:
                yield self.found(place, id)

        def put(self, config, checkpoint, metadata, new_versions):
            parent = config["configurable"].get("checkpoint_id")
            of = self.kept.setdefault(self.place(config), {})
            of[checkpoint["id"]] = copy.deepcopy((parent, checkpoint, metadata))
            conf = {**config["configurable"], "checkpoint_id": checkpoint["id"]}
            return {"configurable": conf}

        def put_writes(self, config, writes, task_id, task_path=""):
            self.enter(config, writes, task_id)

        def enter(self, config, writes, task_id):
            id = config["configurable"].get("checkpoint_id")
            of = self.writes.setdefault((self.place(config), id, task_id), {})
            for number, (name, value) in enumerate(writes):
                of[api.WRITES_IDX_MAP.get(name, number)] = (name, value)

    for name, method in replaced.items():
        setattr(Dictionary, name, method)
    return Dictionary()


def asked_and_answered(api, run, saver):
    def asks(state):
        return {"log": [api.interrupt("one") + api.interrupt("two")]}

    calls = []
    g = graph(
        api,
        (api.START, "x"),
        ("x", "asks"),
        ("asks", "bad"),
        x=None,
        asks=asks,
        bad=once_bad(calls),
    ).compile(checkpointer=saver)
    return [
        run.invoke(g, {"log": []}, run.config()),
        run.invoke(g, api.Command(resume="1"), run.config()),
        run.attempt(run.invoke, g, api.Command(resume="2"), run.config()),
        run.look(g, run.config())["values"],
        run.invoke(g, None, run.config()),
        run.steps(g, run.config()),
        len(calls),
    ]


def twins(api, saver):
    """The same saver with async methods alone."""

    class Awaited(api.BaseCheckpointSaver):
        async def aget_tuple(self, config):
            return saver.get_tuple(config)

        async def alist(self, config, **options):
            for found in saver.list(config, **options):
                yield found

        async def aput(self, *args):
            return saver.put(*args)

        async def aput_writes(self, config, writes, task_id, task_path=""):
            saver.put_writes(config, writes, task_id, task_path)

    return Awaited()


@program("R6.17", only="blocking")
def a_saver_from_scratch(api, run):
    return asked_and_answered(api, run, dictionary(api))


@program("R6.17", only="blocking")
def a_saver_from_scratch_without_task_path(api, run):
    def put_writes(self, config, writes, task_id):
        self.enter(config, writes, task_id)

    return asked_and_answered(api, run, dictionary(api, put_writes=put_writes))


@program("R6.17", only="async")
def a_saver_with_async_methods_alone(api, run):
    return asked_and_answered(api, run, twins(api, dictionary(api)))


@program("R6.17", only="blocking")
def a_saver_with_async_methods_alone_called_blocking(api, run):
    g = two_steps(api, None).compile(checkpointer=twins(api, dictionary(api)))
    return run.attempt(
        run.invoke, g, {"log": []}, run.config(), kind=NotImplementedError
    )
