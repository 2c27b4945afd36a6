"""Addresses of the demo's own pages, below /demo/."""

from django.urls import path

from durableweb.demo import views

app_name = "demo"
urlpatterns = [
    path("pages/busy/", views.busy, name="busy"),
    path("pages/<slug:name>/", views.page, name="page"),
]
