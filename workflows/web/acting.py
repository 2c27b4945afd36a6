"""Lets the audit know whose request a change of rights comes from."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from workflows.services.acting import acting_as


class ActingMiddleware:
    """After Django's AuthenticationMiddleware. Without it such entries name nobody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting_as(lambda: getattr(request, "user", None)):
            return self.get_response(request)
