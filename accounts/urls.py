from django.urls import path

from accounts import views

urlpatterns = [
    path("profile", views.profile, name="profile"),
    path("keys", views.key_list, name="keys"),
    path("keys/<int:pk>/revoke", views.key_revoke, name="key_revoke"),
]
