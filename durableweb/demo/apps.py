"""The Django app of the demo: a ledger, three pages and four workflows."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "durableweb.demo"
    label = "demo"
    verbose_name = "Demo"
    default_auto_field = "django.db.models.BigAutoField"
