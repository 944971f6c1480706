"""Signing in with what people have elsewhere: offered where it is set, and only there."""

from pathlib import Path

import pytest

from tests.config.interpreter import local_environment, run, settings_of

GOOGLE = {"GOOGLE_CLIENT_ID": "an-id", "GOOGLE_CLIENT_SECRET": "a-secret-of-ours"}
PAGE = """
import django
django.setup()
from django.template.loader import render_to_string
from django.test import RequestFactory
from allauth.socialaccount.models import SocialApp
from config.security import POLICY
# There is no database here, and ours knows no providers but those of the settings.
SocialApp.objects.on_site = lambda request: SocialApp.objects.none()
request = RequestFactory().get("/account/login/")
print(POLICY)
print(render_to_string("socialaccount/snippets/provider_list.html", {"process": "login"}, request))
"""


def test_without_settings_nothing_is_installed(tmp_path: Path) -> None:
    apps, origins = settings_of(local_environment(tmp_path), "INSTALLED_APPS", "SOCIAL_ORIGINS")
    assert "allauth.socialaccount" not in apps
    assert origins == []


def test_with_settings_it_is_offered_and_its_secret_stays_ours(tmp_path: Path) -> None:
    environment = local_environment(tmp_path) | GOOGLE
    done = run(PAGE, environment | {"DJANGO_SETTINGS_MODULE": "config.settings"})
    assert done.returncode == 0, done.stderr
    assert "Go on with Google" in done.stdout
    assert 'method="post" action="/account/google/login/' in done.stdout
    assert "GitHub" not in done.stdout
    assert "https://accounts.google.com" in done.stdout.splitlines()[0]
    assert "a-secret-of-ours" not in done.stdout


@pytest.mark.parametrize("name", sorted(GOOGLE))
def test_half_of_it_is_refused_with_a_hint(tmp_path: Path, name: str) -> None:
    environment = local_environment(tmp_path) | {name: "x"}
    done = run("from config import settings", environment)
    assert done.returncode != 0
    assert "Set both GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or neither." in done.stderr
