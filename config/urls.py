"""The map of the site."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"


class Favicon(RedirectView):
    """The brand's mark."""

    def get_redirect_url(self, *_: object, **__: object) -> str:
        """Return its address, which changes with its content."""
        return static("brand/favicon-32.png")


urlpatterns = [
    path("", include("generations.urls")),
    path("", include("billing.urls")),
    path("account/", include("accounts.urls")),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("config.health")),
    # Browsers ask here, whatever the page says.
    path("favicon.ico", Favicon.as_view()),
]
