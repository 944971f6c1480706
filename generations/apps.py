from importlib import import_module

from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "generations"

    def ready(self) -> None:
        """Connect the receivers, which need the models and so can be loaded only now."""
        import_module("generations.announcing")
