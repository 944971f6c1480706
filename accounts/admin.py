from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import acts
from accounts.access import user_of
from accounts.acts import OperatorAct
from accounts.models import Account, ApiKey, User, WebhookDelivery
from config.readonly_admin import ACTIONS, ReadOnlyAdmin

POWERS = ("is_active", "is_staff", "is_superuser", "groups")


class UserForm(forms.ModelForm):  # type: ignore[type-arg]  # no subscript at run time
    """What an operator may change of a user, and why."""

    reason = forms.CharField(
        max_length=acts.REASON_LENGTH_MAX,
        help_text="kept with your name",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    class Meta:
        model = User
        fields = POWERS


@admin.register(User)
class UserAdmin(ModelAdmin):
    """People. Passwords are changed by mail, and nobody is added or deleted in here."""

    form = UserForm
    change_form_before_template = ACTIONS
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email",)
    fields = ("email", *POWERS, "reason", "date_joined", "last_login")
    readonly_fields = ("email", "date_joined", "last_login")
    ordering = ("-id",)

    def has_add_permission(self, *_: object) -> bool:
        """Refuse: people sign up, or `manage.py open_account` opens their account."""
        return False

    def has_delete_permission(self, *_: object) -> bool:
        """Refuse: what they made and paid hangs on them."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, and write down who gave or took which power and why."""
        before = _powers(User.objects.get(pk=form.instance.pk)) | {
            name: form.initial[name] for name in POWERS if name in form.initial and name != "groups"
        }
        super().save_related(request, form, formsets, change)
        after, reason = _powers(form.instance), form.cleaned_data["reason"]
        by = user_of(request)
        acts.note(by, "changed a user", form.instance, reason, before=before, after=after)


def _powers(user: User) -> dict[str, Any]:
    groups = sorted(user.groups.values_list("name", flat=True))
    return {**{name: getattr(user, name) for name in POWERS[:-1]}, "groups": groups}


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Customers. Their money and their story stand on a page of their own."""

    list_display = ("name", "mode", "id", "created_at")
    list_filter = ("mode",)
    search_fields = ("name", "id", "users__email", "live__users__email")
    fields = ("id", "name", "mode", "live", "created_at")
    ordering = ("-created_at",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys, to be looked at only: their digests are of no use to anyone."""

    list_display = (
        *("name", "prefix", "account", "mode", "scopes"),
        *("created_at", "last_used_at", "expires_at", "revoked_at"),
    )
    list_filter = ("mode",)
    search_fields = ("prefix", "previous_prefix", "name", "account__name")
    list_select_related = ("account",)
    exclude = ("digest", "previous_digest", "cap_micros", "cap_period")
    ordering = ("-id",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Messages to customers' servers."""

    list_display = (
        *("created_at", "account", "event", "status"),
        *("attempts", "last_status_code", "last_error", "url"),
    )
    list_filter = ("status", "event")
    search_fields = ("event_id", "subject", "account__name")
    list_select_related = ("account",)
    exclude = ("leased_by", "lease_until")


@admin.register(OperatorAct)
class OperatorActAdmin(ReadOnlyAdmin):
    """What operators did: the log cannot be changed, here or anywhere."""

    list_display = ("at", "by", "what", "about_type", "about_id", "reason")
    list_filter = ("what", "about_type")
    search_fields = ("about_id", "reason", "by__email")
    list_select_related = ("by",)
