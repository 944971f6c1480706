"""What a browser says of itself, in words that people know it by."""

from django import template
from django.utils.translation import gettext as _

register = template.Library()

# The first that is named wins: nearly all call themselves Safari too, and many Chrome.
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
LENGTH_MAX = 60


@register.filter
def browser(agent: str) -> str:
    """Return "Firefox on Linux", or the beginning of what we cannot read."""
    name = next((known for mark, known in BROWSERS.items() if mark in agent), "")
    system = next((known for mark, known in SYSTEMS.items() if mark in agent), "")
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or system or agent[:LENGTH_MAX] or _("A program that says nothing of itself")
