"""Tokens in the admin: whose they are and how they stand. They are ended on their own page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from workflows.admin.base import ReadOnlyAdmin
from workflows.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Everybody's tokens, newest first."""

    list_display = (
        "name",
        "start",
        "owner",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    search_fields = ("name", "=start")
    exclude = ("digest",)
    ordering = ("-id",)
    list_select_related = ("owner",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not on its own pages. Asked elsewhere, an account is deleted: its tokens go along."""
        match = request.resolver_match
        here = f"{self.opts.app_label}_{self.opts.model_name}_"
        return match is not None and not (match.url_name or here).startswith(here)
