"""What the pages of the admin share: the role admin may read, nobody adds or changes.

State, runs and decisions change through services alone, so that every change has its event
and its check. Nothing is deleted here either: a thread goes with its checkpoints, by a service.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from workflows.services.access import Rights


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows to read for the role admin."""

    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return Rights(request.user).is_admin

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Rights(request.user).is_admin

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
