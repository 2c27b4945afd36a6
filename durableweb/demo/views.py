"""The pages that the demo serves for its own workflows to fetch."""

from itertools import count
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

PAGES_DIR = Path(__file__).parent / "pages"
PAGES = tuple(sorted(path.stem for path in PAGES_DIR.glob("*.html")))
_requests = count(1)


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Serve one page to anybody; there is nothing in it that needs a log-in."""
    if name not in PAGES:
        raise Http404(f"The demo has no page {name}; it has {', '.join(PAGES)}.")
    return HttpResponse((PAGES_DIR / f"{name}.html").read_text(encoding="utf-8"))


@require_safe
def busy(request: HttpRequest) -> HttpResponse:
    """Refuse every other request, so that a retry can be watched."""
    if next(_requests) % 2:
        answer = HttpResponse("Busy, please try again.\n", status=503)
        # Meant, so not to be told on the console as a fault.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer
    return HttpResponse("Served at the second try.\n", content_type="text/plain")
