"""The addresses of the pages."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.templatetags.static import static
from django.urls import path, re_path, register_converter
from django.views.generic import RedirectView

from workflows.web import (
    approval_link,
    bulk,
    bulk_orders,
    decisions,
    desk,
    doctor,
    embed,
    health,
    notices,
    policies,
    preferences,
    presence,
    queue,
    review,
    runs,
    schedules,
    signals,
    site_health,
    start,
    state_editor,
    steps,
    threads,
    tokens,
    updates,
    webhooks,
)
from workflows.web.converters import AnyText

register_converter(AnyText, "text")

app_name = "workflows"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="workflows:queue"), name="home"),
    path("queue/", queue.index, name="queue"),
    path("queue/views/", queue.views, name="save_view"),
    path("queue/views/<int:number>/delete", queue.delete_view, name="delete_view"),
    path("review/<int:number>/", review.detail, name="review"),
    path("review/<int:number>/decision", review.decide, name="decision"),
    path("review/<int:number>/next", review.go_to_next, name="next_question"),
    path("review/<int:number>/diff", review.show_diff, name="diff"),
    path("review/<int:number>/state", state_editor.of_question, name="question_state"),
    path(
        "review/<int:number>/state/preview",
        state_editor.preview_of_question,
        name="question_state_preview",
    ),
    path("review/<int:number>/claim", desk.claim, name="claim"),
    path("review/<int:number>/release", desk.release, name="release"),
    path("review/<int:number>/arrange", desk.arrange, name="arrange"),
    path("review/<int:number>/comment", desk.comment, name="comment"),
    path("review/<int:number>/draft", desk.draft, name="draft"),
    path("embed/<int:number>/decision", embed.decide, name="embedded_decision"),
    path("embed/decisions/<int:decision>/undo", embed.undo, name="embedded_undo"),
    path("bulk/", bulk.index, name="bulk"),
    path("bulk/order", bulk.order, name="bulk_decide"),
    path("bulk/<int:number>/", bulk_orders.detail, name="bulk_order"),
    path("bulk/<int:number>/stop", bulk_orders.stop, name="bulk_stop"),
    path("bulk/<int:number>/retry", bulk_orders.retry, name="bulk_retry"),
    path("bulk/<int:number>/undo", bulk_orders.undo, name="bulk_undo"),
    path("presence/", presence.presence, name="presence"),
    path("preferences/", preferences.index, name="preferences"),
    path("notices/", notices.index, name="notices"),
    path("notices/new", notices.fresh, name="new_notices"),
    path("notices/mail", notices.mail, name="mail_choices"),
    path("notices/mail/test", notices.test_mail, name="test_mail"),
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/new", webhooks.add, name="new_webhook"),
    path("webhooks/<int:number>/", webhooks.detail, name="webhook"),
    path("webhooks/<int:number>/test", webhooks.test, name="test_webhook"),
    path("webhooks/<int:number>/secret", webhooks.renew, name="renew_webhook"),
    path("webhooks/<int:number>/again", webhooks.again, name="webhook_again"),
    path("webhooks/<int:number>/remove", webhooks.remove, name="remove_webhook"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/new", tokens.add, name="new_token"),
    path("tokens/<int:number>/revoke", tokens.revoke, name="revoke_token"),
    path("link/<str:token>/", approval_link.page, name="approval_link"),
    path("policies/", policies.index, name="policies"),
    path("policies/edit", policies.edit, name="policy"),
    path("decisions/", decisions.index, name="decisions"),
    re_path(
        r"^decisions/export\.(?P<form>csv|json)$",
        decisions.export,
        name="decisions_export",
    ),
    path("decisions/<int:decision>/", decisions.detail, name="decision_made"),
    path("decisions/<int:decision>/undo", desk.undo, name="undo"),
    path("decisions/<int:decision>/reopen", decisions.reopen, name="reopen"),
    path("runs/", runs.index, name="runs"),
    path("runs/<int:run_id>/", runs.detail, name="run"),
    path("runs/<int:run_id>/cancel", runs.cancel, name="run_cancel"),
    path("threads/", threads.index, name="threads"),
    path("threads/<text:thread_id>/", threads.detail, name="thread"),
    path("threads/<text:thread_id>/continue", threads.go_on, name="thread_continue"),
    path("threads/<text:thread_id>/wake", threads.wake, name="thread_wake"),
    path("threads/<text:thread_id>/doctor/", doctor.detail, name="thread_doctor"),
    path("threads/<text:thread_id>/doctor/act", doctor.act, name="thread_doctor_act"),
    path(
        "threads/<text:thread_id>/doctor/report",
        doctor.as_text,
        name="thread_doctor_report",
    ),
    path("threads/<text:thread_id>/signal", signals.send, name="thread_signal"),
    path("threads/<text:thread_id>/update", updates.send, name="thread_update"),
    path("threads/<text:thread_id>/state", state_editor.of_thread, name="thread_state"),
    path(
        "threads/<text:thread_id>/state/preview",
        state_editor.preview_of_thread,
        name="thread_state_preview",
    ),
    path("threads/<text:thread_id>/steps/<str:checkpoint>/", steps.detail, name="step"),
    path(
        "threads/<text:thread_id>/steps/<str:checkpoint>/fork",
        steps.fork,
        name="step_fork",
    ),
    path(
        "threads/<text:thread_id>/steps/<str:checkpoint>/label",
        steps.label,
        name="step_label",
    ),
    path(
        "threads/<text:thread_id>/steps/<str:checkpoint>/unlabel",
        steps.unlabel,
        name="step_unlabel",
    ),
    path("schedules/", schedules.index, name="schedules"),
    path("schedules/<text:name>/", schedules.detail, name="schedule"),
    path("schedules/<text:name>/run", schedules.run, name="schedule_run"),
    path("schedules/<text:name>/pause", schedules.pause, name="schedule_pause"),
    path("schedules/<text:name>/resume", schedules.resume, name="schedule_resume"),
    path(
        "schedules/<text:name>/backfill", schedules.backfill, name="schedule_backfill"
    ),
    path("health/", site_health.index, name="health"),
    path("health/storage/", site_health.room, name="health_storage"),
    path("start/", start.index, name="start"),
    path("start/<text:graph>/", start.form, name="start_graph"),
    path(
        "login/",
        login_not_required(
            LoginView.as_view(
                template_name="workflows/login.html", redirect_authenticated_user=True
            )
        ),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path(
        "favicon.ico",
        login_not_required(RedirectView.as_view(url=static("img/mark.svg"))),
        name="favicon",
    ),
    path("healthz", health.healthz, name="healthz"),
]
