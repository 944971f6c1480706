"""The WSGI application that granian serves."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

database.keep(settings.DATABASES["default"])
application = get_wsgi_application()

# All code is loaded now and stays: the collector need not look through it again and again, while
# requests wait.
get_resolver().url_patterns  # noqa: B018  reading it loads it
gc.collect()
gc.freeze()
