"""The product's settings with the workflows of the tests and a folder for what is written."""

import os
from pathlib import Path

from durableweb.settings import *  # noqa: F403
from durableweb.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.acceptance.sample"]
VAR_DIR = Path(os.environ["TEST_VAR_DIR"])
