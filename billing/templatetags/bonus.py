from django import template
from django.conf import settings

from billing import checkout, money

register = template.Library()


@register.filter
def bonus_on(dollars: str) -> int:
    """Return the bonus in micro-dollars that comes with a pack of so many dollars."""
    return checkout.bonus_on(money.parse(dollars))


@register.simple_tag
def bonus_steps() -> str:
    """Return the steps as buy.js reads them: "100=5,250=8"."""
    steps = sorted(settings.BONUS_PERCENT.items())
    return ",".join(f"{dollars}={percent}" for dollars, percent in steps)


@register.simple_tag
def bonus_list() -> list[tuple[int, int]]:
    """Return the steps, the smallest sum first: dollars, percent."""
    return sorted(settings.BONUS_PERCENT.items())


@register.filter
def percent_of(dollars: str) -> int:
    """Return the percent that a pack of so many dollars brings."""
    sum_micros = money.parse(dollars)
    return checkout.bonus_on(sum_micros) * 100 // sum_micros
