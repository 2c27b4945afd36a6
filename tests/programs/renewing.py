"""Bodies that begin again with an empty record."""

from durableweb.func import entrypoint, task
from durableweb.types import continue_as_new, interrupt, sleep
from tests.programs.sample import sample


@sample(1, answers={"go on after 2?": "yes", "go on after 3?": "no"})
def a_body_that_begins_anew(life, saver):
    @task
    def part(n, name):
        return life.did(f"{name} {n}")

    @entrypoint(checkpointer=saver)
    def flow(n, *, previous=None):
        done = previous or []
        first, second = part(n, "first"), part(n, "second")
        done = [*done, first.result(), second.result()]
        if n == 1:
            sleep(3600)
        elif interrupt(f"go on after {n}?") == "no":
            return done
        return continue_as_new(n + 1, save=done)

    return flow


@sample(0)
def a_body_below_that_begins_anew(life, saver):
    @task
    def part(n):
        return life.did(f"part {n}")

    @entrypoint(checkpointer=True)
    def below(given):
        n, done = given
        done = [*done, part(n).result()]
        if n < 2:
            return continue_as_new((n + 1, done))
        return done

    @entrypoint(checkpointer=saver)
    def flow(n):
        return [life.did("before"), *below.invoke((n, []))]

    return flow
