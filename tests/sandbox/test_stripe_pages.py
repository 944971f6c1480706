"""The pages: what they say, what they refuse, and that nothing in them comes from outside."""

import pytest
import stripe

from sandbox.stripe import pdf
from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import PAYS, Shop

shop = pytest.fixture(stripe_shop.shop)


def test_the_page_shows_the_sum_the_mail_and_that_no_money_moves(shop: Shop) -> None:
    session = shop.checkout(customer_email="ada@example.com", automatic_tax={"enabled": True})
    answer = shop.browser.get(f"/pay/{session.id}")
    for expected in (
        "Sandbox: no real money moves",
        "Pay $27.50",
        "Tax (10 %)",
        "Credit",
        'value="ada@example.com"',
        'value="4242 4242 4242 4242"',
        f'action="/pay/{session.id}"',
        f'href="{stripe_shop.CANCEL_URL}"',
    ):
        assert expected in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_its_stylesheet_knows_light_and_dark(shop: Shop) -> None:
    answer = shop.browser.get("/pay/static/pay.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in answer.text


def test_what_the_shop_sends_is_escaped(shop: Shop) -> None:
    name = '<b onclick="x">Credit</b>'
    price = {"currency": "usd", "unit_amount": 500, "product_data": {"name": name}}
    session = shop.checkout(line_items=[{"price_data": price, "quantity": 2}])
    page = shop.browser.get(f"/pay/{session.id}").text
    assert name not in page
    assert "&lt;b onclick=&quot;x&quot;&gt;Credit" in page
    assert "2 × $5.00" in page
    answer = shop.fill(session, PAYS, email='"><b>', cvc="1")
    assert '"><b>' not in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("number", "4111 1111 1111 1111"),
        ("number", ""),
        ("expiry", "13/34"),
        ("expiry", "12/20"),
        ("expiry", "soon"),
        ("cvc", "12"),
    ],
)
def test_a_wrong_field_is_named_beside_it_and_nothing_is_charged(
    shop: Shop, field: str, value: str
) -> None:
    session = shop.checkout()
    number = value if field == "number" else PAYS
    answer = shop.fill(session, number, **({} if field == "number" else {field: value}))
    assert answer.status_code == 422
    assert "4111" not in answer.text
    assert f'aria-describedby="{field}-wrong" autofocus' in answer.text
    assert answer.text.count('class="wrong"') == 1
    assert shop.stripe.v1.charges.list().data == []


def test_a_number_may_be_typed_with_or_without_gaps(shop: Shop) -> None:
    for number in ("4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242"):
        assert shop.fill(shop.checkout(), number).status_code == 303


def test_closed_and_unknown_checkouts_say_what_they_are(shop: Shop) -> None:
    paid = shop.bought()
    answer = shop.browser.get(f"/pay/{paid.id}")
    assert (answer.status_code, "You cannot pay twice." in answer.text) == (200, True)
    expired = shop.checkout()
    shop.stripe.v1.checkout.sessions.expire(expired.id)
    answer = shop.browser.get(f"/pay/{expired.id}")
    assert (answer.status_code, "You were not charged." in answer.text) == (410, True)
    for path in ("cs_test_none", "invoices/in_none", "invoices/in_none/pdf", "portal/bps_none"):
        assert shop.browser.get(f"/pay/{path}").status_code == 404
    assert shop.browser.post("/pay/confirm/pi_none", data={}).status_code == 404


def test_an_invoice_has_a_page_and_a_pdf(shop: Shop) -> None:
    session = shop.bought(automatic_tax={"enabled": True}, invoice_creation={"enabled": True})
    assert isinstance(session.invoice, str)
    invoice = shop.stripe.v1.invoices.retrieve(session.invoice, {"expand": ["payments"]})
    assert (invoice.subtotal, invoice.total, invoice.amount_remaining) == (2500, 2750, 0)
    assert [line.amount for line in invoice.lines.data] == [2500]
    assert invoice.payments is not None
    assert invoice.payments.data[0].payment.payment_intent == session.payment_intent
    assert invoice.hosted_invoice_url is not None
    page = shop.browser.get(invoice.hosted_invoice_url).text
    assert f"Invoice {invoice.number}" in page
    assert "$27.50" in page
    assert invoice.invoice_pdf is not None
    answer = shop.browser.get(invoice.invoice_pdf)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.4")
    assert b"$27.50" in answer.content


def test_the_table_of_a_pdf_points_at_its_objects() -> None:
    content = pdf.document(["A (b) \\ c", "Grüße, 日本"])
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    rows = content[start:].split(b"\n")[3:]
    for number, row in enumerate(rows[:6], start=1):
        assert content[int(row.split()[0]) :].startswith(b"%d 0 obj" % number)
    assert b"(A \\(b\\) \\\\ c) Tj" in content


def test_a_charge_has_a_receipt(shop: Shop) -> None:
    shop.bought()
    (charge,) = shop.stripe.v1.charges.list().data
    shop.stripe.v1.refunds.create({"charge": charge.id, "amount": 500})
    assert charge.receipt_url is not None
    page = shop.browser.get(charge.receipt_url).text
    assert "ada@example.com" in page
    assert "-$5.00" in page


def test_the_portal_shows_invoices_and_removes_cards(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    customer = saved["customer"]
    shop.bought(customer=customer, invoice_creation={"enabled": True})
    portal = shop.stripe.v1.billing_portal.sessions.create(
        {"customer": customer, "return_url": stripe_shop.CANCEL_URL}
    )
    page = shop.browser.get(portal.url).text
    assert "Visa ending in 4242, 12/2034" in page
    assert "SANDBOX-0001" in page
    assert f'href="{stripe_shop.CANCEL_URL}"' in page
    answer = shop.browser.post(portal.url, data={"method": saved["payment_method"]})
    assert answer.status_code == 303
    assert shop.stripe.v1.customers.payment_methods.list(customer).data == []
    assert shop.happened()[-1] == "payment_method.detached"


def test_the_portal_removes_nobody_elses_card(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    other = shop.stripe.v1.customers.create()
    portal = shop.stripe.v1.billing_portal.sessions.create({"customer": other.id})
    shop.browser.post(portal.url, data={"method": saved["payment_method"]})
    assert len(shop.stripe.v1.customers.payment_methods.list(saved["customer"]).data) == 1


def test_the_portal_needs_a_customer(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.billing_portal.sessions.create({"return_url": stripe_shop.CANCEL_URL})
    assert refused.value.param == "customer"


def test_the_guide_lists_cards_calls_and_checkouts(shop: Shop) -> None:
    assert "None yet." in shop.browser.get("/pay").text
    session = shop.checkout()
    page = shop.browser.get("/pay").text
    assert "4000 0000 0001 0001" in page
    assert "/v1/_sandbox/hold" in page
    assert f'href="/pay/{session.id}"' in page
