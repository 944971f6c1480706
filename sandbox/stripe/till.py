"""Serving the pages under /pay: a buyer's side of checkout, and invoices, receipts and the portal.

Everything works without script: forms are posted, and success is a redirect.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.settings import Settings

from . import events, page, paying, payments, pdf, timers
from .api import Clock
from .cards import BY_NUMBER, CARDS
from .context import Context
from .customers import EXPIRY_YEARS, SECONDS_PER_YEAR
from .store import Database, Json, Records

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:;"
    " base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# No stricter than this: what a mail server takes is for the mail server to say.
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
EXPIRY = re.compile(r"\s*(\d{1,2})\s*/\s*(?:20)?(\d{2})\s*")

SESSIONS_SHOWN = 20


@dataclass(frozen=True)
class Entry:
    """What the buyer typed."""

    email: str = ""
    number: str = CARDS[0].spaced
    expiry: str = ""
    cvc: str = "123"

    @classmethod
    def of(cls, form: FormData) -> "Entry":
        return cls(**{name: str(form.get(name) or "").strip() for name in vars(cls())})

    @property
    def digits(self) -> str:
        return re.sub(r"[\s-]", "", self.number)

    @property
    def until(self) -> tuple[int, int] | None:
        """Month and year of the expiry, or None when it is none."""
        match = EXPIRY.fullmatch(self.expiry)
        month, year = (int(match[1]), 2000 + int(match[2])) if match else (0, 0)
        return (month, year) if 1 <= month <= 12 else None

    def judge(self, this_year: int, free: bool) -> dict[str, str]:
        """A sentence for every field that is wrong. What costs nothing needs no card."""
        wrong = {}
        if not EMAIL.fullmatch(self.email):
            wrong["email"] = "Enter an email address, such as you@example.com."
        if free:
            return wrong
        if self.digits not in BY_NUMBER:
            wrong["number"] = "The sandbox takes test cards only; choose one from the list below."
        if self.until is None or self.until[1] < this_year:
            wrong["expiry"] = "Enter a month and year to come, such as 12 / 34."
        if not re.fullmatch(r"\d{3}", self.cvc):
            wrong["cvc"] = "Enter three digits."
        return wrong


class Till:
    """The pages' endpoints. Each works in one transaction and then answers."""

    def __init__(self, settings: Settings, clock: Clock, database: Database) -> None:
        self.settings = settings
        self.clock = clock
        self.database = database

    def context(self, records: Records, version: str = "") -> Context:
        context = Context(records, self.settings, self.clock())
        return Context(records, self.settings, context.now, version) if version else context

    @property
    def year(self) -> int:
        return 1970 + int(self.clock()) // SECONDS_PER_YEAR

    async def stylesheet(self, _request: Request) -> Response:
        return Response(page.stylesheet(), media_type="text/css")

    async def guide(self, _request: Request) -> Response:
        with self.database.transaction() as records:
            sessions = records.all("checkout.session", SESSIONS_SHOWN)
        return _html(page.guide(sessions))

    async def checkout(self, request: Request) -> Response:
        """The payable page; `?card=` fills in a test card."""
        timers.run_due(self.database, self.settings, self.clock())
        with self.database.transaction() as records:
            session = records.find(request.path_params["session"], "checkout.session")
            lines = records.private(session["id"])["lines"] if session else []
        if session is None or session["status"] != "open":
            return _closed(session)
        card = BY_NUMBER.get(request.query_params.get("card", ""), CARDS[0])
        known = session["customer_details"] or {}
        entry = Entry(
            email=known.get("email") or "",
            number=card.spaced,
            expiry=f"12 / {(self.year + EXPIRY_YEARS) % 100:02d}",
        )
        return _html(page.checkout(session, lines, vars(entry), {}))

    async def pay(self, request: Request) -> Response:
        """Pays, and redirects to the shop or the bank. A decline shows the page again."""
        entry = Entry.of(await request.form())
        timers.run_due(self.database, self.settings, self.clock())
        with self.database.transaction() as records:
            session = records.find(request.path_params["session"], "checkout.session")
            if session is None or session["status"] != "open":
                return _closed(session, paid_goes_on=True)
            kept = records.private(session["id"])
            free = not session["amount_total"]
            wrong = entry.judge(self.year, free)
            if wrong:
                # An unknown number may be a real card: it is not even shown again.
                entry = replace(entry, number="") if "number" in wrong else entry
                return _html(page.checkout(session, kept["lines"], vars(entry), wrong), 422)
            context = self.context(records, kept["version"])
            card = CARDS[0] if free else BY_NUMBER[entry.digits]
            until = entry.until or (12, self.year + EXPIRY_YEARS)
            intent = paying.pay(context, session, card, entry.email, until)
        return _after(session, intent, kept["lines"], entry)

    async def bank(self, request: Request) -> Response:
        """The bank's question."""
        with self.database.transaction() as records:
            intent = records.find(request.path_params["intent"], "payment_intent")
            if intent is None or intent["status"] != "requires_action":
                return _html(page.message("Nothing to confirm", "This payment is settled."), 410)
            last4 = payments.card_behind(self.context(records), intent["payment_method"]).last4
        return _html(page.confirmation(intent, last4))

    async def answer_bank(self, request: Request) -> Response:
        """The buyer's answer; goes back to where the payment came from."""
        answer = (await request.form()).get("answer")
        with self.database.transaction() as records:
            intent = records.find(request.path_params["intent"], "payment_intent")
            if intent is None:
                return _html(page.message("No such payment", "Check the address."), 404)
            kept = records.private(intent["id"])
            context = self.context(records, kept["version"])
            if intent["status"] == "requires_action":
                step = paying.confirm if answer == "confirm" else paying.refuse
                intent = step(context, intent)
            session = paying.session_of(context, intent)
            lines = records.private(session["id"])["lines"] if session else []
        if session:
            email = (session["customer_details"] or {}).get("email") or ""
            return _after(session, intent, lines, Entry(email=email))
        return _returned(intent, kept.get("return_url"))

    async def invoice(self, request: Request) -> Response:
        body = self._find(request, "invoice")
        return _html(page.invoice(body)) if body else _missing()

    async def invoice_pdf(self, request: Request) -> Response:
        body = self._find(request, "invoice")
        if body is None:
            return _missing()
        disposition = f'inline; filename="{body["number"]}.pdf"'
        headers = HEADERS | {"Content-Disposition": disposition}
        return Response(pdf.invoice(body), media_type="application/pdf", headers=headers)

    async def receipt(self, request: Request) -> Response:
        charge = self._find(request, "charge")
        return _html(page.receipt(charge)) if charge else _missing()

    async def portal(self, request: Request) -> Response:
        session = self._find(request, "billing_portal.session")
        if session is None:
            return _missing()
        with self.database.transaction() as records:
            customer = records.find(session["customer"], "customer")
            cards = records.all("payment_method", customer=session["customer"])
            invoices = records.all("invoice", customer=session["customer"])
        if customer is None or customer.get("deleted"):
            return _missing()
        return _html(page.portal(session, customer, cards, invoices))

    async def remove_card(self, request: Request) -> Response:
        session = self._find(request, "billing_portal.session")
        identity = str((await request.form()).get("method"))
        with self.database.transaction() as records:
            method = records.find(identity, "payment_method")
            if session and method and method["customer"] == session["customer"]:
                previous = {"customer": method["customer"]}
                method = records.save(method | {"customer": None})
                events.record(self.context(records), "payment_method.detached", method, previous)
        return RedirectResponse(request.url.path, 303)

    def _find(self, request: Request, kind: str) -> Json | None:
        with self.database.transaction() as records:
            return records.find(request.path_params["id"], kind)


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, HEADERS)


def _missing() -> Response:
    return _html(page.message("Not found", "Nothing is kept under this address."), 404)


def _success(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _closed(session: Json | None, paid_goes_on: bool = False) -> Response:
    """A session that takes no payment. Paying twice (a double click) goes on to the shop."""
    if session is None:
        return _html(page.message("No such checkout", "Check the address."), 404)
    if session["status"] == "complete":
        if paid_goes_on:
            return RedirectResponse(_success(session), 303)
        text = "This payment is complete. You cannot pay twice."
        return _html(page.message("All done", text, _success(session)))
    text = "This checkout has expired. You were not charged."
    return _html(page.message("Too late", text, session["cancel_url"]), 410)


def _after(session: Json, intent: Json, lines: list[Json], entry: Entry) -> Response:
    if intent["status"] == "requires_action":
        return RedirectResponse(intent["next_action"]["redirect_to_url"]["url"], 303)
    if intent["status"] in ("succeeded", "processing"):
        return RedirectResponse(_success(session), 303)
    error = intent["last_payment_error"] or {"message": "The payment did not go through."}
    wrong = {"": f"{error['message']} You were not charged."}
    return _html(page.checkout(session, lines, vars(entry), wrong), 402)


def _returned(intent: Json, url: str | None) -> Response:
    """Back to the `return_url` of a payment that was confirmed outside of checkout."""
    done = intent["status"] in ("succeeded", "processing")
    if url is None:
        text = "You may close this page." if done else "You were not charged."
        return _html(page.message("Payment confirmed" if done else "Payment refused", text))
    query = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if done else "failed",
        }
    )
    return RedirectResponse(f"{url}{'&' if '?' in url else '?'}{query}", 303)
