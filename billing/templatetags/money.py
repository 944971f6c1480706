from django import template

from billing import money

register = template.Library()


@register.filter
def dollars(micros: int | None) -> str:
    """Show micro-dollars as "$0.945"; nothing for nothing."""
    return "" if micros is None else money.display(micros)


@register.filter
def less(micros: int, taken: int) -> int:
    """Return what is left after `taken`; below zero when it is not enough."""
    return micros - taken


@register.filter
def times(micros: int, count: int) -> int:
    """Return the price of `count` pieces."""
    return micros * count
