"""What Gallop asks of django-allauth beyond its settings."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation

from accounts import language
from accounts.access import MAKERS
from accounts.models import User
from accounts.opening import account_of, places_of
from config.visitors import address_of, peer_of


class Adapter(DefaultAccountAdapter):
    """Opens the customer's account together with the user, and counts tries as we count visits."""

    def save_user(
        self,
        request: HttpRequest,
        user: AbstractBaseUser,
        form: BaseForm,
        commit: bool = True,
    ) -> AbstractBaseUser:
        """Keep the new user, with the language of the page, and open the account."""
        spoken = translation.get_language() or language.ENGLISH
        if isinstance(user, User) and spoken != language.ENGLISH:
            # Mail knows no browser to ask.
            user.language = spoken
        saved = super().save_user(request, user, form, commit)
        if isinstance(saved, User) and commit:
            account_of(saved)
            # An invitation's link has proved its own address, and no other one.
            if not self.is_email_verified(request, saved.email):
                self.unstash_verified_email(request)
        return saved

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return the first page after sign-in: the books for who has to do with money alone."""
        if isinstance(request.user, User) and places_of(request.user)[0].role not in MAKERS:
            return reverse("billing")
        return str(super().get_login_redirect_url(request))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write in the language that the reader has chosen, or else in that of the page."""
        reader = User.objects.filter(email__iexact=email).first()
        page = translation.get_language() or language.ENGLISH
        with translation.override(language.of_user(reader, otherwise=page)):
            super().send_mail(template_prefix, email, context)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return where the request comes from: what strangers write into headers counts nothing."""
        address = address_of(request) or peer_of(request)
        if address is None:
            raise PermissionDenied("It is not known where this request comes from.")
        return str(address)
