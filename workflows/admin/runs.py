"""Runs in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from workflows.admin.base import ReadOnlyAdmin
from workflows.models import Run


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs with their claim: who holds them, until when, under which fencing number."""

    list_display = (
        *("id", "graph", "kind", "status", "reason", "owner"),
        *("lease_until", "fence", "recoveries", "created_at", "page"),
    )
    list_filter = ("status", "kind", "graph", "reason")
    search_fields = ("=id", "thread__id")
    ordering = ("-id",)
    list_select_related = ("thread", "created_by")

    @admin.display(description="page")
    def page(self, run: Run) -> str:
        return format_html(
            '<a href="{}">Run</a>', reverse("workflows:run", args=[run.pk])
        )
