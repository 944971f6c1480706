"""The map of the site."""

from django.contrib import admin
from django.urls import include, path

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"


urlpatterns = [
    # First, because it is asked most: routes are tried in this order.
    path("api/", include("generations.api_urls")),
    path("", include("generations.urls")),
    path("", include("billing.urls")),
    path("account/", include("accounts.urls")),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("config.health")),
    path("", include("config.security_txt")),
    path("", include("config.legal")),
    path("", include("config.styleguide")),
    path("", include("config.wayfinding")),
]
