"""What a program is told that went wrong: the body of RFC 9457, and who wants it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse

MEDIA_TYPE = "application/problem+json"


def wants_problem(request: HttpRequest) -> bool:
    """Whether a program asks, and not a browser: it would make nothing of a page."""
    if request.headers.get("Authorization", "").lower().startswith("bearer "):
        return True
    accepts = request.headers.get("Accept", "")
    return "json" in accepts and "text/html" not in accepts


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JsonResponse:
    """The answer. `code` is a word for programs, `detail` a sentence for people."""
    body = {
        "status": status,
        "title": HTTPStatus(status).phrase,
        "code": code,
        "detail": detail,
        **{name: value for name, value in more.items() if value not in (None, "", {})},
    }
    return JsonResponse(
        body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {})
    )
