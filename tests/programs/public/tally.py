"""Short-term memory of an entrypoint: what the last call of the thread has left."""

from durableweb.func import entrypoint, task


@task
def parse(text: str) -> int:
    return int(text)


def workflow(saver):
    @entrypoint(checkpointer=saver)
    def tally(text: str, *, previous: dict | None = None):
        kept = previous or {"sum": 0, "count": 0}
        number = parse(text).result()
        now = {"sum": kept["sum"] + number, "count": kept["count"] + 1}
        return entrypoint.final(value=now["sum"] / now["count"], save=now)

    return tally


def story(saver):
    tally = workflow(saver)
    seen = []
    for thread in ("left", "right"):
        config = {"configurable": {"thread_id": thread}}
        seen.append([tally.invoke(text, config) for text in ("3", "5", "10")])
        seen.append(tally.get_state(config).values)
    try:
        tally.invoke("many", {"configurable": {"thread_id": "left"}})
    except ValueError:
        seen.append("no number")
    seen.append(tally.invoke("2", {"configurable": {"thread_id": "left"}}))
    return seen
