from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        """Listen to what happens at the entrance; models are known from here on."""
        import_module("billing.promotions")
        import_module("billing.trial")
