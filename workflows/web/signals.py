"""Send a signal to a thread by hand, from a form."""

import uuid
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from workflows.engine.signals import LONGEST_TOPIC
from workflows.services import strict_json
from workflows.services.access import Rights, find_thread, require
from workflows.services.action import InvalidAnswer, ThreadBusy
from workflows.services.asleep import Waiter, WaitRecord, sleep_of
from workflows.services.keys import MAX_KEY_LENGTH
from workflows.services.signals import SendSignal

MAX_CHOICES = 8
OTHER = ""


@dataclass
class _Typed:
    """What stands in the form: `chosen` is one of the topics that are waited for, or OTHER."""

    chosen: str = OTHER
    other: str = ""
    payload: str = ""
    key: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """The topic that is meant."""
        return self.chosen or self.other.strip()


@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, thread_id: str) -> HttpResponse:
    """The form of a signal, and the sending itself."""
    thread = find_thread(request.user, thread_id)
    require(
        Rights(request.user).can_operate(thread.graph),
        "You may see this thread but send it no signals.",
    )
    waits = sleep_of(thread)
    if request.method != "POST":
        topics = waits.topics if waits else ()
        typed = _Typed(topics[0] if topics else OTHER)
        return _page(request, thread_id, waits, typed)
    post = request.POST
    typed = _Typed(
        post.get("topic", OTHER),
        post.get("other", ""),
        post.get("payload", ""),
        post.get("key", "")[:MAX_KEY_LENGTH],
    )
    try:
        is_new = _send(request, thread_id, typed)
    except ThreadBusy as refusal:
        typed.errors[""] = str(refusal)
        return _page(request, thread_id, waits, typed, 409)
    if typed.errors:
        return _page(request, thread_id, waits, typed, 400)
    _tell(request, typed.topic, waits, is_new)
    return HttpResponseRedirect(
        reverse("workflows:thread", args=[thread_id]), status=303
    )


def _send(request: HttpRequest, thread_id: str, typed: _Typed) -> bool:
    """Send it, or note what is wrong with it; whether it was no second one of this form."""
    payload = None
    topic_fault = strict_json.text_fault(typed.topic)
    if not typed.topic:
        typed.errors["topic"] = "Say on which topic."
    elif topic_fault:
        typed.errors["topic"] = f"The topic {topic_fault}."
    try:
        if typed.payload.strip():
            payload = strict_json.parse(typed.payload)
    except strict_json.JsonProblem as problem:
        typed.errors["payload"] = f"Not valid JSON at {problem.place}: {problem.text}."
    if typed.errors:
        return False
    key = typed.key or None
    try:
        return SendSignal(
            request.user, thread_id, typed.topic, payload, key=key
        ).execute()
    except InvalidAnswer as refusal:
        for place, text in refusal.errors.items():
            if place == "topic":
                text = f"A topic has 1 to {LONGEST_TOPIC} characters, all of which can be printed."
            typed.errors[place if place == "topic" else "payload"] = text
    return False


def _tell(
    request: HttpRequest, topic: str, waits: WaitRecord | None, is_new: bool
) -> None:
    if not is_new:
        messages.info(
            request,
            f"This form has sent a signal “{topic}” before; no second one was sent.",
        )
    elif waits is not None and topic in waits.topics:
        messages.success(request, f"Signal “{topic}” was sent.")
    else:
        messages.success(
            request,
            f"Signal “{topic}” was sent. It lies in the mailbox until a task waits for it.",
        )


def _choices(waits: WaitRecord | None) -> list[tuple[str, Waiter]]:
    """The first topics that are waited for, each with the first that waits for it."""
    found: dict[str, Waiter] = {}
    for waiter in waits.waiters if waits else ():
        for each in waiter.awaits:
            if each.kind == "signal":
                found.setdefault(each.name, waiter)
    return list(found.items())[:MAX_CHOICES]


def _page(
    request: HttpRequest,
    thread_id: str,
    waits: WaitRecord | None,
    typed: _Typed,
    status: int = 200,
) -> HttpResponse:
    choices = _choices(waits)
    if typed.chosen not in dict(choices):
        typed.other, typed.chosen = typed.topic, OTHER
    typed.key = typed.key or str(uuid.uuid4())
    context = {
        "section": "threads",
        "thread": find_thread(request.user, thread_id),
        "choices": choices,
        "typed": typed,
        "longest": LONGEST_TOPIC,
    }
    return render(request, "workflows/threads/signal.html", context, status=status)
