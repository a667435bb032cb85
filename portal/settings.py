"""Settings of the portal. docs/operating.md explains every variable that is read here."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from portal import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("CHANCERY_DATA", str(BASE_DIR / "data"))).expanduser().resolve()
KEYRING = Path(env.text("CHANCERY_KEYRING", str(DATA_DIR / "keyring"))).expanduser().resolve()

# The address people type. Its scheme decides whether cookies are Secure and HSTS is sent.
PORTAL_URL = env.text("CHANCERY_URL", "http://127.0.0.1:8000").rstrip("/")
_address = urlsplit(PORTAL_URL)
if _address.scheme not in {"http", "https"} or not _address.hostname:
    raise ImproperlyConfigured(f"CHANCERY_URL is “{PORTAL_URL}”. Write it like https://certificates.example.org.")
HTTPS = _address.scheme == "https"

SECRET_KEY = env.secret_file(DATA_DIR / "secret_key")
DEBUG = False
PORTAL_HOSTS = ["127.0.0.1", "localhost", "[::1]", _address.hostname, *env.words("CHANCERY_HOSTS")]
# Each vault is a host below this one, and some have another; `portal.api.hosts` keeps them apart from the portal.
API_DOMAIN = env.host("CHANCERY_API_DOMAIN", "vault.localhost")
API_HOSTS = env.hosts("CHANCERY_API_HOSTS")
ALLOWED_HOSTS = [*PORTAL_HOSTS, f".{API_DOMAIN}", *API_HOSTS]
CSRF_TRUSTED_ORIGINS = [PORTAL_URL] if HTTPS else []
if env.flag("CHANCERY_TRUSTED_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXY = env.flag("CHANCERY_TRUSTED_PROXY")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "django_htmx",
    "django_q",
    "oauth2_provider",
    "template_partials",
    "vault",
    "portal",
]
MIDDLEWARE = [
    # Answers CAs on every host that leads here, before anything looks at hosts.
    "portal.challenges.Challenges",
    # Answers on the hosts of vaults itself: nothing below is for the API.
    "portal.api.hosts.ApiHosts",
    "portal.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.Refusals",
    "portal.middleware.FirstPassword",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
WEB_WORKERS = env.number("CHANCERY_WEB_WORKERS", 2, low=1, high=64)
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
                "portal.context.portal",
            ],
        },
    }
]

# ------------------------------------------------------------------ database
_database = dj_database_url.parse(env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'chancery.sqlite3'}"))
DATABASES = {"default": _database}
if _database["ENGINE"].endswith("sqlite3"):
    # All three together, or writers fail instead of waiting; FULL, or a key reported as made is lost with the power.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
    }
elif not _database["ENGINE"].endswith("postgresql"):
    raise ImproperlyConfigured("DATABASE_URL names a database that is not supported. Use sqlite:/// or postgres://.")
_database["CONN_MAX_AGE"] = None
_database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --------------------------------------------------------------------- queue
REDIS_URL = env.text("REDIS_URL")
Q_CLUSTER = {
    # Portals that share a Redis database must not take each other's tasks.
    "name": f"chancery-{hashlib.sha256(SECRET_KEY.encode()).hexdigest()[:8]}",
    "workers": env.number("CHANCERY_WORKERS", 2, low=1, high=64),
    "timeout": 180,
    "retry": 420,
    "queue_limit": 2,
    "bulk": 1,
    "poll": 0.1,
    "save_limit": -1,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "scheduler": False,
    "guard_cycle": 0.5,
    "recycle": 500,
    "log_level": "WARNING",
    "ALT_CLUSTERS": {},
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

# ------------------------------------------------------- people and sessions
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
PASSWORD_RESET_TIMEOUT = 30 * 60
INVITATION_DAYS = 7
SESSION_ENGINE = "portal.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = env.number("CHANCERY_IDLE_MINUTES", 30, low=1, high=720) * 60
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_FAILURE_VIEW = "portal.pages.failures.csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AXES_FAILURE_LIMIT = env.number("CHANCERY_SIGN_IN_TRIES", 5, low=1)
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# The pause neither grows nor fills the database while someone goes on trying.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "portal.pages.accounts.locked_out"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "portal.http.client_address"

# -------------------------------------------------------------- applications
# Programs sign in with an id and a secret (OAuth 2.0 client credentials) at login.<API_DOMAIN>: `portal.oauth`. What
# the library could do besides is off.
OAUTH2_PROVIDER_APPLICATION_MODEL = "portal.Application"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}

# ------------------------------------------------------------------- browser
# On this machine's own names it would turn all other sites there to https as well.
_is_local = _address.hostname in {"localhost", "127.0.0.1", "::1"}
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS and not _is_local else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# ------------------------------------------------------------------- uploads
UPLOAD_LIMIT = env.number("CHANCERY_UPLOAD_LIMIT", 1_000_000, low=10_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_LIMIT + 500_000
# A hundred certificates at once have two fields each; more files than the reader takes get its own answer.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 250
DATA_UPLOAD_MAX_NUMBER_FILES = 200
# Uploads never touch the disk: the handler stops reading at the limit.
FILE_UPLOAD_HANDLERS = ["portal.uploads.BoundedMemoryHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_LIMIT

# Lists of RSA keys that are known to the world, to refuse them by.
WEAK_KEY_LISTS = env.lists_of_keys("CHANCERY_WEAK_KEYS")

# -------------------------------------------------------------------- limits
RUNNING_PER_PERSON = env.number("CHANCERY_RUNNING_PER_PERSON", 20, low=1)
RENEWALS_PER_MINUTE = env.number("CHANCERY_RENEWALS_PER_MINUTE", 30, low=1)
RUNNING_PER_VAULT = env.number("CHANCERY_RUNNING_PER_VAULT", 200, low=1)
# Seconds that what the API asks for waits before it is sent, so that it can be cancelled.
API_GRACE = env.number("CHANCERY_API_GRACE", 2, low=0, high=60)
# Of the API, in ten seconds: calls, and those among them that make a key.
API_CALLS_PER_TOKEN = env.number("CHANCERY_API_CALLS_PER_TOKEN", 400, low=1)
API_CALLS_PER_VAULT = env.number("CHANCERY_API_CALLS_PER_VAULT", 4000, low=1)
API_KEYS_PER_TOKEN = env.number("CHANCERY_API_KEYS_PER_TOKEN", 20, low=1)
API_KEYS_PER_VAULT = env.number("CHANCERY_API_KEYS_PER_VAULT", 60, low=1)

# Of people and of applications (each counted apart) that sign in, in a minute: each try costs a slow hash.
SIGN_INS_PER_ADDRESS = env.number("CHANCERY_SIGN_INS_PER_ADDRESS", 60, low=1)
SIGN_INS_PER_APPLICATION = env.number("CHANCERY_SIGN_INS_PER_APPLICATION", 30, low=1)

# ----------------------------------------------------------------------- CAs
# Whom to write to when a CA refuses an issuer's credentials.
VAULT_ADMINISTRATORS = "portal.people.addresses_of_administrators"
# What makes the links with which a notice is answered from a mail.
NOTICE_LINKS = "portal.noticing.links"
DIGEST_HOUR = env.number("CHANCERY_DIGEST_HOUR", 7, low=0, high=23)
# Issuers are called at public addresses over https, and besides: on this machine, in these private networks.
CA_LOOPBACK = env.flag("CHANCERY_CA_LOOPBACK")
CA_NETWORKS = env.networks("CHANCERY_CA_NETWORKS")
# DNS servers to ask in place of the system's, when the records of ACME challenges are looked for.
NAMESERVERS = env.servers("CHANCERY_NAMESERVERS", port=53)

# -------------------------------------------------------------- static files
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# ---------------------------------------------------------------------- mail
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 587, low=1, high=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=EMAIL_PORT == 587)
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", default=EMAIL_PORT == 465)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"chancery@{_address.hostname}")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MAIL_WORKS = bool(EMAIL_HOST)

# --------------------------------------------------------------- time, words
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
USE_I18N = False

# ------------------------------------------------------------------- logging
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "portal.logs.MaskSecrets"}},
    "formatters": {"line": {"()": "portal.logs.Line"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]},
    },
    "root": {"handlers": ["console"], "level": env.text("CHANCERY_LOG_LEVEL", "WARNING")},
    "loggers": {
        "django": {"level": "WARNING"},
        # Django's own handlers would mail tracebacks; ours only write masked lines.
        "django.request": {"level": "ERROR"},
        # At lower levels oauthlib writes tokens.
        "oauthlib": {"level": "WARNING"},
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # portal.middleware.SecurityHeaders sends X-Frame-Options
    "security.W004",  # HSTS is sent when CHANCERY_URL is https
    "security.W008",  # no redirect to https: plain http answers on loopback only, else the proxy's work
    "security.W012",  # session cookie Secure follows CHANCERY_URL
    "security.W016",  # CSRF cookie likewise
    "security.W005",
    "security.W021",
]
