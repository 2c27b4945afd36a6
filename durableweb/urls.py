"""Where every address of the site meets its view."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("demo/", include("durableweb.demo.urls")),
    path("api/v1/", include("workflows.live.urls")),
    path("api/v1/", include("workflows.api.urls")),
    path("", include("workflows.web.urls")),
]

handler500 = "workflows.web.outage.broken"
