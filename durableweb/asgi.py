"""The ASGI application: HTTP and websockets meet here."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durableweb.settings")
# Django is set up by this call; what is imported below needs its models.
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from workflows.live.doors import BodyLimit, NoForeignRootPath  # noqa: E402
from workflows.live.origins import OwnOriginOnly  # noqa: E402
from workflows.live.routing import websocket_urlpatterns  # noqa: E402

application = NoForeignRootPath(
    ProtocolTypeRouter(
        {
            "http": BodyLimit(http, settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
            "websocket": OwnOriginOnly(URLRouter(websocket_urlpatterns)),
        }
    )
)
