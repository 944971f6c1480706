from django.urls import path

from billing import views

urlpatterns = [
    path("billing", views.billing, name="billing"),
    path("billing/return", views.returned, name="billing_return"),
    path("hooks/stripe", views.stripe_hook, name="stripe_hook"),
]
