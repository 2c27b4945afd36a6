"""The ledger in Django's admin: to be looked at, not to be edited."""

from django.contrib import admin
from django.http import HttpRequest

from durableweb.demo.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(admin.ModelAdmin):
    list_display = ("number", "vendor", "date", "gross", "note", "booked_at")
    list_filter = ("vendor",)
    search_fields = ("number", "vendor", "thread_id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: LedgerEntry | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: LedgerEntry | None = None
    ) -> bool:
        return False
