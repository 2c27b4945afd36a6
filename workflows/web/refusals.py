"""What a refusal of the services looks like as a page."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from workflows.services.action import NotVisible
from workflows.services.statuses import status_of


class RefusalMiddleware:
    """Turns a refusal that no view took care of into its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        # Somebody opened, or opened again, an address that only a form is sent to.
        if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not answer.content:
            # The same answer, which Django has logged already: paths of links are secret.
            answer.content = render_to_string("405.html", request=request)
        return answer

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer what is missing and what is hidden by the same page."""
        if isinstance(exception, NotVisible | Http404):
            return render(request, "404.html", status=404)
        status = status_of(exception)
        if status is None:
            return None
        back = request.POST.get("back", "") if request.method == "POST" else ""
        context = {"reason": str(exception), "back": local_path(back)}
        return render(request, f"{status}.html", context, status=status)


def local_path(path: str) -> str:
    """A path of this site, or nothing."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path.isprintable() else ""
