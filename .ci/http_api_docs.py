"""docs/reference/http-api.md, made of what the API tells of itself in OpenAPI.

Without an argument the page is written, with `--check` it is compared with what it should be.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/http-api.md"
PREFIX = "/api/v1/"
HEAD = """\
# The HTTP API

What a program can ask of the dashboard. `make docs` writes this page from the operations
themselves; change those. The same in OpenAPI 3.1, for tools that make clients:
`GET /api/v1/openapi.json`, with a token. [How to use it](../howto/use-the-api.md) begins with a token
and ends with a decision.

Every request carries `Authorization: Bearer dw_...`; every operation names the scope that the token needs,
and within it holds what the token's owner may do at that moment. Bodies are JSON in UTF-8, at most 12 MiB; a word that
the operation does not know is refused, in the body and in the query. Moments are ISO 8601. A value of a workflow
that JSON has no word for is `{"$t": its tag, "v": its text}`, as everywhere in the dashboard: sent back as it was read it keeps its type, and
what a program makes up in that form stays plain data. A number keeps all its digits. In an address a slash or a percent sign
of a thread's id is encoded twice: `customers%252F7`.

A list is `{"items": [...], "next": ...}`: `next` is the `cursor` of the page after it, null on the last. What is inside a cursor is nobody's
concern; one of another list, or of another order, is refused.

What makes something answers 201, and 200 where a key has made it before. An event stream
has a few answers of its own: 429 `too_many_streams` beyond 20 of a token or 60 of a person in a process, 503 `stopping` while the server
stops, 501 `no_streams` where the site is not served by `manage.py serve` or its urls leave the streams out.
"""
REFUSALS = """\
## Refusals

`application/problem+json` (RFC 9457): `status`, `title`, `detail` (a sentence for people), `code` (a word for programs),
with `code` `invalid` also `errors`, from the place in the request to what is wrong there.

| status | `code` | when |
|---|---|---|
| 400 | `invalid` | a value, a word or a cursor does not fit; `errors` says where |
| 400 | `invalid_json` | the body is no JSON that can be stored (doubled keys, NaN, NUL, half characters, more than 100 levels) |
| 400 | `refused` | for another reason, which `detail` says |
| 401 | `unauthorized` | no token, or none that works |
| 403 | `not_allowed` | the token has not the scope, or its owner not the right |
| 404 | `not_found` | there is no such thing, or its owner may not know of it |
| 405 | `wrong_method` | the address takes another method |
| 409 | `already_decided` | somebody was first: `who`, `when`, `kind` and `reason` tell their decision |
| 409 | `already_voted` | this person has approved it as one of several |
| 409 | `votes_differ` | others have approved something else; nothing is decided by that |
| 409 | `claimed` | somebody is at work on it: `who`, and `when` that ends; `take_over` ends it |
| 409 | `stale_question` | the question has changed since it was read: read it again |
| 409 | `too_late` | the workflow has gone on with the decision |
| 409 | `not_pending` | it takes no answer now, or nothing is there to be done |
| 409 | `stale_checkpoint` | the state has moved on; `head` is its newest checkpoint |
| 409 | `thread_busy` | the thread has work that has not ended |
| 409 | `update_refused` | the workflow's update would not, and `detail` says why; nothing has changed. `update_failed`: it broke; `update_timeout`: the step at work took too long |
| 409 | `duplicate_run` | a run with this `dedup_key` has not ended; `thread_id` says where |
| 409 | `other_input` | this key has started `thread_id` with another input |
| 409 | `key_reused` | this key was used for something else |
| 413 | `too_large` | the body is over the limit |
| 429 | `too_many` | the token has asked too often; `Retry-After` says when again |
| 500 | `broken` | our fault; the server's log has more |
| 503 | `unreadable` | what is stored cannot be read here, such as without the key it was encrypted with |
| 503 | `unavailable` | the database is away; `Retry-After` says when again, and nothing was changed |
"""
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
}
Shape = Mapping[str, Any]


def described() -> Any:
    """The API's own description."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
    # Django wants its settings before anything of ours is imported.
    import_module("django").setup()
    return import_module("workflows.api.urls").api.get_openapi_schema(
        path_prefix=PREFIX
    )


def kind(shape: Shape) -> str:
    """The kind of a value, as a reader says it."""
    if "$ref" in shape:
        name = shape["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#shape-{name.lower()})"
    if "const" in shape:
        return f"`{shape['const']}`"
    if "enum" in shape:
        return " or ".join(f"`{each}`" for each in shape["enum"])
    several = shape.get("anyOf") or shape.get("oneOf") or shape.get("allOf")
    if several:
        return " or ".join(dict.fromkeys(map(kind, several)))
    word = shape.get("type", "any JSON")
    if word == "array":
        return f"list of {kind(shape.get('items', {}))}"
    if word == "object":
        more = shape.get("additionalProperties")
        return (
            f"object of {kind(more)}" if isinstance(more, dict) and more else "object"
        )
    if shape.get("format") == "date-time":
        return "moment"
    return str(word)


def limits(shape: Shape) -> str:
    """What is asked of a value besides its kind."""
    plain = next((s for s in shape.get("anyOf", ()) if s.get("type") != "null"), shape)
    said = [text.format(plain[name]) for name, text in LIMITS.items() if name in plain]
    if shape.get("default") not in (None, "", [], {}):
        said.append(f"default {str(shape['default']).lower()}")
    return ", ".join(said)


def plain(text: str) -> str:
    """A docstring as one paragraph."""
    return re.sub(r"\s+", " ", text or "").strip()


def row(name: str, shape: Shape, *, required: bool) -> str:
    """One line of a table of fields."""
    need = "" if required else "optional"
    parts = (plain(shape.get("description", "")).rstrip("."), limits(shape))
    said = "; ".join(filter(None, parts))
    cells = (f"`{name}`", kind(shape), need, said)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def fields(shape: Shape, *, sent: bool = False) -> Iterator[str]:
    """The table of the fields of a shape; what is given is always there, what is sent need not be."""
    found = shape.get("properties", {})
    if not found:
        return
    wanted = set(shape.get("required", ()))
    yield from ("", "| field | kind | | meaning |", "|---|---|---|---|")
    for name, each in found.items():
        yield row(name, each, required=not sent or name in wanted)


def parameters(operation: Shape) -> Iterator[str]:
    """The table of what stands in the address and in headers, but for the path."""
    found = [each for each in operation.get("parameters", ()) if each["in"] != "path"]
    if not found:
        return
    yield from ("", "| in the address | kind | | meaning |", "|---|---|---|---|")
    for each in found:
        shape = {**each["schema"]}
        shape.setdefault("description", each.get("description", ""))
        name = each["name"] if each["in"] == "query" else f"{each['name']} (header)"
        yield row(name, shape, required=each.get("required", False))


def answers(operation: Shape) -> str:
    """What comes back: each status with its shape."""
    said = []
    for status, each in operation["responses"].items():
        content = each.get("content", {}).get("application/json", {}).get("schema")
        said.append(f"{status} {kind(content)}" if content else str(status))
    return "Answers " + ", ".join(said) + "."


def one(method: str, path: str, operation: Shape, shapes: Shape) -> Iterator[str]:
    """One operation."""
    scope = operation["x-scope"]
    yield from (
        "",
        f"### {operation['summary']}",
        "",
        f"`{method.upper()} {path}`, scope `{scope}`",
        "",
    )
    yield plain(operation.get("description", ""))
    yield from parameters(operation)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        name = body["schema"].get("$ref", "").rsplit("/", 1)[-1]
        yield from fields(shapes.get(name, body["schema"]), sent=True)
    yield from ("", answers(operation))


def page() -> str:
    """The whole page."""
    api = described()
    shapes = api.get("components", {}).get("schemas", {})
    groups: dict[str, list[str]] = {}
    sent = set()
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["Other"])[0]
            groups.setdefault(tag, []).extend(one(method, path, operation, shapes))
            body = operation.get("requestBody", {}).get("content", {})
            ref = body.get("application/json", {}).get("schema", {}).get("$ref", "")
            sent.add(ref.rsplit("/", 1)[-1])
    lines = [HEAD, REFUSALS]
    for tag, said in groups.items():
        lines += [f"## {tag}", *said, ""]
    lines.append("## Shapes")
    for name in sorted(shapes.keys() - sent):
        lines += [
            "",
            f"### Shape {name}",
            "",
            plain(shapes[name].get("description", "")),
        ]
        lines += fields(shapes[name])
    text = "\n".join(lines).rstrip() + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def main(arguments: list[str]) -> int:
    """Write the page, or tell that it is not what it should be."""
    text = page()
    if "--check" not in arguments:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not what the operations say: run `make docs`")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
