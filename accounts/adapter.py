"""What Gallop asks of django-allauth beyond its settings."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse

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
        """Keep the new user and open the account."""
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

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return where the request comes from: what strangers write into headers counts nothing."""
        address = address_of(request) or peer_of(request)
        if address is None:
            raise PermissionDenied("It is not known where this request comes from.")
        return str(address)
