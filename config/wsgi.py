"""The WSGI application that granian serves."""

import gc
import os

from django.conf import settings
from django.core import signals
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries
from django.urls import get_resolver

from config import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

database.keep(settings.DATABASES["default"])
application = get_wsgi_application()

# Threads keep their connections, which are looked at as the next request begins; no cache of ours
# is one to close, and queries are noted for DEBUG alone.
signals.request_finished.disconnect(close_old_connections)
signals.request_finished.disconnect(close_caches)
signals.request_finished.disconnect(reset_urlconf)
if not settings.DEBUG:
    signals.request_started.disconnect(reset_queries)

# All code is loaded now and stays: the collector need not look through it again and again, while
# requests wait; and of what a request leaves it waits for more.
get_resolver().url_patterns  # noqa: B018  reading it loads it
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
