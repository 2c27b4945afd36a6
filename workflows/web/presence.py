"""One call in ten seconds: here I am, and who else is?"""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from workflows.services.action import NotVisible
from workflows.services.desk.claim_question import until_words
from workflows.services.desk.presence import BePresent, present_at


@require_POST
def presence(request: HttpRequest) -> JsonResponse:
    """Note that the person is at `at`, and tell who else is at each `item`.

    `at` is left out on a list; `edits` and `leaves` say what they do there. The answer maps
    numbers to `[name, edits]` pairs; a question that is hidden or not there is left out. Where
    the person has claimed the question that is open, `claim` says until when: as a moment, and
    in the words of the page.
    """
    told: dict[str, Any] = {}
    at = _numbers(request.POST.getlist("at"))
    asked = _numbers(request.POST.getlist("item"))
    for number in at[:1]:
        action = BePresent(
            request.user, number, "edits" in request.POST, "leaves" in request.POST
        )
        try:
            until = action.execute()
        except NotVisible:
            continue
        if until:
            claim = {"at": number, "until": until.isoformat()}
            told["claim"] = claim | {"words": until_words(until)}
    if "leaves" in request.POST:
        return JsonResponse({})
    found = present_at(request.user, [*at, *asked])
    for number, people in found.items():
        told[str(number)] = [[each.name, each.edits] for each in people]
    return JsonResponse(told)


def _numbers(texts: list[str]) -> list[int]:
    return [
        int(text)
        for text in texts
        if text.isascii() and text.isdigit() and len(text) < 19
    ]
