from typing import ClassVar

import stripe
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from unfold.admin import ModelAdmin
from unfold.decorators import action

from accounts.access import user_of
from billing import checkout, inbox, money, refunds
from billing.models import (
    Alert,
    AutoTopUp,
    Dispute,
    Grant,
    Hold,
    LedgerAccount,
    PaymentProfile,
    PromoCode,
    Purchase,
    Refund,
    RefundOrder,
    StripeEvent,
    Transfer,
)
from billing.promo_form import PromoCodeForm
from billing.refund_form import RefundForm

EVENTS_MAX = 100


class ReadOnlyAdmin(ModelAdmin):
    """Money is looked at here, and moved by billing.ledger only."""

    ordering: ClassVar[tuple[str | Combinable, ...]] = ("-pk",)

    def has_add_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, *_: object) -> bool:
        """Refuse."""
        return False


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    """Balances."""

    list_display = ("__str__", "balance_micros", "held_micros")
    search_fields = ("account__name", "code")


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """Every movement of money."""

    list_display = ("created_at", "kind", "amount_micros", "debit", "credit", "reference")
    list_filter = ("kind",)
    search_fields = ("reference",)
    list_select_related = ("debit__account", "credit__account")


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Credit set aside for jobs."""

    list_display = ("created_at", "ledger_account", "amount_micros", "state", "reference")
    list_filter = ("state",)
    search_fields = ("reference",)
    list_select_related = ("ledger_account__account",)


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    """Credit bought, or meant to be."""

    list_display = ("created_at", "account", "amount_micros", "status", "payment_intent")
    list_filter = ("status", "origin")
    search_fields = ("id", "session", "payment_intent", "account__name")
    list_select_related = ("account",)
    ordering = ("-created_at",)
    actions_detail = ("refund",)  # type: ignore[assignment]  # typed as the empty tuple there

    @action(description="Refund", permissions=["refund"])  # type: ignore[operator]  # typed as its own result there
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how much and why, and give it back."""
        purchase = get_object_or_404(Purchase, pk=object_id)
        left = refunds.left_micros(purchase)
        form = RefundForm(request.POST) if request.method == "POST" else RefundForm.of(left)
        if form.is_valid() and self._refund(request, purchase, form):
            return redirect("admin:billing_purchase_change", purchase.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "Refund a purchase",
            "opts": self.opts,
            "purchase": purchase,
            "left_micros": left,
            "form": form,
        }
        return render(request, "admin/billing/refund.html", context)

    def _refund(self, request: HttpRequest, purchase: Purchase, form: RefundForm) -> bool:
        wanted = form.cleaned_data
        try:
            paid = refunds.refund(
                purchase,
                wanted["amount"],
                wanted["reason"],
                user_of(request),
                wanted["order"],
            )
        except (refunds.RefundRefused, refunds.RefundUnfinished) as problem:
            form.add_error(None, str(problem))
            return False
        amount = money.display(paid.amount_micros)
        messages.success(request, f"{amount} of credit was taken back: {paid.pk}, {paid.status}.")
        return True

    def has_refund_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Let those give money back who may order refunds."""
        return user_of(request).has_perm("billing.add_refundorder")


class Outcome(admin.SimpleListFilter):
    """Events by what became of them."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        """Return what can be asked for."""
        return [("undone", "not done"), ("failed", "failed"), ("done", "done")]

    def queryset(
        self, _: HttpRequest, queryset: QuerySet[StripeEvent]
    ) -> QuerySet[StripeEvent] | None:
        """Return the events of the outcome asked for."""
        match self.value():
            case "undone":
                return queryset.filter(done_at=None)
            case "failed":
                return queryset.exclude(error="")
            case "done":
                return queryset.exclude(done_at=None)
        return None


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """What Stripe told us: what is not done comes first."""

    list_display = ("received_at", "type", "id", "done_at", "tries", "error")
    list_filter = (Outcome, "type")
    search_fields = ("id", "type")
    ordering = (F("done_at").desc(nulls_first=True), "-received_at")
    actions = ("work_off_again",)

    @admin.action(description="Work off again", permissions=["replay"])
    def work_off_again(self, request: HttpRequest, events: QuerySet[StripeEvent]) -> None:
        """Let events take effect, also those that had: nothing is booked twice."""
        # The oldest first, as they came.
        for event in events.order_by("received_at")[:EVENTS_MAX]:
            try:
                inbox.replay(event)
            except (stripe.StripeError, checkout.PaymentMismatch) as problem:
                messages.error(request, f"{event.pk} failed: {problem}")
            else:
                messages.success(request, f"{event.pk} ({event.type}) is done.")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Let those replay who may change events, though nobody edits them."""
        return user_of(request).has_perm("billing.change_stripeevent")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money that went back."""

    list_display = ("created_at", "id", "purchase", "amount_micros", "bonus_micros", "status")
    list_filter = ("status",)
    search_fields = ("id", "purchase__payment_intent", "purchase__account__name")
    list_select_related = ("purchase",)
    ordering = ("-created_at",)


@admin.register(RefundOrder)
class RefundOrderAdmin(ReadOnlyAdmin):
    """Who gave back how much, when and why."""

    list_display = ("created_at", "by", "cents", "reason", "state", "refund", "told")
    list_filter = ("state",)
    search_fields = ("id", "refund__id", "by__email", "purchase__account__name")
    list_select_related = ("by", "refund")
    ordering = ("-created_at",)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Payments that a bank questions."""

    list_display = ("created_at", "id", "purchase", "amount_micros", "status", "money_out")
    list_filter = ("status", "money_out", "money_in")
    search_fields = ("id", "purchase__payment_intent", "purchase__account__name")
    list_select_related = ("purchase",)
    ordering = ("-created_at",)


@admin.register(PaymentProfile)
class PaymentProfileAdmin(ReadOnlyAdmin):
    """Accounts as Stripe knows them."""

    list_display = ("account", "customer")
    search_fields = ("customer", "account__name")
    list_select_related = ("account",)


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """Promotional credit that expires."""

    list_display = ("created_at", "account", "amount_micros", "remaining_micros", "expires_at")
    search_fields = ("reference", "account__name")
    list_select_related = ("account",)


@admin.register(AutoTopUp)
class AutoTopUpAdmin(ReadOnlyAdmin):
    """Rules of automatic top-ups: the customers' own."""

    list_display = ("account", "state", "threshold_micros", "amount_micros", "declines", "told")
    list_filter = ("state",)
    search_fields = ("account__name",)
    list_select_related = ("account",)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Figures that customers want to hear of."""

    list_display = ("account", "kind", "threshold_micros", "armed", "fired_at")
    list_filter = ("kind", "armed")
    search_fields = ("account__name",)
    list_select_related = ("account",)


@admin.register(PromoCode)
class PromoCodeAdmin(ModelAdmin):
    """Codes that give credit. What was given stays given when a code is changed or deleted."""

    form = PromoCodeForm
    list_display = ("code", "gives", "life_days", "redemptions", "redemptions_max", "valid_until")
    search_fields = ("code",)
    readonly_fields = ("redemptions",)
    ordering = ("-id",)

    @admin.display(description="Gives", ordering="amount_micros")
    def gives(self, promo: PromoCode) -> str:
        """Show the credit in dollars."""
        return money.display(promo.amount_micros)
