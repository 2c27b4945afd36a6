"""The functional API: slow work in tasks, a review in between, nothing done twice."""

from durableweb.func import entrypoint, task
from durableweb.types import Command, interrupt

calls = []


@task
def write_essay(topic: str) -> str:
    calls.append(f"write {topic}")
    return f"An essay about {topic}"


@task
def shorten(text: str) -> str:
    calls.append("shorten")
    return text.replace("An essay about ", "On ")


def workflow(saver):
    @entrypoint(checkpointer=saver)
    def desk(topic: str) -> dict:
        essay = write_essay(topic).result()
        verdict = interrupt({"essay": essay, "question": "Print it?"})
        if verdict == "shorter":
            essay = shorten(essay).result()
            verdict = interrupt({"essay": essay, "question": "And now?"})
        return {"essay": essay, "verdict": verdict}

    return desk


def story(saver):
    calls.clear()
    desk = workflow(saver)
    config = {"configurable": {"thread_id": "essay"}}
    seen = [list(desk.stream("cats", config))]
    seen.append(list(desk.stream(Command(resume="shorter"), config)))
    seen.append(list(desk.stream(Command(resume="yes"), config)))
    return [*seen, calls, desk.get_state(config).values]
