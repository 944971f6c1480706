"""What Gallop asks of django-allauth beyond its settings."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.forms import BaseForm
from django.http import HttpRequest

from accounts.models import User
from accounts.opening import account_of


class Adapter(DefaultAccountAdapter):
    """Opens the customer's account together with the user."""

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
        return saved
