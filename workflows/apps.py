"""The composition root: ports get their adapters here."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """The app of the product."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install the adapters; what they need of the tables can be imported only now."""
        import_module("workflows.wiring").install(self)
