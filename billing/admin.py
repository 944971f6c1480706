from typing import Any

from django.contrib import admin, messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from unfold.admin import ModelAdmin
from unfold.decorators import action

from accounts.access import user_of
from accounts.models import Mode
from billing import ledger, money, refunds
from billing.dollars_admin import DollarsAdmin
from billing.models import (
    Alert,
    AutoTopUp,
    CreditOrder,
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


class BooksMode(admin.SimpleListFilter):
    """The real books, or those of test credit: no row belongs to both."""

    title = "mode"
    parameter_name = "mode"
    mode_at = ""
    code_at = ""

    @classmethod
    def of(cls, mode_at: str, code_at: str) -> "type[BooksMode]":
        """Return the filter for a table whose rows name an account's mode and a code there."""
        return type("BooksMode", (cls,), {"mode_at": mode_at, "code_at": code_at})

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        """Return what can be asked for."""
        return [(str(mode), mode.label) for mode in Mode]

    def queryset(self, _: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """Return the rows of the mode asked for."""
        in_test_mode = Q(**{self.mode_at: Mode.TEST}) | Q(**{f"{self.code_at}__in": ledger.TEST})
        match self.value():
            case Mode.TEST:
                return queryset.filter(in_test_mode)
            case Mode.LIVE:
                return queryset.exclude(in_test_mode)
        return None


@admin.register(LedgerAccount)
class LedgerAccountAdmin(DollarsAdmin):
    """Balances."""

    list_display = (
        *("__str__", "balance_micros", "held_micros"),
        *("receivable_micros", "frozen"),
    )
    list_filter = (BooksMode.of("account__mode", "code"), "frozen")
    search_fields = ("account__name", "code")
    list_select_related = ("account",)


@admin.register(Transfer)
class TransferAdmin(DollarsAdmin):
    """Every movement of money."""

    list_display = ("created_at", "kind", "amount_micros", "debit", "credit", "reference")
    list_filter = (BooksMode.of("debit__account__mode", "debit__code"), "kind")
    search_fields = ("reference",)
    list_select_related = ("debit__account", "credit__account")


@admin.register(Hold)
class HoldAdmin(DollarsAdmin):
    """Credit set aside for jobs."""

    list_display = ("created_at", "ledger_account", "amount_micros", "state", "reference")
    list_filter = ("ledger_account__account__mode", "state")
    search_fields = ("reference",)
    list_select_related = ("ledger_account__account",)


@admin.register(Purchase)
class PurchaseAdmin(DollarsAdmin):
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
class StripeEventAdmin(DollarsAdmin):
    """What Stripe told us: what is not done comes first."""

    list_display = ("received_at", "type", "id", "done_at", "tries", "error")
    list_filter = (Outcome, "type")
    search_fields = ("id", "type")
    ordering = (F("done_at").desc(nulls_first=True), "-received_at")


@admin.register(Refund)
class RefundAdmin(DollarsAdmin):
    """Money that went back."""

    list_display = ("created_at", "id", "purchase", "amount_micros", "bonus_micros", "status")
    list_filter = ("status",)
    search_fields = ("id", "purchase__payment_intent", "purchase__account__name")
    list_select_related = ("purchase",)
    ordering = ("-created_at",)


@admin.register(RefundOrder)
class RefundOrderAdmin(DollarsAdmin):
    """Who gave back how much, when and why."""

    list_display = ("created_at", "by", "cents", "reason", "state", "refund", "told")
    list_filter = ("state",)
    search_fields = ("id", "refund__id", "by__email", "purchase__account__name")
    list_select_related = ("by", "refund")
    ordering = ("-created_at",)


@admin.register(CreditOrder)
class CreditOrderAdmin(DollarsAdmin):
    """Credit that operators gave, took or forgave; what waits for a second person comes first."""

    list_display = (
        *("created_at", "account", "sort", "amount_micros"),
        *("state", "by", "decided_by", "reason"),
    )
    list_filter = ("state", "sort")
    search_fields = ("id", "account__name", "by__email")
    list_select_related = ("account", "by", "decided_by")
    ordering = (F("decided_at").desc(nulls_first=True), "-created_at")


@admin.register(Dispute)
class DisputeAdmin(DollarsAdmin):
    """Payments that a bank questions."""

    list_display = ("created_at", "id", "purchase", "amount_micros", "status", "money_out")
    list_filter = ("status", "money_out", "money_in")
    search_fields = ("id", "purchase__payment_intent", "purchase__account__name")
    list_select_related = ("purchase",)
    ordering = ("-created_at",)


@admin.register(PaymentProfile)
class PaymentProfileAdmin(DollarsAdmin):
    """Accounts as Stripe knows them."""

    list_display = ("account", "customer")
    search_fields = ("customer", "account__name")
    list_select_related = ("account",)


@admin.register(Grant)
class GrantAdmin(DollarsAdmin):
    """Promotional credit that expires."""

    list_display = ("created_at", "account", "amount_micros", "remaining_micros", "expires_at")
    search_fields = ("reference", "account__name")
    list_select_related = ("account",)


@admin.register(AutoTopUp)
class AutoTopUpAdmin(DollarsAdmin):
    """Rules of automatic top-ups: the customers' own."""

    list_display = ("account", "state", "threshold_micros", "amount_micros", "declines", "told")
    list_filter = ("state",)
    search_fields = ("account__name",)
    list_select_related = ("account",)


@admin.register(Alert)
class AlertAdmin(DollarsAdmin):
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
