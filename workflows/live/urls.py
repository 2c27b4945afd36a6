"""The address of event streams, above those of the API that it belongs to.

path("api/v1/", include("workflows.live.urls")), path("api/v1/", include("workflows.api.urls"))
"""

from django.urls import path

from workflows.live.streaming import stream

app_name = "workflows_live"
urlpatterns = [path("threads/<str:thread_id>/events/stream", stream, name="events")]
