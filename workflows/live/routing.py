"""The addresses of the websockets."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from workflows.live.consumers import QueueSocket, RunsSocket, ThreadSocket

websocket_urlpatterns = [
    path("ws/threads/<path:thread_id>/", ThreadSocket.as_asgi()),
    path("ws/queue/", QueueSocket.as_asgi()),
    path("ws/runs/", RunsSocket.as_asgi()),
    # Anything else is refused in silence instead of failing with a traceback.
    re_path("", WebsocketDenier.as_asgi()),
]
