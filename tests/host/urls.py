"""The shop's addresses; the review desk hangs below one of them."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from tests.host.orders import views

urlpatterns = [
    path("", views.home, name="home"),
    path(
        "shop/log-in/", LoginView.as_view(template_name="shop_login.html"), name="login"
    ),
    path("shop/orders/<int:pk>/", views.order, name="order"),
    path("admin/", admin.site.urls),
    path("desk/api/v1/", include("workflows.live.urls")),
    path("desk/api/v1/", include("workflows.api.urls")),
    path("desk/", include("workflows.web.hosted_urls")),
]
