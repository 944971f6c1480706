from django import template

from accounts import delivery_words

register = template.Library()


@register.filter
def trouble_said(trouble: str) -> str:
    """Return why a message was not delivered in the reader's language."""
    return delivery_words.said(trouble)
