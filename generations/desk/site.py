"""The operator's part of the site: Django's admin, the reports and the desk."""

from importlib import import_module

from allauth.account.decorators import secure_admin_login
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite


@method_decorator(secure_admin_login, name="login")
class OperatorSite(UnfoldAdminSite):
    """The admin with pages of its own. Each asks for its permission itself.

    Its door is the site's one: there tries are counted, and second steps are asked for.
    """

    def extra_urls(self) -> list[URLPattern]:
        """Return their addresses, which come before the admin's own."""
        # The site is made before any model is known, so its pages are looked up when asked for.
        pages = ("generations.reports.pages", "generations.desk.pages")
        return [url for page in pages for url in import_module(page).urls(self)]
