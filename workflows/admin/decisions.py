"""Decisions in the admin: written once, never changed, by nobody."""

from django.contrib import admin

from workflows.admin.base import ReadOnlyAdmin
from workflows.models import Decision


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """Who decided what, when and why."""

    list_display = (
        "id",
        "interrupt",
        "round",
        "kind",
        "person_name",
        "reason",
        "created_at",
    )
    list_filter = ("kind",)
    search_fields = ("=interrupt__id", "person_name")
    ordering = ("-id",)
    list_select_related = ("interrupt",)
