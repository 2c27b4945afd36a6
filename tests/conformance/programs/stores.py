"""Section 11: the store as nodes, tasks and subgraphs meet it."""

from typing import Any, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S


@program("R11.1", "R1.4")
def a_store_reaches_every_function(api, run):
    def by_name(state, *, store):
        store.put(("seen",), "by_name", {"n": 1})

    def by_runtime(state, runtime: api.Runtime):
        runtime.store.put(("seen",), "by_runtime", {"n": 2})

    def by_call(state):
        api.get_store().put(("seen",), "by_call", {"n": 3})

    def inner(state, *, store):
        store.put(("seen",), "inner", {"n": 4})

    below = api.StateGraph(S).add_node(inner).add_edge(api.START, "inner").compile()
    built = api.StateGraph(S).add_sequence(
        [by_name, by_runtime, by_call, ("below", below)]
    )
    store = api.InMemoryStore()
    run.invoke(built.add_edge(api.START, "by_name").compile(store=store), {"a": 1})
    return [[item.key, item.value] for item in store.search(("seen",))]


@program("R11.1", "R11.9")
def a_store_is_shared_by_threads(api, run):
    store = api.InMemoryStore()

    @api.entrypoint(checkpointer=run.saver, store=store)
    def wf(n, *, store):
        kept = store.get(("sums",), "all")
        total = n + (kept.value["n"] if kept else 0)
        store.put(("sums",), "all", {"n": total})
        return total

    return [run.invoke(wf, n, run.config(t)) for n, t in ((1, "a"), (2, "b"), (4, "a"))]


@program("R11.9")
def what_a_failed_step_put_stays(api, run):
    store = api.InMemoryStore()
    seen = []

    def n(state, *, store):
        seen.append([item.key for item in store.search(("u",))])
        store.put(("u",), f"try{len(seen)}", {"n": 1})
        if len(seen) == 1:
            raise ValueError("no")
        return {"log": ["n"]}

    built = api.StateGraph(S).add_node("n", n).add_edge(api.START, "n")
    g = built.compile(checkpointer=run.saver, store=store)
    first = run.attempt(run.invoke, g, {"log": []}, run.config())
    return [first, run.invoke(g, None, run.config()), seen]


@program("R11.9")
def what_a_recorded_task_put_is_put_once(api, run):
    store = api.InMemoryStore()
    calls = []

    @api.task
    def save(n):
        calls.append(n)
        api.get_store().put(("u",), str(n), {"n": n})
        return n

    @api.entrypoint(checkpointer=run.saver, store=store)
    def wf(n):
        saved = save(n).result()
        return [saved, api.interrupt("go on?")]

    run.invoke(wf, 1, run.config())
    return [run.invoke(wf, api.Command(resume="yes"), run.config()), calls]


@program("R11.1", "R11.3", "R11.4", "R11.5", "R11.6")
def the_verbs_of_a_store(api, run):
    store = api.InMemoryStore()
    for n in range(4):
        store.put(("u", str(n % 2)), f"k{n}", {"n": n})
    store.put(("u", "0"), "k0", {"n": 9})
    store.put(("u", "1"), "k5", {"n": 5})
    store.put(("v",), "k4", {"n": 4})
    store.delete(("u", "1"), "k1")
    store.delete(("u", "1"), "k1")
    store.put(("u", "1"), "k3", None)
    return [
        [[i.key, i.value, i.namespace, i.score] for i in store.search(("u",))],
        [i.key for i in store.search((), filter={"n": {"$gte": 4}})],
        [i.key for i in store.search((), filter={"n": 2})],
        [i.key for i in store.search((), limit=1, offset=1)],
        store.get(("u", "1"), "k3"),
        store.get(("v",), "k4").value,
        store.list_namespaces(),
        store.list_namespaces(prefix=("u",), max_depth=1),
        store.list_namespaces(prefix=("*",), suffix=("0",)),
        run.attempt(store.search, (), filter={"n": {"$in": [1]}}),
    ]


@program("R11.2")
def namespaces_that_are_refused(api, run):
    store = api.InMemoryStore()
    bad = [(), ("",), ("a.b",), (1,), ("langgraph", "x")]
    return [run.attempt(store.put, each, "k", {}, kind=ValueError) for each in bad]


@program(
    "R11.2",
    "R11.8",
    differs="a plain text and a query without an index are refused (the reference: taken)",
    expected=[{"raises": "InvalidNamespaceError"}, {"raises": "NotImplementedError"}],
)
def what_would_be_misunderstood(api, run):
    store = api.InMemoryStore()
    return [
        run.attempt(store.put, "user", "k", {}),
        run.attempt(store.search, ("u",), query="friends"),
    ]


@program(
    "R11.3",
    differs="putting again keeps created_at (the reference's memory store renews it)",
    expected=[True, True],
)
def the_times_of_an_item_put_again(api, run):
    store = api.InMemoryStore()
    store.put(("u",), "k", {"n": 1})
    first = store.get(("u",), "k")
    store.put(("u",), "k", {"n": 2})
    second = store.get(("u",), "k")
    return [
        second.created_at == first.created_at,
        second.updated_at > first.updated_at,
    ]


@program(
    "R11.7",
    differs="the memory store knows ttl too (the reference's raises NotImplementedError)",
    expected=[None, {"n": 1}],
)
def a_ttl_in_minutes(api, run):
    store = api.InMemoryStore()
    put = run.attempt(store.put, ("u",), "k", {"n": 1}, ttl=5)
    return [put, store.get(("u",), "k").value]


@program("R11.5")
def what_a_filter_compares(api, run):
    """Also where a key is missing or is nothing, and inside dicts and lists."""
    store = api.InMemoryStore()
    values = {
        "one": {"n": 1, "s": "b", "d": {"x": 1}},
        "two": {"n": 2.5, "s": "a", "d": {"x": 1, "y": {"z": 2}}},
        "none": {"n": None, "s": None, "d": None},
        "missing": {},
        "list": {"n": 3, "s": "c", "d": [1, {"x": 1, "y": 2}]},
        "true": {"n": True, "s": "", "d": {}},
    }
    for key, value in values.items():
        store.put(("u",), key, value)
    asked = [
        {"n": 1},
        {"n": None},
        {"s": "a"},
        {"n": {"$eq": 2.5}},
        {"n": {"$eq": None}},
        {"n": {"$ne": 1}},
        {"s": {"$ne": "a"}},
        {"n": {"$ne": 1}, "s": "a"},
        {"d": {}},
        {"d": {"x": 1}},
        {"d": {"x": 1, "y": {"z": 2}}},
        {"d": {"y": {"z": {"$gte": 2}}}},
        {"d": {"w": None}},
        {"d": {"$eq": {"x": 1}}},
        {"d": {"$ne": {"x": 1}}},
        {"d": [1, {"x": 1}]},
        {"d": (1, {"x": 1})},
        {"d": [1]},
        {"d": [{"x": 1}, 1]},
        {"d": {"y": {"z": {"$in": [2]}}}},
    ]

    def found(filter):
        return [item.key for item in store.search(("u",), filter=filter)]

    return [run.attempt(found, each) for each in asked]


@program(
    "R11.5",
    differs="texts have an order too; what is of another kind is not found (reference: floats, or fails)",
    expected=[["one", "list"], ["two", "true"], ["two", "list"], [], ["one"]],
)
def what_a_filter_puts_in_order(api, run):
    store = api.InMemoryStore()
    values = {
        "one": {"n": 1, "s": "b"},
        "two": {"n": 2.5, "s": "a"},
        "none": {"n": None, "s": None},
        "missing": {},
        "list": {"n": 3, "s": "c"},
        "true": {"n": "3", "s": ""},
    }
    for key, value in values.items():
        store.put(("u",), key, value)
    asked = [
        {"s": {"$gt": "a"}},
        {"s": {"$lte": "a"}},
        {"n": {"$gte": 2}},
        {"n": {"$gt": [1]}},
        {"n": {"$gt": 0, "$lt": 2}},
    ]

    def found(filter):
        return [item.key for item in store.search(("u",), filter=filter)]

    return [run.attempt(found, each) for each in asked]


@program("R11.6")
def namespaces_as_they_are_listed(api, run):
    store = api.InMemoryStore()
    for n, labels in enumerate(["a b c", "a b", "a x c", "d", "a b d e", "d b c"]):
        store.put(tuple(labels.split()), f"k{n}", {"n": n})
    asked = [
        {},
        {"max_depth": 2},
        {"prefix": ("a", "*")},
        {"prefix": ("*", "b")},
        {"suffix": ("*", "c")},
        {"suffix": ("c",), "prefix": ("a",)},
        {"prefix": ("a", "*"), "max_depth": 1},
        {"prefix": ("a",), "max_depth": 2, "limit": 1, "offset": 1},
        {"limit": 2, "offset": 3},
        {"suffix": ("a", "b", "c", "d")},
    ]
    return [store.list_namespaces(**each) for each in asked]


@program("R11.2")
def a_namespace_that_nothing_can_lie_in_is_not_read(api, run):
    store = api.InMemoryStore()
    store.put(("a", "b"), "k", {"n": 1})
    reads = (
        lambda namespace: store.get(namespace, "k"),
        lambda namespace: store.search(namespace),
        lambda namespace: store.list_namespaces(prefix=namespace),
        lambda namespace: store.list_namespaces(suffix=namespace),
    )
    odd = [("",), ("a.b",), ("a", 1)]
    return [[run.attempt(read, each) for read in reads] for each in odd]


@program("R11.5")
def filters_of_items(api, run):
    store = api.InMemoryStore()
    store.put(("u",), "plain", {"n": 1, "m": None})
    store.put(("u",), "deep", {"n": {"p": 1, "q": {"r": 5}}})
    store.put(("u",), "list", {"n": [{"p": 1, "q": 2}, 3]})
    filters = [
        {"n": 1.0},
        {"n": True},
        {"m": None},
        {"zz": None},
        {"n": {"$ne": 1}},
        {"zz": {"$ne": 1}},
        {"zz": {"$ne": None}},
        {"m": {"$ne": None}},
        {"n": {"p": 1}},
        {"n": {"$eq": {"p": 1}}},
        {"n": {"q": {"r": 5}}},
        {"n": [{"p": 1}, 3]},
        {"n": [{"p": 1}]},
        {"n": {}},
    ]
    return [[item.key for item in store.search((), filter=each)] for each in filters]


@program("R11.7")
def a_store_of_ones_own_with_a_ttl(api, run):
    asked = []

    class Store(api.BaseStore):
        supports_ttl = True
        ttl_config = {"default_ttl": 7, "refresh_on_read": False}

        def batch(self, ops):
            ops = list(ops)
            asked.extend(ops)
            return [None] * len(ops)

        async def abatch(self, ops):
            return self.batch(ops)

    store = Store()
    store.put(("u",), "k", {})
    store.put(("u",), "k", {}, ttl=None)
    store.put(("u",), "k", {}, ttl=3)
    store.get(("u",), "k")
    store.get(("u",), "k", refresh_ttl=True)
    store.search(("u",))
    return [[op.ttl for op in asked[:3]], [op.refresh_ttl for op in asked[3:]]]


@program("R11.8")
def a_store_with_an_index_finds_by_meaning(api, run):
    def embed(texts):
        words = ("cat", "dog", "car")
        return [[float(text.count(word)) for word in words] for text in texts]

    config = {"dims": 3, "embed": embed, "fields": ["title", "notes[*].text"]}
    store = api.InMemoryStore(index=config)

    def remember(state, *, store):
        store.put(("p",), "dogs", {"title": "dog dog"})
        store.put(("p",), "mixed", {"title": "car", "notes": [{"text": "cat dog"}]})
        store.put(("p",), "bare", {"size": 1})
        store.put(("p",), "left out", {"title": "cat"}, index=False)
        store.put(("p",), "own path", {"a": {"b": ["car", "cat"]}}, index=["a.b[-1]"])
        store.put(("p", "x"), "cats", {"title": "cat", "size": 2})

    def recall(state, *, store):
        def found(**asked):
            items = store.search(("p",), **asked)
            return [
                [item.key, None if item.score is None else round(item.score, 3)]
                for item in items
            ]

        return {
            "log": [
                found(query="cat"),
                found(query="cat", limit=2),
                found(query="dog", filter={"size": 2}),
                found(query="dog dog", limit=1, offset=1),
                found(query=""),
                found(),
            ]
        }

    built = api.StateGraph(S).add_sequence([remember, recall])
    return run.invoke(built.add_edge(api.START, "remember").compile(store=store), {})


@program("R11.8")
def whole_values_are_found_where_no_fields_are_named(api, run):
    seen = []

    def embed(texts):
        seen.append([*texts])
        return [[1.0, float(len(text))] for text in texts]

    store = api.InMemoryStore(index={"dims": 2, "embed": embed})
    store.put(("p",), "k", {"b": [1, {"c": None}], "a": "ä"})
    found = store.search(("p",), query="two words")
    return [seen, [item.key for item in found]]


@program("R10.1", "R11.4")
def what_a_store_gave_is_kept_in_the_state(api, run):
    class Known(TypedDict, total=False):
        one: Any
        found: list

    def asks_store(state, *, store):
        store.put(("facts",), "sky", {"colour": ["blue", 1]})
        return {"one": store.get(("facts",), "sky"), "found": store.search(("facts",))}

    def asks(state):
        return {"one": [state["one"], api.interrupt("q")]}

    g = api.StateGraph(Known).add_node(asks_store).add_node(asks)
    g.add_edge(api.START, "asks_store").add_edge("asks_store", "asks")
    store = api.InMemoryStore()
    g = g.compile(checkpointer=run.saver, store=store)
    run.invoke(g, {}, run.config())
    out = run.invoke(g, api.Command(resume="r"), run.config())
    (item, answer), (found,) = out["one"], out["found"]
    there = store.get(("facts",), "sky")
    return [
        [type(each).__name__ for each in (item, found)],
        [item == there, item.created_at == there.created_at, found.score, answer],
        [item.namespace, found.key, len(found.value["colour"])],
    ]
