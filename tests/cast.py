"""The cast of the tests: Alice has credit, Bob has none, Charlie must see nothing."""

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from accounts import keys, twins
from accounts.models import Account, User
from accounts.opening import account_of, open_account
from billing import ledger, money
from billing.models import LedgerAccount, Transfer

PASSWORD = "a-long-enough-word"


@dataclass
class Customer:
    """A person with an account, a browser that is signed in, and a program with a key."""

    user: User
    account: Account
    secret: str

    @property
    def browser(self) -> Client:
        """A new browser, signed in, and in test mode if the account is."""
        browser = Client()
        browser.force_login(
            self.user, backend="allauth.account.auth_backends.AuthenticationBackend"
        )
        if self.account.is_test:
            browser.post("/account/mode", {"to": "test"})
        return browser

    @property
    def bearer(self) -> dict[str, str]:
        """The header of this customer's programs."""
        return {"Authorization": f"Bearer {self.secret}"}

    def get(self, path: str) -> Any:
        """Send a GET as this customer's program."""
        return Client().get(path, headers=self.bearer)

    def post(self, path: str, body: object) -> Any:
        """Send a POST with a JSON body as this customer's program."""
        return Client().post(
            path, json.dumps(body), content_type="application/json", headers=self.bearer
        )

    @property
    def available_micros(self) -> int:
        """What can be spent now."""
        return ledger.book(self.account).available_micros

    @property
    def balance_micros(self) -> int:
        """What the account has, held credit included."""
        return ledger.book(self.account).balance_micros


def tester(owner: Customer) -> Customer:
    """Return the same person in test mode, with a test key and $100 of test credit."""
    twin = twins.twin_of(owner.account)
    _, secret = keys.issue(twin, owner.user, "tests")
    return Customer(owner.user, twin, secret)


def customer(name: str, dollars: str = "0") -> Customer:
    """Open an account with some credit and a key."""
    user = open_account(f"{name}@example.org", PASSWORD)
    account = account_of(user)
    _, secret = keys.issue(account, user, "tests")
    if dollars != "0":
        ledger.deposit(
            account,
            money.parse(dollars),
            source=LedgerAccount.Code.PROMOTIONS,
            kind=Transfer.Kind.PROMOTION,
            reference=f"for {name}",
        )
    return Customer(user, account, secret)
