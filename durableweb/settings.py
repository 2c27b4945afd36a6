"""Settings, read from the environment; nonsense is refused at start.

Without any variable this is the embedded product: SQLite under var/, one process.
"""

import ipaddress
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from durableweb import host
from durableweb.environment import MOST_SECONDS, Environment, Refused

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = Environment()

DEBUG = env.bool("DEBUG", default=False)


def _local_secret_key() -> str:
    """A key of this checkout's own, made once; two processes that start at once agree."""
    file = VAR_DIR / "secret_key"
    VAR_DIR.mkdir(exist_ok=True)
    made = VAR_DIR / f"secret_key.{os.getpid()}"
    if not file.exists():
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        try:
            os.link(made, file)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return file.read_text().strip()


# Set SECRET_KEY where several machines serve one site; otherwise one is kept under var/.
SECRET_KEY = env.str("SECRET_KEY", default="") or _local_secret_key()

PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname:
    raise Refused(
        f"PUBLIC_URL is {PUBLIC_URL!r}; give the address of the site, such as "
        "https://review.example.org"
    )
IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", _public.hostname]
)
CSRF_TRUSTED_ORIGINS = env.list(
    "CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL] if IS_HTTPS else []
)

INSTALLED_APPS = [
    "durableweb.runserver",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "workflows",
    "durableweb.demo",
]

DATABASES = {
    "default": env.database(
        "DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}"
    )
}
_DB = DATABASES["default"]
# Pages are answered by a few threads that keep their connections; a broken one is replaced.
_DB.setdefault("CONN_MAX_AGE", None)
_DB["CONN_HEALTH_CHECKS"] = True
IS_POSTGRESQL = "postgresql" in _DB["ENGINE"]
# Another way to the same database for what listens, where DATABASE_URL leads through a pooler.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="")
if IS_POSTGRESQL:
    # Procrastinate's migrations fail on any other database.
    INSTALLED_APPS.insert(-2, "procrastinate.contrib.django")
    _DB["OPTIONS"] = host.POSTGRESQL_OPTIONS | _DB.get("OPTIONS", {})
    # Server-side binding and prepared statements; 0 switches them off behind PgBouncer, and
    # with them cursors that outlive their transaction: the next one may be elsewhere.
    _threshold = env.int("PG_PREPARE_THRESHOLD", default=5)
    if _threshold:
        _DB["OPTIONS"]["server_side_binding"] = True
        _DB["OPTIONS"]["prepare_threshold"] = _threshold
    else:
        _DB["DISABLE_SERVER_SIDE_CURSORS"] = True
else:
    VAR_DIR.mkdir(exist_ok=True)
    _DB["ENGINE"] = host.SQLITE_ENGINE
    _DB["OPTIONS"] = host.SQLITE_OPTIONS

MIDDLEWARE = [
    "workflows.web.middleware.SecurityHeadersMiddleware",
    "workflows.web.middleware.BodyLimitMiddleware",
    "workflows.web.encoding.EncodingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "workflows.web.acting.ActingMiddleware",
    "workflows.web.middleware.LoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workflows.web.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "durableweb.urls"
ASGI_APPLICATION = "durableweb.asgi.application"

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
                "workflows.web.frame.frame",
            ]
        },
    }
]

CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

LANGUAGE_CODE = "en"
# Every word is English, so nothing needs to be looked up for each number on a page.
USE_I18N = False
TIME_ZONE = env.str("TIME_ZONE", default="") or "UTC"
try:
    ZoneInfo(TIME_ZONE)
except (LookupError, ValueError, OSError) as error:
    raise Refused(
        f"TIME_ZONE is {TIME_ZONE!r}; give a name such as Europe/Berlin"
    ) from error
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# A clean clone serves its files as they lie; after collectstatic they carry hashed names.
_IS_COLLECTED = (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not _IS_COLLECTED
# Files that lie in a checkout may change under a running server: each is looked at when it is
# asked for, else one that has grown would be sent with its old length, cut off.
WHITENOISE_AUTOREFRESH = not _IS_COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _IS_COLLECTED or env.bool("COLLECT_STATIC", default=False)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

SESSION_ENGINE = "workflows.web.signed_in"
AUTHENTICATION_BACKENDS = ["workflows.web.signed_in.Backend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/queue/"
LOGOUT_REDIRECT_URL = "/login/"
# Pages for anybody: those that the demo's workflows fetch have nothing to hide.
OPEN_PATHS = ("/demo/pages/",)

# Cookies and transport: strict as soon as the site's address is https.
SESSION_COOKIE_SECURE = IS_HTTPS and not DEBUG
CSRF_COOKIE_SECURE = IS_HTTPS and not DEBUG
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=IS_HTTPS and not DEBUG)
SECURE_HSTS_SECONDS = env.int(
    "SECURE_HSTS_SECONDS", default=30 * 24 * 3600 if IS_HTTPS and not DEBUG else 0
)
# Whether subdomains are https too, and known to browsers, is for the owner of the domain.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool(
    "SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False
)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Only behind a proxy that always sets this header itself.
if env.bool("TRUST_PROXY_HTTPS_HEADER", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Bodies above this are refused with 413 before parsing.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
# A form drawn from a schema has one control per value.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# Runs: seconds of a lease, and takeovers before a run is parked as a crash loop.
LEASE_SECONDS = env.float("LEASE_SECONDS", default=10.0, least=1, most=24 * 3600)
# How long a decision can be taken back before the workflow goes on; a policy may say more.
UNDO_SECONDS = env.int("UNDO_SECONDS", default=10, most=MOST_SECONDS)
# Bulk decisions: the most questions of one order, and from how many on (more than) the person
# types the number to confirm.
BULK_MOST = env.int("BULK_MOST", default=10_000, least=1)
BULK_CONFIRM_ABOVE = env.int("BULK_CONFIRM_ABOVE", default=20)
MAX_RECOVERIES = env.int("MAX_RECOVERIES", default=3)
# Retention: how many checkpoints a thread keeps, after how many days a finished one keeps its
# head and its decisions only, and for how many days custom and messages events are kept.
# 0 switches a part off.
RETENTION_CHECKPOINTS = env.int("RETENTION_CHECKPOINTS", default=200)
RETENTION_FINISHED_DAYS = env.float("RETENTION_FINISHED_DAYS", default=30.0)
RETENTION_CHUNK_DAYS = env.float("RETENTION_CHUNK_DAYS", default=7.0)
# How many requests are worked on at the same time; the others wait in line.
HTTP_THREADS = env.int("HTTP_THREADS", default=8, least=1)
EMBEDDED_WORKER_THREADS = env.int("EMBEDDED_WORKER_THREADS", default=4, least=1)
# How often each token may ask the API, in one process; empty for no limit.
API_RATE = env.rate("API_RATE", default="600/m")

# Values: the largest that is stored, in bytes of its text; the dotted path of what makes
# the cipher that encrypts them; and whether rows from before it may still be read.
MAX_VALUE_BYTES = env.int("MAX_VALUE_BYTES", default=16 * 1024 * 1024, least=1024)
VALUE_CIPHER = env.str("VALUE_CIPHER", default="")
VALUE_CIPHER_KEYS = env.str("VALUE_CIPHER_KEYS", default="")
VALUE_CIPHER_ACCEPTS_PLAIN = env.bool("VALUE_CIPHER_ACCEPTS_PLAIN", default=False)

# Mail: EMAIL_URL says how it is sent, such as smtp+tls://user:password@mail.example.org:587.
# Without it mails are written to the console, which is for trying things out.
vars().update(env.mail("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10, least=1)
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default=f"durableweb <durableweb@{_public.hostname}>"
)
# How long a link in a mail decides its question, in seconds; 0 makes none anywhere.
APPROVAL_LINK_SECONDS = env.int(
    "APPROVAL_LINK_SECONDS", default=24 * 3600, most=MOST_SECONDS
)
# Webhooks go to public https addresses. WEBHOOK_HOSTS, if given, names the only hosts that
# are called; WEBHOOK_NETWORKS names networks of one's own that are called too, also by http.
WEBHOOK_HOSTS = env.list("WEBHOOK_HOSTS", default=[])
WEBHOOK_NETWORKS = env.list("WEBHOOK_NETWORKS", default=[])
for _network in WEBHOOK_NETWORKS:
    try:
        ipaddress.ip_network(_network)
    except ValueError as error:
        raise Refused(f"WEBHOOK_NETWORKS: {error}") from error
# For how many days it is kept what was sent, or could not be; 0 keeps it for ever.
OUTBOX_KEEP_DAYS = env.float("OUTBOX_KEEP_DAYS", default=30.0)
# For how many days events are kept, and signals that were handed over, or sent to a thread that
# never began.
SIGNALS_KEEP_DAYS = env.float("SIGNALS_KEEP_DAYS", default=30.0)
# For how many days it is kept what became of the instants of schedules; 0 keeps it for ever.
TICKS_KEEP_DAYS = env.float("TICKS_KEEP_DAYS", default=90.0)

# The demo's workflows: may they fetch from this machine and its private networks, and
# which git repositories may release notes be drawn from (paths, separated by commas).
DEMO_ALLOW_PRIVATE_ADDRESSES = env.bool("DEMO_ALLOW_PRIVATE_ADDRESSES", default=False)
DEMO_GIT_REPOSITORIES = env.list("DEMO_GIT_REPOSITORIES", default=[str(BASE_DIR)])

# With DEBUG off Django would mail errors to nobody; a traceback belongs on the console.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        # One record, one line, whatever a workflow or a visitor puts into it.
        "line": {
            "()": "workflows.services.one_line.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO"},
        "durableweb": {"handlers": ["console"], "level": "INFO"},
        "workflows": {"handlers": ["console"], "level": "INFO"},
    },
}
