"""The pages under /pay as text: everything shown is escaped here and nowhere else."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from . import money
from .cards import CARDS, Card
from .store import Json

FOLDER = Path(__file__).parent / "pages"

CONTROL_CALLS = (
    ("POST /v1/_sandbox/work", "Do what is due by the clock now"),
    ("POST /v1/_sandbox/hold", "held=true holds new webhooks back, held=false lets them go"),
    ("GET /v1/_sandbox/deliveries", "List webhook deliveries"),
    ("POST /v1/_sandbox/events/{event}/deliver", "Send an event, again if need be"),
    ("GET /v1/_sandbox/events/{event}/signed", "Payload and signature, to post it yourself"),
    ("POST /v1/_sandbox/payments/{payment}/settle", "A late payment arrives now"),
    ("POST /v1/_sandbox/payments/{payment}/fail", "A late payment fails now"),
    ("POST /v1/_sandbox/payments/{payment}/dispute", "Dispute it: amount, reason, inquiry=true"),
    ("POST /v1/_sandbox/payments/{payment}/warn", "Early fraud warning"),
    ("POST /v1/_sandbox/disputes/{dispute}", "status=won, lost, under_review, ..."),
    ("POST /v1/_sandbox/refunds/next", "status=pending: new refunds begin pending"),
    ("POST /v1/_sandbox/refunds/{refund}", "status=pending, succeeded, failed"),
    ("POST /v1/_sandbox/faults", "Break the next requests: path, status, effect, times"),
)


def render(name: str, title: str, **parts: str) -> str:
    """A whole page. Each part is HTML already."""
    main = Template((FOLDER / name).read_text("utf-8")).substitute(parts)
    base = Template((FOLDER / "base.html").read_text("utf-8"))
    return base.substitute(title=escape(title), main=main)


def stylesheet() -> str:
    return (FOLDER / "pay.css").read_text("utf-8")


def checkout(session: Json, lines: list[Json], entry: Json, wrong: dict[str, str]) -> str:
    """The payable page. `entry` fills the fields; `wrong` has a sentence per field, "" for all."""
    total = money.show(session["amount_total"], session["currency"])
    back = session["cancel_url"]
    free = not session["amount_total"]
    fields = ("email",) if free else ("email", "number", "expiry", "cvc")
    return render(
        "checkout.html",
        f"Pay {total}",
        session=escape(session["id"]),
        what=escape(lines[0]["description"] if len(lines) == 1 else f"{len(lines)} items"),
        total=escape(total),
        lines=_lines(session, lines),
        back=_link(back, "← Back", "back") if back else "",
        alert=f'<p class="alert" role="alert">{escape(wrong[""])}</p>' if wrong.get("") else "",
        fields=_fields(fields, entry, wrong),
        button="Complete" if free else f"Pay {escape(total)}",
        cancel=f'<p class="center">{_link(back, "Cancel")}</p>' if back else "",
        cards_open=" open" if wrong.get("") or "number" in wrong else "",
        cards=_cards(f"/pay/{escape(session['id'])}?card="),
    )


LABELS = {"email": "Email", "number": "Card number", "expiry": "Expiry", "cvc": "CVC"}
HINTS = {"expiry": "MM / YY", "cvc": "3 digits"}


def _fields(names: tuple[str, ...], entry: Json, wrong: dict[str, str]) -> str:
    shown = {name: _field(name, entry, wrong) for name in names}
    pair = shown.pop("expiry", "") + shown.pop("cvc", "")
    return "".join(shown.values()) + (f'<div class="pair">{pair}</div>' if pair else "")


def _field(name: str, entry: Json, wrong: dict[str, str]) -> str:
    """No field offers the browser's saved cards: a real one must not come here."""
    bad = wrong.get(name)
    about = f' aria-invalid="true" aria-describedby="{name}-wrong" autofocus' if bad else ""
    kind = "email" if name == "email" else "text"
    mode = "email" if name == "email" else "numeric"
    hint = f' placeholder="{HINTS[name]}"' if name in HINTS else ""
    why = f'<p class="wrong" id="{name}-wrong">{escape(bad)}</p>' if bad else ""
    return (
        f'<div class="field"><label for="{name}">{LABELS[name]}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" inputmode="{mode}" required'
        f' autocomplete="off" value="{escape(entry[name])}"{hint}{about}>{why}</div>'
    )


def _lines(session: Json, lines: list[Json]) -> str:
    currency = session["currency"]
    rows = [_row(_item(line), money.show(line["amount_subtotal"], currency)) for line in lines]
    tax = session["total_details"]["amount_tax"]
    if tax:
        rows.append(_row("Subtotal", money.show(session["amount_subtotal"], currency)))
        rows.append(_row(f"Tax ({money.TAX_PERCENT} %)", money.show(tax, currency)))
    rows.append(_row("Total", money.show(session["amount_total"], currency), "total"))
    return "".join(rows)


def _item(line: Json) -> str:
    each = money.show(line["price"]["unit_amount"], line["currency"])
    many = f"<small>{line['quantity']} × {escape(each)}</small>" if line["quantity"] > 1 else ""
    return escape(line["description"]) + many


def _row(label: str, figure: str, kind: str = "") -> str:
    """`label` is HTML already."""
    about = f' class="{kind}"' if kind else ""
    return f'<tr{about}><th scope="row">{label}</th><td>{escape(figure)}</td></tr>'


def _cards(prefix: str) -> str:
    return "".join(_card(card, prefix) for card in CARDS)


def _card(card: Card, prefix: str) -> str:
    number = (
        f'<a href="{prefix}{card.number}">{card.spaced}</a>'
        if prefix
        else (f"<code>{card.spaced}</code>")
    )
    return f"<tr><td>{number}</td><td>{escape(card.does)}</td></tr>"


def _link(url: str, text: str, kind: str = "") -> str:
    about = f' class="{kind}"' if kind else ""
    return f'<a{about} href="{escape(url)}">{escape(text)}</a>'


def confirmation(intent: Json, last4: str) -> str:
    total = money.show(intent["amount"], intent["currency"])
    parts = {"total": escape(total), "last4": last4, "intent": escape(intent["id"])}
    return render("confirm.html", f"Confirm {total}", **parts)


def message(what: str, text: str, url: str | None = None, link: str = "Back to the shop") -> str:
    shown = _link(url, link) if url else ""
    return render("message.html", what, what=escape(what), text=escape(text), link=shown)


def invoice(body: Json) -> str:
    totals = {"amount_tax": body["total"] - body["total_excluding_tax"]}
    lines = [
        {
            "amount_subtotal": line["amount"],
            "currency": line["currency"],
            "description": line["description"],
            "price": {"unit_amount": line["amount"] // line["quantity"]},
            "quantity": line["quantity"],
        }
        for line in body["lines"]["data"]
    ]
    shaped = {"currency": body["currency"], "amount_total": body["total"], "total_details": totals}
    shaped |= {"amount_subtotal": body["subtotal"]}
    return render(
        "invoice.html",
        f"Invoice {body['number']}",
        what=f"Invoice {escape(body['number'])}",
        when=day(body["created"]),
        who=escape(body["customer_email"] or ""),
        total=escape(money.show(body["total"], body["currency"])),
        status="Paid",
        lines=_lines(shaped, lines),
        link=f'<p class="center">{_link(body["invoice_pdf"], "Download as PDF")}</p>',
    )


def receipt(charge: Json) -> str:
    currency = charge["currency"]
    rows = [("Paid", charge["amount_captured"])]
    rows += [("Refunded", -charge["amount_refunded"])] if charge["amount_refunded"] else []
    return render(
        "invoice.html",
        "Receipt",
        what="Receipt",
        when=day(charge["created"]),
        who=escape(charge["billing_details"]["email"] or ""),
        total=escape(money.show(charge["amount"], currency)),
        status=escape(charge["status"].capitalize()),
        lines="".join(_row(label, money.show(amount, currency)) for label, amount in rows),
        link="",
    )


def portal(session: Json, customer: Json, cards: list[Json], invoices: list[Json]) -> str:
    action = f"/pay/portal/{escape(session['id'])}"
    back = session["return_url"]
    none = '<p class="quiet">None.</p>'
    return render(
        "portal.html",
        "Your billing",
        back=_link(back, "← Back", "back") if back else "",
        who=escape(customer["email"] or ""),
        cards="".join(_saved(action, method) for method in cards) or none,
        invoices="".join(_billed(body) for body in invoices) or none,
    )


def _saved(action: str, method: Json) -> str:
    card = method["card"]
    return (
        f'<form class="row" method="post" action="{action}">'
        f"<span>Visa ending in {card['last4']}, {card['exp_month']:02d}/{card['exp_year']}</span>"
        f'<button class="plain small" name="method" value="{escape(method["id"])}">Remove</button>'
        "</form>"
    )


def _billed(body: Json) -> str:
    total = escape(money.show(body["total"], body["currency"]))
    link = _link(body["hosted_invoice_url"], body["number"])
    return f'<p class="row"><span>{link}, {day(body["created"])}</span><span>{total}</span></p>'


def guide(sessions: list[Json]) -> str:
    calls = "".join(
        f"<tr><td><code>{escape(call)}</code></td><td>{escape(does)}</td></tr>"
        for call, does in CONTROL_CALLS
    )
    rows = "".join(_opened(session) for session in sessions)
    return render(
        "guide.html",
        "The payment sandbox",
        cards=_cards(""),
        calls=calls,
        sessions=rows or '<tr><td class="quiet">None yet.</td></tr>',
    )


def _opened(session: Json) -> str:
    total = escape(money.show(session["amount_total"], session["currency"]))
    state = f"{session['status']}, {session['payment_status'].replace('_', ' ')}"
    link = _link(f"/pay/{session['id']}", f"{session['id'][:20]}…")
    return f"<tr><td>{link}</td><td>{total} · {state}</td></tr>"


def day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).date().isoformat()
