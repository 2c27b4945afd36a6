"""Fetch one page in a node; a person reviews its text before it is kept.

The node version: what the API call returned is saved when the node ends.
"""

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from durableweb.demo import conf
from durableweb.demo.fetching import Page, TemporaryFailure, fetch
from durableweb.graph import END, START, StateGraph
from durableweb.types import RetryPolicy, interrupt

RETRY = RetryPolicy(initial_interval=0.5, max_attempts=4, retry_on=TemporaryFailure)


class Input(TypedDict):
    url: Annotated[
        str,
        Meta(
            title="Address",
            description="The http or https address of the page.",
            min_length=1,
            extra_json_schema={"format": "uri"},
        ),
    ]


# The answer of a person; the form of the question is drawn from it.
class PageReview(TypedDict):
    approved: bool
    text: Annotated[str, Meta(title="Text", extra_json_schema={"format": "long"})]
    reason: NotRequired[str]


class State(Input, total=False):
    page: Page
    kept: bool
    text: str
    reason: str


def fetch_page(state: State) -> dict[str, object]:
    """Call the server.

    Not repeated on resume: when this node has ended, the page is part of the saved state,
    and everything after it, the question too, starts from there. Repeated: the whole
    node, if the process dies before the node ends; the page is then asked for once more.
    That is harmless for reading. A call that changes something would carry an idempotency
    key or stand in a task of its own.
    """
    allowed = conf.private_addresses_are_allowed()
    return {"page": fetch(state["url"], allow_private=allowed)}


def review(state: State) -> dict[str, object]:
    """Ask a person; this node runs again from its first line with the answer."""
    page = state["page"]
    answer: PageReview = interrupt(
        {
            "title": f"Keep the text of “{page['title']}”?",
            "question": f"Fetched from {page['url']}. Shorten or correct it as needed.",
            "text": page["text"],
        },
        response_schema=PageReview,
    )
    reason = answer.get("reason", "")
    if not answer["approved"]:
        return {"kept": False, "reason": reason}
    return {"kept": True, "text": answer["text"], "reason": reason}


builder = StateGraph(State, input_schema=Input)
builder.add_node("fetch_page", fetch_page, retry_policy=RETRY)
builder.add_node("review", review)
builder.add_edge(START, "fetch_page")
builder.add_edge("fetch_page", "review")
builder.add_edge("review", END)
graph = builder.compile(name="fetch_page")
