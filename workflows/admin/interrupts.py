"""Questions in the admin."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from workflows.admin.base import ReadOnlyAdmin
from workflows.models import Interrupt


@admin.register(Interrupt)
class InterruptAdmin(ReadOnlyAdmin):
    """Questions in every state, each with the way to its page."""

    list_display = (
        "id",
        "title",
        "graph",
        "node",
        "status",
        "round",
        "asked_at",
        "page",
    )
    list_filter = ("status", "graph")
    search_fields = ("=id", "title", "thread__id")
    ordering = ("-id",)
    list_select_related = ("thread",)

    @admin.display(description="page")
    def page(self, question: Interrupt) -> str:
        address = reverse("workflows:review", args=[question.pk])
        return format_html('<a href="{}">Question</a>', address)
