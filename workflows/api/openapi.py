"""The description of the API that programs read (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from workflows.api.door import Described, operation
from workflows.services.access import READ

api = Described()
router = Router(tags=["Me"])


@operation(
    router,
    "GET",
    "/openapi.json",
    READ,
    response=dict[str, Any],
    summary="This description",
)
def describe(request: HttpRequest) -> dict[str, Any]:
    """Every operation with its parameters, bodies and answers, in OpenAPI 3.1."""
    return dict(api.get_openapi_schema())
