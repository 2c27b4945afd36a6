"""The composition root: ports get their adapters here."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """The app of the product."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"
