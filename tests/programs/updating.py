"""Updates that were sent before the thread began, as if by somebody outside: the run takes them on its way (RB.16)."""

from durableweb.graph import START
from durableweb.types import Update, interrupt
from tests.programs.flows import build
from tests.programs.sample import sample
from workflows.engine.checkpoint.updating import UpdateRequest


def updated(life, saver, sent, names, *edges, **nodes):
    """A graph whose thread is sent an update for each of the ids `sent`; one that was sent before is there already."""
    graph = build(life, names, *edges, **nodes)

    @graph.update("add")
    def add(state, *, what: str):
        return Update({"log": [life.did(f"update {what}")]}, what)

    for each in sent:
        saver.ask_update("t", UpdateRequest(each, "add", {"what": each}), None)
    return graph.compile(checkpointer=saver)


@sample({"log": []})
def updates_between_steps(life, saver):
    return updated(life, saver, ["u1", "u2"], "x y", (START, "x"), ("x", "y"))


@sample({"log": []}, answers={"q": "yes"})
def an_update_before_a_question(life, saver):
    def ask(state):
        return {"log": [life.did("ask"), interrupt("q")]}

    edges = [(START, "ask"), (START, "x"), (["ask", "x"], "y")]
    return updated(life, saver, ["u1"], "ask x y", *edges, ask=ask)
