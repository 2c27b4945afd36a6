"""The shop's pages."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from tests.host.orders.models import Order


def home(request):
    return HttpResponse("The shop is open to anybody.")


def order(request, pk):
    return render(request, "order.html", {"order": get_object_or_404(Order, pk=pk)})
