"""Fetch several pages, one task per address; a person reviews them before they are kept.

The task version: all calls and the question stand in one node, and still no finished call
is repeated.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from durableweb.demo import conf
from durableweb.demo.asking import ask
from durableweb.demo.fetch_page import RETRY
from durableweb.demo.fetching import Page, fetch
from durableweb.func import task
from durableweb.graph import END, START, StateGraph

MAX_PAGES = 20

Url = Annotated[str, Meta(min_length=1, max_length=2000)]


class Input(TypedDict):
    urls: Annotated[
        list[Url],
        Meta(
            title="Addresses",
            description="Up to 20 http or https addresses.",
            min_length=1,
            max_length=MAX_PAGES,
        ),
    ]


class State(Input, total=False):
    kept: dict[str, str]
    reason: str


@task(retry_policy=RETRY)
def fetch_one(url: str) -> Page:
    """Call one server; the result is saved the moment this task returns."""
    return fetch(url, allow_private=conf.private_addresses_are_allowed())


def fetch_and_review(state: State) -> dict[str, object]:
    """Start all calls, wait for them, ask.

    Repeated on resume: every line of this function, from the first. That is why it holds
    nothing but calls of tasks, plain computing and the question. Not repeated: a task
    that has finished; its saved result is returned at once, whether the process died
    after three of five pages or a person answered a week later. A task that failed or
    was cut off runs again.
    """
    urls = state["urls"][:MAX_PAGES]
    calls = [fetch_one(url) for url in urls]
    pages = [call.result() for call in calls]

    answer = ask(
        {
            "title": f"Keep the text of {len(pages)} pages?",
            "question": "Correct the texts, or take out the pages that are of no use.",
            "pages": {page["url"]: page["text"] for page in pages},
        },
        _pages_of,
    )
    return {
        "kept": answer.value if answer.approved else {},
        "reason": answer.reason,
    }


def _pages_of(values: Mapping[str, Any]) -> dict[str, str]:
    pages = values["pages"]
    if not isinstance(pages, Mapping):
        raise ValueError("The pages must be given as texts by address.")
    for url, text in pages.items():
        if not isinstance(text, str):
            raise ValueError(f"The text of {url} must be text.")
    return dict(pages)


builder = StateGraph(State, input_schema=Input)
builder.add_node("fetch_and_review", fetch_and_review)
builder.add_edge(START, "fetch_and_review")
builder.add_edge("fetch_and_review", END)
graph = builder.compile(name="fetch_pages")
