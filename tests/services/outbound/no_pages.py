"""The addresses of a site that shows none of our pages."""

urlpatterns: list[object] = []
