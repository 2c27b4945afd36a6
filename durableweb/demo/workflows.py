"""The demo's workflows, as the autodiscovery finds them."""

from durableweb.demo import fetch_page, fetch_pages, invoice_review, release_notes
from durableweb.register import register

register(
    fetch_page.graph,
    name="fetch_page",
    title="Fetch a page",
    description="Fetch one page; a person reviews its text before it is kept.",
    editable=("page",),
)
register(
    fetch_pages.graph,
    name="fetch_pages",
    title="Fetch several pages",
    description="Fetch pages side by side; a person reviews them before they are kept.",
    editable=("urls",),
)
register(
    release_notes.graph,
    name="release_notes",
    title="Release notes",
    description="Draft notes from a git history; a person edits and approves them.",
    editable=("draft",),
)
register(
    invoice_review.graph,
    name="invoice_review",
    title="Review invoices",
    description="Check a file of invoices, ask about the suspicious ones, book the rest.",
    editable=("note",),
)
