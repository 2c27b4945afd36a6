"""Fetch several pages, one task per address; a person reviews them before they are kept.

The task version: all calls and the question stand in one node, and still no finished call
is repeated.
"""

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from durableweb.demo import conf
from durableweb.demo.fetch_page import RETRY
from durableweb.demo.fetching import Page, fetch
from durableweb.func import task
from durableweb.graph import END, START, StateGraph
from durableweb.types import interrupt

MAX_PAGES = 20

Url = Annotated[str, Meta(min_length=1, extra_json_schema={"format": "uri"})]


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


# One page as it is shown, edited and kept.
class PageText(TypedDict):
    address: Url
    text: Annotated[str, Meta(title="Text", extra_json_schema={"format": "long"})]


# The answer of a person; the form of the question is drawn from it.
class PagesReview(TypedDict):
    approved: bool
    pages: Annotated[list[PageText], Meta(title="Pages")]
    reason: NotRequired[str]


class State(Input, total=False):
    kept: list[PageText]
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

    answer: PagesReview = interrupt(
        {
            "title": f"Keep the text of {len(pages)} pages?",
            "question": "Correct the texts, or take out the pages that are of no use.",
            "pages": [{"address": page["url"], "text": page["text"]} for page in pages],
        },
        response_schema=PagesReview,
    )
    return {
        "kept": answer["pages"] if answer["approved"] else [],
        "reason": answer.get("reason", ""),
    }


builder = StateGraph(State, input_schema=Input)
builder.add_node("fetch_and_review", fetch_and_review)
builder.add_edge(START, "fetch_and_review")
builder.add_edge("fetch_and_review", END)
graph = builder.compile(name="fetch_pages")
