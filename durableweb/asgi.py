"""The ASGI application: HTTP and websockets meet here."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
application = get_asgi_application()
