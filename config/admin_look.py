"""How the operator's pages look, and the way through them: what the admin's package is told."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from config import colours


def styles_of_reports(_request: HttpRequest) -> str:
    """Return the address of our own styles, which changes with their content."""
    return static("css/operator.css")


def styles_of_desk(_request: HttpRequest) -> str:
    """Return the address of those of the desk."""
    return static("css/desk.css")


def _may(*permissions: str) -> Any:
    def allowed(request: HttpRequest) -> bool:
        return any(request.user.has_perm(one) for one in permissions)

    return allowed


def _item(title: str, icon: str, route: str, *permissions: str) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{route}")
    return {"title": title, "icon": icon, "link": link, "permission": _may(*permissions)}


_REPORTS = "reports.see_reports"
_ACTS = "accounts.view_operatoract"

UNFOLD = {
    "SITE_TITLE": "Gallop",
    "SITE_HEADER": "Gallop",
    "SITE_URL": "/",
    "DASHBOARD_CALLBACK": "generations.desk.overview.show",
    "ENVIRONMENT": "generations.context.environment",
    "COLORS": colours.SAFELIGHT | colours.INK,
    "STYLES": [styles_of_reports, styles_of_desk],
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": [
            {
                "title": "Reports",
                "items": [
                    _item("Money", "payments", "report_money", _REPORTS),
                    _item("Films", "movie", "report_films", _REPORTS),
                    _item("Accounts", "group", "report_accounts", _REPORTS),
                    _item("Margin", "trending_up", "report_margin", _REPORTS),
                ],
            },
            {
                "title": "Desk",
                "items": [
                    _item("Find", "search", "find", "accounts.view_account"),
                    _item("Work lists", "checklist", "work", "generations.view_generation"),
                    _item(
                        "Credit orders",
                        "verified",
                        "billing_creditorder_changelist",
                        "billing.view_creditorder",
                    ),
                    _item("What was done", "history", "accounts_operatoract_changelist", _ACTS),
                ],
            },
        ],
    },
}
