from django.urls import path

from accounts import views, webhook_pages

urlpatterns = [
    path("profile", views.profile, name="profile"),
    path("webhooks", webhook_pages.webhook_list, name="webhooks"),
    path("webhooks/add", webhook_pages.webhook_add, name="webhook_add"),
    path("webhooks/secret", webhook_pages.secret_reveal, name="webhook_secret"),
    path("webhooks/secret/change", webhook_pages.secret_rotate, name="webhook_secret_change"),
    path("webhooks/<int:pk>", webhook_pages.webhook, name="webhook"),
    path("webhooks/<int:pk>/events", webhook_pages.webhook_events, name="webhook_events"),
    path("webhooks/<int:pk>/switch", webhook_pages.webhook_switch, name="webhook_switch"),
    path("webhooks/<int:pk>/remove", webhook_pages.webhook_remove, name="webhook_remove"),
    path("webhooks/<int:pk>/test", webhook_pages.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/secret", webhook_pages.webhook_reveal, name="webhook_reveal"),
    path("webhooks/<int:pk>/secret/change", webhook_pages.webhook_rotate, name="webhook_rotate"),
    path(
        "webhooks/deliveries/<int:pk>/replay",
        webhook_pages.delivery_replay,
        name="delivery_replay",
    ),
]
