"""`manage.py runserver`: daphne's, which reloads like Django's and answers websockets."""

from daphne.management.commands import runserver


class Command(runserver.Command):
    """Found before the one of django.contrib.staticfiles."""
