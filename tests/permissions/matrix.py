"""Who may do what: the one table, and the doors of the site with the act behind each.

To add an address: one line in DOORS, under its url name, for each method it takes. To add a
socket: one line in SOCKETS. To add a model to the admin: one line in ADMIN_MODELS. What is
not listed fails `test_every_door_is_listed.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Everybody of the table. `finance` has no role; the other workflow is that group's own.
PEOPLE = ("anonymous", "stranger", "viewer", "reviewer", "operator", "admin", "finance")

# The letters: `S` in the workflows one was given, `A` there where the question is free or
# one's own, `G` everywhere, `-` nowhere, `h` nowhere and as if there were no such page. `L` is
# everybody who is logged in, `*` anybody. What one sees but may not do is refused with 403,
# what one does not see with 404.
#
#                   anonymous stranger viewer reviewer operator admin finance
MATRIX: Mapping[str, str] = {
    "open": "          *        *       *       *        *      *      *",
    "own": "           -        L       L       L        L      L      L",
    "see": "           -        -       S       S        S      G      S",
    "audit": "         -        -       S       S        S      G      S",
    "comment": "       -        -       S       S        S      G      S",
    "edit": "          -        -       -       A        S      G      S",
    "decide": "        -        -       -       A        -      G      A",
    "take back": "     -        -       -       S        -      G      S",
    "give back": "     -        -       -       S        -      G      S",
    "draft": "         -        -       -       S        S      G      S",
    "arrange": "       -        -       -       S        S      G      S",
    "label": "         -        -       -       S        S      G      S",
    "start": "         -        -       -       -        S      G      S",
    "cancel": "        -        -       -       -        S      G      S",
    "policies": "      -        -       S       S        S      G      S",
    "keep view": "     -        -       L       L        L      L      L",
    "keep own": "      -        S       S       S        S      G      S",
    "order": "         -        -       S       S        S      G      S",
    "own order": "     -        -       S       S        S      S      S",
    "make token": "    -        -       L       L        L      L      L",
    "all tokens": "    -        h       h       h        h      G      h",
    "webhooks": "      -        h       h       h        h      G      h",
    "look after": "    -        -       -       -        L      L      L",
    "administer": "    -        -       -       -        -      G      -",
}


def letter(act: str, person: str) -> str:
    """What the table says of this person and this act."""
    return MATRIX[act].split()[PEOPLE.index(person)]


@dataclass(frozen=True)
class Door:
    """One method of one address, and the act of the table that it is.

    `path` and `form` may name in {braces} what world.py makes: question, version, run, thread,
    failed, asleep, stepped, step, workflow, decision, view, order, webhook, token, schedule.
    `ok` are the statuses of whoever is let in.
    """

    act: str
    path: str
    form: Mapping[str, str] | None = None
    ok: tuple[int, ...] = (200, 303)

    @property
    def method(self) -> str:
        """POST where there is a form to send, else GET."""
        return "GET" if self.form is None else "POST"

    @property
    def unasked(self) -> int:
        """The status for somebody who is not logged in: to the log-in, or a page with what they sent."""
        return 302 if self.form is None or self.path == "/logout/" else 401

    @property
    def names_a_thing(self) -> bool:
        """Whether the address, or what is sent, belongs to one workflow."""
        given = self.path + "".join((self.form or {}).values())
        return "{" in given


DECIDE = {
    "kind": "approve",
    "version": "{version}",
    "round": "1",
    "checkpoint": "",
    "key": "k-1",
}
EDIT = {"values": '{{"text": "new"}}', "reason": "why", "checkpoint": "x"}
NAME = {"text": "before refund"}
MEND = {"act": "wake", "reason": "why"}
POLICY = {"workflow": "{workflow}", "version": "1", "body": "{{}}"}

DOORS: Mapping[str, tuple[Door, ...]] = {
    "home": (Door("own", "/", ok=(302,)),),
    "login": (
        Door("open", "/login/", ok=(200, 302)),
        Door("open", "/login/", {}, ok=(200, 302)),
    ),
    "logout": (Door("own", "/logout/", {}, ok=(302,)),),
    "favicon": (Door("open", "/favicon.ico", ok=(302,)),),
    "healthz": (Door("open", "/healthz"),),
    "demo:busy": (Door("open", "/demo/pages/busy/", ok=(200, 503)),),
    "demo:page": (Door("open", "/demo/pages/welcome/"),),
    # The queue and its views
    "queue": (Door("own", "/queue/"),),
    "save_view": (
        Door("own", "/queue/views/"),
        Door("keep view", "/queue/views/", {"name": "v", "query": ""}),
    ),
    # Who may decide is asked for each question of an order; here nothing is left of it.
    "bulk": (Door("own", "/bulk/?item=1"), Door("own", "/bulk/", {"items": "1 2"})),
    "bulk_decide": (Door("own", "/bulk/order", {"kind": "approve"}, ok=(400, 409)),),
    "bulk_order": (Door("order", "/bulk/{order}/"),),
    "bulk_stop": (Door("order", "/bulk/{order}/stop", {}),),
    "bulk_retry": (Door("own order", "/bulk/{order}/retry", {}),),
    "bulk_undo": (Door("own order", "/bulk/{order}/undo", {}),),
    "delete_view": (Door("keep own", "/queue/views/{view}/delete", {}),),
    # One question
    "review": (Door("see", "/review/{question}/"),),
    "next_question": (Door("see", "/review/{question}/next", ok=(302,)),),
    "decision": (Door("decide", "/review/{question}/decision", DECIDE),),
    "embedded_decision": (Door("decide", "/embed/{question}/decision", DECIDE),),
    "diff": (Door("see", "/review/{question}/diff", {}),),
    "question_state": (
        Door("edit", "/review/{question}/state"),
        Door("edit", "/review/{question}/state", EDIT, ok=(409,)),
    ),
    "question_state_preview": (
        Door("edit", "/review/{question}/state/preview", EDIT, ok=(200, 409)),
    ),
    "presence": (Door("own", "/presence/", {"at": "1"}),),
    "claim": (Door("decide", "/review/{question}/claim", {}),),
    "release": (Door("give back", "/review/{question}/release", {}),),
    "arrange": (Door("arrange", "/review/{question}/arrange", {"priority": "3"}),),
    "comment": (Door("comment", "/review/{question}/comment", {"text": "hm"}),),
    "draft": (Door("draft", "/review/{question}/draft", {"v/": "hm"}),),
    "embedded_undo": (Door("take back", "/embed/decisions/{decision}/undo", {}),),
    "undo": (Door("take back", "/decisions/{decision}/undo", {}),),
    # What was done
    "decisions": (Door("own", "/decisions/?who=all"),),
    "decision_made": (Door("see", "/decisions/{decision}/"),),
    # Its reason is missing, so nothing is reopened.
    "reopen": (Door("start", "/decisions/{decision}/reopen", {}, ok=(400, 409)),),
    "decisions_export": (
        Door("own", "/decisions/export.csv?who=all"),
        Door("own", "/decisions/export.json?who=all"),
    ),
    "runs": (Door("own", "/runs/"),),
    "run": (Door("see", "/runs/{run}/"),),
    "run_cancel": (
        Door("cancel", "/runs/{run}/cancel"),
        Door("cancel", "/runs/{run}/cancel", {"reason": "why"}),
    ),
    "threads": (Door("own", "/threads/"),),
    "thread": (Door("see", "/threads/{thread}/"),),
    "thread_continue": (Door("start", "/threads/{failed}/continue", {}),),
    "thread_wake": (Door("start", "/threads/{asleep}/wake", {}),),
    "thread_doctor": (Door("see", "/threads/{thread}/doctor/"),),
    "thread_doctor_report": (Door("see", "/threads/{thread}/doctor/report"),),
    "thread_doctor_act": (Door("start", "/threads/{asleep}/doctor/act", MEND),),
    "thread_signal": (
        Door("start", "/threads/{thread}/signal"),
        Door("start", "/threads/{thread}/signal", {"other": "paid"}),
    ),
    # Its workflow has no updates: the page says so, and one of any name is none.
    "thread_update": (
        Door("edit", "/threads/{thread}/update"),
        Door("edit", "/threads/{thread}/update", {"update": "set_limit"}, ok=(404,)),
    ),
    "step": (Door("see", "/threads/{stepped}/steps/{step}/"),),
    # Nothing is due after it, so nothing is forked.
    "step_fork": (
        Door("start", "/threads/{stepped}/steps/{step}/fork", {}, ok=(409,)),
    ),
    "step_label": (Door("label", "/threads/{stepped}/steps/{step}/label", NAME),),
    "step_unlabel": (Door("label", "/threads/{stepped}/steps/{step}/unlabel", NAME),),
    "thread_state_preview": (
        Door("edit", "/threads/{thread}/state/preview", EDIT, ok=(200, 409)),
    ),
    "thread_state": (
        Door("edit", "/threads/{thread}/state"),
        # Let in, and told that the thread has no state to edit yet.
        Door("edit", "/threads/{thread}/state", EDIT, ok=(409,)),
    ),
    "schedules": (Door("own", "/schedules/"),),
    "schedule": (Door("see", "/schedules/{schedule}/"),),
    "schedule_run": (Door("start", "/schedules/{schedule}/run", {}),),
    "schedule_pause": (Door("start", "/schedules/{schedule}/pause", {}),),
    "schedule_resume": (Door("start", "/schedules/{schedule}/resume", {}),),
    # Without times nothing is made up for.
    "schedule_backfill": (
        Door("start", "/schedules/{schedule}/backfill", {}, ok=(400,)),
    ),
    "health": (Door("own", "/health/"),),
    "health_storage": (Door("look after", "/health/storage/"),),
    "start": (Door("own", "/start/"),),
    "start_graph": (
        Door("start", "/start/{workflow}/"),
        Door("start", "/start/{workflow}/", {"input/repository": "."}),
    ),
    # One's own things, and the rules
    "preferences": (
        Door("own", "/preferences/"),
        Door("own", "/preferences/", {"undo_seconds": "5"}),
    ),
    "new_notices": (Door("own", "/notices/new"),),
    "mail_choices": (Door("own", "/notices/mail", {}),),
    "test_mail": (Door("own", "/notices/mail/test", {}),),
    "tokens": (Door("own", "/tokens/"), Door("all tokens", "/tokens/?whose=all")),
    "new_token": (
        Door("make token", "/tokens/new"),
        Door("make token", "/tokens/new", {}, ok=(400,)),
    ),
    # One's own, and for an admin anybody's.
    "revoke_token": (
        Door("keep own", "/tokens/{token}/revoke"),
        Door("keep own", "/tokens/{token}/revoke", {}),
    ),
    # The address is the authority; that of the table is nobody's.
    "approval_link": (
        Door("open", "/link/nobodys/", ok=(404,)),
        Door("open", "/link/nobodys/", {"kind": "approve"}, ok=(404,)),
    ),
    "webhooks": (Door("webhooks", "/webhooks/"),),
    "new_webhook": (
        Door("webhooks", "/webhooks/new"),
        Door("webhooks", "/webhooks/new", {}, ok=(400,)),
    ),
    "webhook": (
        Door("webhooks", "/webhooks/{webhook}/"),
        Door("webhooks", "/webhooks/{webhook}/", {}, ok=(400,)),
    ),
    "test_webhook": (Door("webhooks", "/webhooks/{webhook}/test", {}),),
    "renew_webhook": (Door("webhooks", "/webhooks/{webhook}/secret", {}),),
    "webhook_again": (Door("webhooks", "/webhooks/{webhook}/again", {}),),
    "remove_webhook": (Door("webhooks", "/webhooks/{webhook}/remove", {}),),
    "notices": (Door("own", "/notices/"), Door("own", "/notices/", {"upto": "1"})),
    "policies": (
        Door("policies", "/policies/"),
        Door("see", "/policies/?question={question}"),
    ),
    "policy": (
        Door("policies", "/policies/edit?workflow={workflow}"),
        Door("administer", "/policies/edit", POLICY),
    ),
}

# Each websocket with the act it is; lists are open to all who have any workflow.
SOCKETS: Mapping[str, Door] = {
    "ws/threads/<path:thread_id>/": Door("see", "/ws/threads/{thread}/"),
    "ws/queue/": Door("keep view", "/ws/queue/"),
    "ws/runs/": Door("keep view", "/ws/runs/"),
}

# Whose rules hold for a model in the admin: ours (the role admin reads, nobody changes), or
# Django's own permissions.
ADMIN_MODELS: Mapping[str, str] = {
    "workflows.ApiToken": "ours",
    "workflows.Decision": "ours",
    "workflows.Interrupt": "ours",
    "workflows.Run": "ours",
    "workflows.Thread": "ours",
    "workflows.Item": "ours",
    "workflows.CacheEntry": "ours",
    "demo.LedgerEntry": "django",
    "auth.User": "django",
    "auth.Group": "django",
}
