from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Reports, and what the upstream charges us."""

    name = "generations.reports"
    label = "reports"
    verbose_name = "Upstream costs"
