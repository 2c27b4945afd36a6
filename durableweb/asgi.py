"""The ASGI application: HTTP and websockets meet here."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
# What is imported below needs the models.
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from workflows.live.doors import BodyLimit, NoForeignRootPath  # noqa: E402
from workflows.live.handler import PooledHandler  # noqa: E402
from workflows.live.origins import OwnOriginOnly  # noqa: E402
from workflows.live.routing import websocket_urlpatterns  # noqa: E402

application = NoForeignRootPath(
    ProtocolTypeRouter(
        {
            "http": BodyLimit(
                PooledHandler(settings.HTTP_THREADS),
                settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            ),
            "websocket": OwnOriginOnly(URLRouter(websocket_urlpatterns)),
        }
    )
)
