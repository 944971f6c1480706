from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    """Django's admin, as our own site."""

    default_site = "generations.desk.site.OperatorSite"
