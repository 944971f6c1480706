"""What the ledger promises for one customer, in plain Python: the oracle of its tests."""

from dataclasses import dataclass, field


@dataclass
class Promotion:
    """Credit that ends: `rest` is what no charge has used."""

    ends: int
    rest: int


@dataclass
class Purse:
    """A customer's credit in micro-dollars, without a database."""

    balance: int = 0
    owed: int = 0
    frozen: bool = False
    held: dict[str, int] = field(default_factory=dict)
    promotions: list[Promotion] = field(default_factory=list)

    @property
    def available(self) -> int:
        """What can be spent or taken back now."""
        return self.balance - sum(self.held.values())

    def pay_in(self, amount: int) -> None:
        """Take in real money: what is owed is paid first."""
        self.balance += amount
        paid = min(self.owed, self.available)
        self.owed -= paid
        self.balance -= paid
        self._end_promotions_beyond_balance()

    def promote(self, amount: int, ends: int) -> None:
        """Take in promotional credit."""
        self.balance += amount
        self.promotions.append(Promotion(ends, amount))

    def hold(self, job: str, amount: int) -> str:
        """Set aside, and say how it went."""
        if self.frozen:
            return "frozen"
        if amount > self.available:
            return "short"
        self.held[job] = amount
        return "held"

    def capture(self, job: str) -> None:
        """Charge a held job, promotions first."""
        amount = self.held.pop(job)
        self.balance -= amount
        self._use_promotions(amount)

    def give_back(self, amount: int) -> None:
        """Take back a part of a charge: plain credit, which pays no debts."""
        self.balance += amount

    def claw_back(self, amount: int) -> None:
        """Take back what can be spent; the rest is owed."""
        taken = min(amount, self.available)
        self.balance -= taken
        self.owed += amount - taken
        self._end_promotions_beyond_balance()

    def expire(self, now: int) -> None:
        """End promotions, but never take what a job holds."""
        for one in sorted(self.promotions, key=lambda one: one.ends):
            if one.ends > now or not one.rest:
                continue
            taken = min(one.rest, self.available)
            if taken < one.rest and self.held:
                continue
            self.balance -= taken
            one.rest = 0

    def _use_promotions(self, amount: int) -> None:
        for one in sorted(self.promotions, key=lambda one: one.ends):
            used = min(amount, one.rest)
            one.rest -= used
            amount -= used

    def _end_promotions_beyond_balance(self) -> None:
        excess = sum(one.rest for one in self.promotions) - self.balance
        if excess > 0:
            self._use_promotions(excess)
