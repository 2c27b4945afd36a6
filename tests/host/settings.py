"""The settings of a shop that has had a site for years, and now has durableweb inside."""

from pathlib import Path

import environ

from durableweb import host

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
DATABASES = {
    "default": environ.Env().db("DATABASE_URL", default="sqlite:///unused.sqlite3")
}
IS_POSTGRESQL = "postgresql" in DATABASES["default"]["ENGINE"]
if IS_POSTGRESQL:
    DATABASES["default"]["OPTIONS"] = host.POSTGRESQL_OPTIONS
else:
    DATABASES["default"]["ENGINE"] = host.SQLITE_ENGINE
    DATABASES["default"]["OPTIONS"] = host.SQLITE_OPTIONS

INSTALLED_APPS = [
    *host.APPS,
    *(host.POSTGRESQL_APPS if IS_POSTGRESQL else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tests.host.orders",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates", *host.TEMPLATE_DIRS],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                *host.CONTEXT_PROCESSORS,
            ]
        },
    }
]
ROOT_URLCONF = "tests.host.urls"
ASGI_APPLICATION = "durableweb.asgi.application"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
STATICFILES_DIRS = host.STATIC_DIRS
LOGIN_URL = "/shop/log-in/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
UNDO_SECONDS = 60
