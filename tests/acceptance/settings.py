"""The product's settings with the workflows of the tests and a folder for what is written."""

import os
from pathlib import Path

from durableweb.settings import *  # noqa: F403
from durableweb.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.acceptance.sample"]
VAR_DIR = Path(os.environ["TEST_VAR_DIR"])
# A password is to be checked here, not to be hard to guess: that takes 0.3 s each time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
