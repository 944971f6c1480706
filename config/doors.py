"""Who gets in and how: the settings of django-allauth, social sign-in among them where it is set.

Tries are counted in the cache by address and by account. Answers are the same whether or not
somebody is a customer.
"""

from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

# How often something may be tried: number/time/what is counted, all that are named at once.
ACCOUNT_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": "10/m/ip,60/h/ip",
    # One mail each, to whatever address was typed.
    "reset_password": "10/m/ip,30/h/ip,5/h/key",
    "reset_password_from_key": "20/m/ip",
    "confirm_email": "1/3m/key",
    "manage_email": "10/m/user",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
# By the name of its settings: what allauth calls it, what it is asked for, where our form leads.
SOCIAL = {
    "GOOGLE": ("google", ["profile", "email"], "https://accounts.google.com"),
    "GITHUB": ("github", ["user:email"], "https://github.com"),
}
APPS = ["allauth", "allauth.account", "allauth.mfa", "allauth.usersessions"]


def configure(env: environ.Env, public_url: str, *, local: bool) -> dict[str, Any]:
    """Return the settings by name. Raises ImproperlyConfigured for half a social sign-in."""
    providers = {name: said for name in SOCIAL if (said := _provider(env, name))}
    return {
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "LOGIN_REDIRECT_URL": "create",
        "LOGIN_URL": "account_login",
        "ACCOUNT_ADAPTER": "accounts.adapter.Adapter",
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "ACCOUNT_CONFIRM_EMAIL_ON_GET": False,
        "ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION": True,
        "ACCOUNT_LOGOUT_REDIRECT_URL": "landing",
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        # A stolen session must not add an address of its own and have the password sent there.
        "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": urlsplit(public_url).scheme,
        "ACCOUNT_RATE_LIMITS": ACCOUNT_LIMITS,
        "MFA_ADAPTER": "accounts.second_step.Adapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "Gallop",
        # A phone's clock may be half a minute off.
        "MFA_TOTP_TOLERANCE": 1,
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": local,
        "SOCIALACCOUNT_PROVIDERS": {SOCIAL[name][0]: said for name, said in providers.items()},
        "SOCIALACCOUNT_LOGIN_ON_GET": False,
        # Where the other side's forms lead: the policy for browsers names them.
        "SOCIAL_ORIGINS": [SOCIAL[name][2] for name in providers],
    }


def apps(providers: dict[str, Any]) -> list[str]:
    """Return the apps of allauth: those of social sign-in only where it is set."""
    social = [f"allauth.socialaccount.providers.{name}" for name in providers]
    return [*APPS, "allauth.socialaccount", *social] if social else APPS


def _provider(env: environ.Env, name: str) -> dict[str, Any]:
    """Return what allauth wants to know of a provider, {} where it is not set."""
    client, secret = (
        env.str(f"{name}_CLIENT_{half}", default="").strip() for half in ("ID", "SECRET")
    )
    if bool(client) != bool(secret):
        raise ImproperlyConfigured(
            f"Set both {name}_CLIENT_ID and {name}_CLIENT_SECRET, or neither."
        )
    if not client:
        return {}
    app = {"client_id": client, "secret": secret, "key": ""}
    return {"APPS": [app], "SCOPE": SOCIAL[name][1], "OAUTH_PKCE_ENABLED": True}
