"""Every setting, read from the environment once; nonsense is refused with a hint.

With nothing set this is a complete site on one machine: embedded PostgreSQL, media in a
folder, and the sandbox for Stripe and WaveSpeed.
"""

import contextlib
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config import admin_look, database, doors, limits, logs, redaction, storages, visitors
from config.addresses import host_and_port, loopback

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# Where we are

PORT = env.int("PORT", default=8000)
# Requests at once in each process of the web server.
WEB_THREADS = env.int("WEB_THREADS", default=4)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
DATA = Path(env.str("GALLOP_DATA", default=str(BASE_DIR / "var"))).resolve()
LOCAL = loopback(PUBLIC_URL)
DEBUG = env.bool("DEBUG", default=False)

if urlsplit(PUBLIC_URL).scheme not in {"http", "https"} or not urlsplit(PUBLIC_URL).hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL must be a full address, not {PUBLIC_URL!r}.")
if not LOCAL and not PUBLIC_URL.startswith("https://"):
    raise ImproperlyConfigured("PUBLIC_URL must start with https:// outside this machine.")
if not LOCAL and DEBUG:
    raise ImproperlyConfigured("DEBUG shows secrets to visitors: unset it, PUBLIC_URL is public.")


def _secret_key() -> str:
    key: str = env.str("SECRET_KEY", default="")
    if key:
        if not LOCAL and len(key) < 50:
            raise ImproperlyConfigured("SECRET_KEY must have at least 50 random characters.")
        return key
    if not LOCAL:
        raise ImproperlyConfigured(
            "Set SECRET_KEY, the same on every machine: "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    kept = DATA / "secret_key"
    if not kept.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        draft = DATA / f"secret_key.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        # Two processes may start at once: the first link wins, and both read the winner.
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(draft)
        draft.unlink()
    return kept.read_text()


SECRET_KEY = _secret_key()
# Keys that were SECRET_KEY before: links, sessions and secrets made under them still work.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[str(urlsplit(PUBLIC_URL).hostname)])
if LOCAL:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
elif "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts: '*' lets anyone forge links.")

# Our own proxies (addresses or networks): only they may say where a request comes from.
TRUSTED_PROXIES = visitors.networks(env.list("TRUSTED_PROXIES", default=[]))

# The two outside services, or the sandbox for both

SANDBOX_PORT = env.int("SANDBOX_PORT", default=PORT + 1)
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"
WAVESPEED_PLAY_KEY = "sandbox"
STRIPE_PLAY_KEY = "sk_test_sandbox"
WAVESPEED_API_KEY = env.str("WAVESPEED_API_KEY", default=WAVESPEED_PLAY_KEY)
WAVESPEED_BASE_URL = env.str(
    "WAVESPEED_BASE_URL",
    default=SANDBOX_URL if WAVESPEED_API_KEY == WAVESPEED_PLAY_KEY else "https://api.wavespeed.ai",
).rstrip("/")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default=STRIPE_PLAY_KEY)
STRIPE_WEBHOOK_SECRET = env.str(
    "STRIPE_WEBHOOK_SECRET",
    default="whsec_sandbox" if STRIPE_SECRET_KEY == STRIPE_PLAY_KEY else "",
)
STRIPE_API_BASE = env.str(
    "STRIPE_API_BASE",
    default=SANDBOX_URL if STRIPE_SECRET_KEY == STRIPE_PLAY_KEY else "https://api.stripe.com",
).rstrip("/")
# One version for SDK, calls and webhook endpoint: an event of another version is refused.
STRIPE_VERSION = "2026-10-28.endive"
# Where a buyer pays: our forms may lead there.
CHECKOUT_ORIGIN = SANDBOX_URL if loopback(STRIPE_API_BASE) else "https://checkout.stripe.com"
# And where a customer looks after cards and invoices.
PORTAL_ORIGIN = SANDBOX_URL if loopback(STRIPE_API_BASE) else "https://billing.stripe.com"
SANDBOX = loopback(WAVESPEED_BASE_URL)

if loopback(WAVESPEED_BASE_URL) != loopback(STRIPE_API_BASE):
    raise ImproperlyConfigured(
        "One outside service is real and the other the sandbox: real money would buy sandbox "
        "videos, or play money real ones. Set both WAVESPEED_API_KEY and STRIPE_SECRET_KEY, "
        "or neither."
    )
if SANDBOX and not LOCAL:
    raise ImproperlyConfigured(
        "PUBLIC_URL is public but the outside services are the sandbox. Set WAVESPEED_API_KEY, "
        "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET."
    )
if not STRIPE_WEBHOOK_SECRET:
    raise ImproperlyConfigured(
        "Set STRIPE_WEBHOOK_SECRET: Stripe's dashboard shows it at the webhook endpoint "
        f"{PUBLIC_URL}/hooks/stripe."
    )

# Addresses that are private and may be reached all the same (host:port).
PRIVATE_HOSTS_ALLOWED = frozenset(env.list("PRIVATE_HOSTS_ALLOWED", default=[]))
if SANDBOX:
    # The sandbox's films, and our own sample pictures.
    PRIVATE_HOSTS_ALLOWED |= {host_and_port(WAVESPEED_BASE_URL), host_and_port(PUBLIC_URL)}

# What customers may buy, and how patient the driver is

PURCHASE_DOLLARS_MIN, PURCHASE_DOLLARS_MAX = 5, 500
PACKS_DOLLARS = (10, 25, 50, 100)
# Promotional credit on top, by sum reached: "100=5,250=8" gives 5 % from $100 on.
BONUS_PERCENT = {
    int(dollars): int(percent) for dollars, percent in env.dict("BONUS_PERCENT", default={}).items()
}
# Promotional credit in dollars for a new account with a confirmed address, and how long it lives.
SIGNUP_CREDIT = env.str("SIGNUP_CREDIT", default="0")
SIGNUP_CREDIT_DAYS = env.int("SIGNUP_CREDIT_DAYS", default=30)
if re.fullmatch(r"[0-9]{1,4}([.][0-9]{1,6})?", SIGNUP_CREDIT) is None or SIGNUP_CREDIT_DAYS < 1:
    raise ImproperlyConfigured(
        f"SIGNUP_CREDIT is a sum in dollars such as 2.50, not {SIGNUP_CREDIT!r}, and "
        "SIGNUP_CREDIT_DAYS at least 1."
    )
# What a second of text-to-video costs at 1080p, in dollars; unset, it is not offered.
TEXT_TO_VIDEO_1080P_PRICE = env.str("TEXT_TO_VIDEO_1080P_PRICE", default="")
if not re.fullmatch(r"((?=.*[1-9])[0-9]{1,3}([.][0-9]{1,6})?)?", TEXT_TO_VIDEO_1080P_PRICE):
    raise ImproperlyConfigured(
        "TEXT_TO_VIDEO_1080P_PRICE is the price of one second in dollars such as 0.189, not "
        f"{TEXT_TO_VIDEO_1080P_PRICE!r}. Without one, 1080p is not offered."
    )
# Credit that an operator gives, takes or forgives beyond so many dollars waits for a second one.
OPERATOR_CREDIT_DOLLARS = env.int("OPERATOR_CREDIT_DOLLARS", default=50)
if OPERATOR_CREDIT_DOLLARS < 0:
    raise ImproperlyConfigured(
        "OPERATOR_CREDIT_DOLLARS is a sum in dollars, 0 for always two people."
    )
STRIPE_TAX = env.bool("STRIPE_TAX", default=False)

# What an account may ask of us, by the dollars that it has paid: requests a minute by a key and by
# all its keys, and running jobs. In the sandbox nobody pays: there it only stops a runaway loop.
LIMITS = limits.parse(env.str("LIMITS", default=limits.SANDBOX if SANDBOX else limits.LADDER))

# The upstream tier's limits: jobs at once, and submissions a minute. 0: what it answers teaches us.
WAVESPEED_CONCURRENCY = env.int("WAVESPEED_CONCURRENCY", default=0)
WAVESPEED_PER_MINUTE = env.int("WAVESPEED_PER_MINUTE", default=0)

# How long a job may wait for a place, stay in doubt, run upstream, and be fetched from there.
PATIENCE_WAITING_SECONDS = env.int("PATIENCE_WAITING_SECONDS", default=6 * 3600)
PATIENCE_DOUBT_SECONDS = env.int("PATIENCE_DOUBT_SECONDS", default=15 * 60)
PATIENCE_RUNNING_SECONDS = env.int("PATIENCE_RUNNING_SECONDS", default=60 * 60)
PATIENCE_FETCHING_SECONDS = env.int("PATIENCE_FETCHING_SECONDS", default=60 * 60)
# How long a claim on a job lives unless renewed, and how long a submission's answer may take.
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
UPSTREAM_READ_SECONDS = env.int("UPSTREAM_READ_SECONDS", default=60)
# For how long its history must show nothing of a submission before that is sent once more.
ABSENCE_SECONDS = env.int("ABSENCE_SECONDS", default=180)
if ABSENCE_SECONDS <= LEASE_SECONDS + UPSTREAM_READ_SECONDS:
    raise ImproperlyConfigured(
        "ABSENCE_SECONDS must be longer than LEASE_SECONDS and UPSTREAM_READ_SECONDS together: "
        "sooner, a submission that is still on its way would be sent a second time."
    )
if min(WAVESPEED_CONCURRENCY, WAVESPEED_PER_MINUTE) < 0 or LEASE_SECONDS < 3:
    raise ImproperlyConfigured(
        "WAVESPEED_CONCURRENCY and WAVESPEED_PER_MINUTE are limits, 0 for none, and "
        "LEASE_SECONDS at least 3."
    )

# After how many days without one success a customer's webhook is switched off, and for how many
# days what was sent is kept.
WEBHOOK_FAILING_DAYS = env.int("WEBHOOK_FAILING_DAYS", default=5)
WEBHOOK_KEPT_DAYS = env.int("WEBHOOK_KEPT_DAYS", default=30)
if WEBHOOK_FAILING_DAYS < 1 or WEBHOOK_KEPT_DAYS < 4:
    raise ImproperlyConfigured(
        "WEBHOOK_FAILING_DAYS is at least 1, and WEBHOOK_KEPT_DAYS at least 4: a delivery is "
        "tried for three days."
    )

# Django

_doors = doors.configure(env, PUBLIC_URL, local=LOCAL)
vars().update(_doors)
SOCIAL_ORIGINS: list[str] = _doors["SOCIAL_ORIGINS"]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "generations.desk.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    *doors.apps(_doors["SOCIALACCOUNT_PROVIDERS"]),
    "django_htmx",
    "rest_framework",
    "accounts",
    "billing",
    # Before django_q, whose command it takes over.
    "generations",
    "generations.reports",
    "django_q",
]

MIDDLEWARE = [
    "config.request_id.RequestIdMiddleware",
    "config.pages.PagesBegin",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.compression.CompressPages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.stand_in.StandInMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.security.ContentSecurityPolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.pages.PagesEnd",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
                "accounts.stand_in.banner",
                "billing.context.balance",
                "generations.context.upstream",
            ]
        },
    }
]

DATABASES = {"default": database.configure(env, DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
        }
    }

# One task of a cluster drives jobs, in shifts. A shift ends well before `timeout`, and `timeout`
# before `retry`, so that a task is never handed out twice while it runs.
DRIVER_SHIFT_SECONDS = 120
Q_CLUSTER = {
    "name": "gallop",
    # One drives; while it hands on to its successor, the third is there for all the rest.
    "workers": 3,
    "timeout": 360,
    "retry": 420,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": 100,
    "catch_up": False,
    # Waiting tasks are looked for, and processes looked after, this often, in seconds.
    "poll": 1.0,
    "guard_cycle": 2,
    "label": "Background tasks",
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.rates.PerMinute"],
    "DEFAULT_PARSER_CLASSES": ["config.bodies.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.bodies.AlwaysJson",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.Schema",
    "EXCEPTION_HANDLER": "config.errors.answer",
    "UNAUTHENTICATED_USER": None,
}
# The description of the API: config.openapi and generations.openapi.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Gallop",
    "VERSION": "3",
    "SORT_OPERATIONS": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["generations.openapi.document.endpoints"],
    "POSTPROCESSING_HOOKS": ["generations.openapi.document.complete"],
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# Named here, ours come before those of Django and allauth, also where these say the same.
LOCALE_PATHS = [
    BASE_DIR / app / "locale" for app in ("accounts", "billing", "generations", "config")
]
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA / "media"
STORAGES = {
    "default": storages.configure(env, local=LOCAL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Gallop <hello@gallop.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Who hears of disputes, fraud warnings and differences with Stripe; unset, nobody does.
OPERATOR_EMAIL = env.str("OPERATOR_EMAIL", default="")
ADMINS = [("Operator", OPERATOR_EMAIL)] if OPERATOR_EMAIL else []

# Browsers

# Behind a proxy with a certificate also on this machine alone: see deploy/rehearse.
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 0 if LOCAL else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# For operators: docs/operator.md. Without a token the figures are shown on this machine alone.
LOGGING = logs.configure(env, local=LOCAL)
redaction.keep_secret([SECRET_KEY, WAVESPEED_API_KEY, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET])
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    INSTALLED_APPS += ["config.sentry.Reports"]
if env.bool("LOG_REQUESTS", default=not LOCAL):
    MIDDLEWARE.insert(1, "config.access_log.AccessLogMiddleware")

UNFOLD = admin_look.UNFOLD
