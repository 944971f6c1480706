from django import template

from billing import topup_words

register = template.Library()


@register.filter
def said(told: str) -> str:
    """Return what was told of a top-up in the reader's language."""
    return topup_words.said(told)
