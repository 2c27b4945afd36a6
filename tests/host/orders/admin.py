"""Orders in the shop's admin, each with the questions about it."""

from django.contrib import admin

from durableweb.admin import ReviewedAdmin
from tests.host.orders.models import Order


@admin.register(Order)
class OrderAdmin(ReviewedAdmin, admin.ModelAdmin):
    """An order with its refund."""

    def review_threads(self, order):
        return [order.refund_thread]
