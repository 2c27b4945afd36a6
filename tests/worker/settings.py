"""The product's settings with the sample app, for processes that tests start."""

from durableweb.settings import *  # noqa: F403
from durableweb.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.worker.sample"]
