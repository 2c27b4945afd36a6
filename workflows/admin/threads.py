"""Threads in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from workflows.admin.base import ReadOnlyAdmin
from workflows.models import Thread


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    """Threads, newest change first, each with the way to its page."""

    list_display = ("id", "title", "graph", "status", "seq", "updated_at", "page")
    list_filter = ("status", "graph")
    search_fields = ("id", "title")
    ordering = ("-updated_at",)
    list_select_related = ("created_by",)

    @admin.display(description="page")
    def page(self, thread: Thread) -> str:
        address = reverse("workflows:thread", args=[thread.pk])
        return format_html('<a href="{}">Timeline</a>', address)
