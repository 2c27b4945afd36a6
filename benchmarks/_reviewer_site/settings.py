"""The product's settings with the workflow of this site instead of the demo's."""

from durableweb.settings import *  # noqa: F403
from durableweb.settings import INSTALLED_APPS as _INSTALLED

INSTALLED_APPS = [
    *(app for app in _INSTALLED if not app.startswith("durableweb.demo")),
    "benchmarks._reviewer_site",
]
