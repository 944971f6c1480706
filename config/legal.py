"""The pages that the law asks for. What only the operator knows stands in brackets in each."""

from django.urls import path
from django.views.generic import TemplateView

NAMES = ("terms", "privacy", "refunds", "imprint")

urlpatterns = [
    path(name, TemplateView.as_view(template_name=f"legal/{name}.html"), name=name)
    for name in NAMES
]
