"""The store's items and the cache's entries in the admin."""

from django.contrib import admin

from workflows.admin.base import ReadOnlyAdmin
from workflows.models import CacheEntry, Item


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """What threads share, by namespace."""

    list_display = ("namespace", "key", "expires_at", "updated_at")
    search_fields = ("namespace", "key")
    exclude = ("vectors",)
    ordering = ("namespace", "key")


@admin.register(CacheEntry)
class CacheEntryAdmin(ReadOnlyAdmin):
    """Kept results of nodes and tasks, newest first."""

    list_display = ("namespace", "key", "expires_at", "created_at")
    search_fields = ("namespace",)
    ordering = ("-created_at",)
