"""The outside queue's own page in the admin, which is not for this site.

It lets whoever may look at a job retry, cancel or abort it, past the permissions of the run
that the job only points at.
"""

from django.contrib import admin

QUEUE = "procrastinate"

# Found before this module: its app comes first in the settings, where there is one.
for model in [each for each in admin.site._registry if each._meta.app_label == QUEUE]:
    admin.site.unregister(model)
