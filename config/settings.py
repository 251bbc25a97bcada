"""Parley's settings, all from the environment: see .env.example for names, units and defaults."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from csp.constants import NONE, SELF

from config import database, env, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Keys and hosts -------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.key("SECRET_KEY")
FIELD_KEY = env.key("FIELD_KEY")  # encrypts the token row and kept secrets
JOURNAL_KEY = env.key("JOURNAL_KEY")  # signs the journal; outside the database
# Both set: the journal is anchored each minute in a file outside the database.
JOURNAL_SIGNING_KEY = env.hex_key("JOURNAL_SIGNING_KEY", digits=64)
JOURNAL_ANCHOR_FILE = env.text("JOURNAL_ANCHOR_FILE")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]")
ALLOWED_ORIGINS = env.items("ALLOWED_ORIGINS")  # exact: scheme, host, port
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS
ADMIN_PATH = env.text("ADMIN_PATH", "admin").strip("/")
ADMIN_NETWORKS = env.networks("ADMIN_NETWORKS")  # whence it opens; empty: from everywhere

# --- Genesys Cloud (protocol.md, first table) -------------------------------------------------
_HTTP = ("https", "http")
GENESYS_CLIENT_ID = env.text("GENESYS_CLIENT_ID")
GENESYS_CLIENT_SECRET = env.text("GENESYS_CLIENT_SECRET")
GENESYS_ENV = env.text("GENESYS_ENV", "api.mypurecloud.com")
GENESYS_API_URL = env.url("GENESYS_API_URL", f"https://{GENESYS_ENV}", _HTTP).rstrip("/")
GENESYS_OAUTH_URL = env.url("GENESYS_OAUTH_URL", f"{GENESYS_API_URL}/oauth/token", _HTTP)
GENESYS_OAUTH_STYLE = env.choice("GENESYS_OAUTH_STYLE", "basic", ("basic", "form"))
GENESYS_SCOPES = env.text(
    "GENESYS_SCOPES",
    "webchat:send webchat:read webchat:write webchat:attachment:write conversation:write "
    "conversation:webchat:write view:conversation analytics:conversation:read "
    "webmessaging:send webmessaging:read analytics:read",
)
GENESYS_MESSAGING_SOCKET_URL = env.url(
    "GENESYS_MESSAGING_SOCKET_URL",
    f"wss://{GENESYS_ENV}/api/v2/conversations/messaging/websocket",
    ("wss", "ws"),
)

GENESYS_WEBCHAT_SOCKET_URL = env.url(
    "GENESYS_WEBCHAT_SOCKET_URL", "wss://webchat.mypurecloud.com/webchat/v1", ("wss", "ws")
)
GENESYS_TRANSCRIPT_SOCKET_URL = env.url(
    "GENESYS_TRANSCRIPT_SOCKET_URL",
    f"wss://{GENESYS_ENV}/api/v2/messaging/conversations/{{conversation_id}}/transcript",
    ("wss", "ws"),
)
GENESYS_TRANSCRIPTION_SOCKET_URL = env.url(
    "GENESYS_TRANSCRIPTION_SOCKET_URL",
    f"wss://{GENESYS_ENV}/api/v2/analytics/conversations/transcriptions",
    ("wss", "ws"),
)
# Which conversations get a transcript socket: those open on somebody's page, or all open ones.
TRANSCRIPT_STREAMS = env.choice("TRANSCRIPT_STREAMS", "watched", ("watched", "all"))
TRANSCRIPT_SOCKETS = env.number("TRANSCRIPT_SOCKETS", 200, low=0, high=2000)  # of one gateway
GENESYS_REGION = env.text("GENESYS_REGION", "usw2")  # label in the typing socket's host
GENESYS_TYPING_SOCKET_URL = env.url(
    "GENESYS_TYPING_SOCKET_URL",
    f"wss://messaging.{GENESYS_REGION}.mypurecloud.com/v1/conversations/{{conversation_id}}/websocket",
    ("wss", "ws"),
)
TYPING_SOCKETS = env.number("TYPING_SOCKETS", 1000, low=1, high=5000)  # of the whole deployment
COUNT_KEYSTROKES = env.flag("COUNT_KEYSTROKES", default=True)  # engagement; not the indicator
# What the gateway holds, by dotted path (conversations/gateway/kinds.py).
STREAM_KINDS = [
    "conversations.gateway.org_stream.OrgStreams",
    "conversations.gateway.transcripts.TranscriptStreams",
    "conversations.gateway.agent_typing.TypingStreams",
    "assist.streams.TranscriptionStreams",
]

# --- Chat simulator -----------------------------------------------------------------------------
SIMULATOR_PAGE = env.flag("SIMULATOR_PAGE", default=DEBUG)  # whether there is a /simulator/
SIMULATOR_PUBLIC = env.flag("SIMULATOR_PUBLIC", default=False)  # its socket, without a login
SIMULATOR_ORIGINS = env.items("SIMULATOR_ORIGINS")  # for pages of these, exact

# --- Agent assist: voice transcription (protocol §4) --------------------------------------------
TRANSCRIPTION_MODEL = env.text("TRANSCRIPTION_MODEL", "en-US-default")
TRANSCRIPTION_LANGUAGE = env.text("TRANSCRIPTION_LANGUAGE", "en-US")
# What is asked of the platform; ours always runs as well.
TRANSCRIPTION_REDACTION = env.choice("TRANSCRIPTION_REDACTION", "pii", ("pii", "custom", "none"))
# Takes personal data out of what people see of frames that could not be read.
EXTRACT_REDACTION = "assist.extracts.redacted_extract"
REDACTION_PATTERNS = env.text("REDACTION_PATTERNS")  # a line each: NAME, a space, an RE2 expression
MAX_CONCURRENT_STREAMS = env.number("MAX_CONCURRENT_STREAMS", 5, low=1, high=10)
LATENCY_THRESHOLD_MS = env.number("LATENCY_THRESHOLD_MS", 800, low=1)
ASSIST_INTERACTIONS = env.items("ASSIST_INTERACTIONS")  # "id" or "id=agent"
KNOWLEDGE_API_URL = env.url("KNOWLEDGE_API_URL", "", _HTTP)  # empty: no look-up
KNOWLEDGE_API_KEY = env.text("KNOWLEDGE_API_KEY")

# --- Engagement (protocol §5) -------------------------------------------------------------------
COUNT_KEYSTROKES = env.flag("COUNT_KEYSTROKES", default=True)  # how many, never which

# --- Translation ------------------------------------------------------------------------------
TRANSLATION_PROVIDER = env.text("TRANSLATION_PROVIDER", "deepl")
TRANSLATION_API_URL = env.url("TRANSLATION_API_URL", "", _HTTP)  # empty: the provider's own address
TRANSLATION_API_KEY = env.text("TRANSLATION_API_KEY")
TARGET_LANGUAGE = env.text("TARGET_LANGUAGE", "EN-US")  # the agents' language

# --- Delivery (seconds) -----------------------------------------------------------------------
HEAD_WAIT_S = env.number("HEAD_WAIT_S", 12, low=1, high=120)
RECONCILE_WINDOW_S = env.number("RECONCILE_WINDOW_S", 8, low=1, high=100)
DELIVERY_POLICY = env.choice(
    "DELIVERY_POLICY", "no-duplicate", ("no-duplicate", "prefer-delivery", "manual")
)
DELIVERY_TTL_S = env.number("DELIVERY_TTL_S", 120, low=10)
DELIVERIES_PER_MINUTE = env.number("DELIVERIES_PER_MINUTE", 30, low=1)  # of one conversation
CONVERSATION_IDLE_CLOSE_H = env.number("CONVERSATION_IDLE_CLOSE_H", 24, low=1)  # hours

# --- Operations page and metrics ----------------------------------------------------------------
# What a higher app brings to them, by dotted path (conversations/contributions.py).
OPERATIONS_PROVIDERS = ["translation.operations.TranslationProviders"]
OPERATIONS_ROUNDS = ["assist.operations.EngagementRounds"]
METRICS_NETWORKS = env.networks("METRICS_NETWORKS")  # who may read figures and reasons
METRICS_TOKEN = env.key("METRICS_TOKEN") if env.text("METRICS_TOKEN") else ""

# --- Exports ------------------------------------------------------------------------------------
# Where finished and unfinished files lie; web and worker processes share it.
EXPORT_FOLDER = env.text("EXPORT_FOLDER", str(BASE_DIR / "var" / "exports"))
EXPORT_KEEP_DAYS = env.number("EXPORT_KEEP_DAYS", 30, low=1)  # then the file is deleted
# What can be exported (conversations.exports.base.Source): a class, or a function from a Scope to
# rows, by dotted path.
EXPORTS = {
    "transcripts": "conversations.exports.transcripts.Transcripts",
    "audit": "conversations.exports.audit.Audit",
    "transcription": "assist.exports.Transcription",
    "engagement": "assist.engagement.exports.EngagementFigures",
}

# --- Retention (days; 0: for ever) --------------------------------------------------------------
RETAIN_TEXTS_DAYS = env.number("RETAIN_TEXTS_DAYS", 90)  # what was said, guests' names
RETAIN_FILES_DAYS = env.number("RETAIN_FILES_DAYS", 90)  # names and addresses of files
RETAIN_EXTRACTS_DAYS = env.number("RETAIN_EXTRACTS_DAYS", 30)  # what dead letters hold
# What a higher app keeps of a text is removed with it: functions of messages' keys, by dotted path.
ERASURE_CONTRIBUTIONS = ["assist.erasure.forget_suggestions"]

# --- Database, Redis, Celery ------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{BASE_DIR / 'parley.sqlite3'}")
DATABASES = {"default": database.entry(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.url(
    "REDIS_URL", "", ("redis", "rediss")
)  # empty: embedded mode, everything in one process

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                # socket_timeout must stay above the layer's blocking read of 5 s, or every idle
                # browser socket is closed about every 5 s (reliability F24).
                "hosts": [
                    {
                        "address": REDIS_URL,
                        "socket_timeout": 10,
                        "socket_connect_timeout": 2,
                        "health_check_interval": 10,
                    }
                ],
                "prefix": "parley",
                "expiry": 15,
                "capacity": 1000,
                "group_expiry": 86400,
            },
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# --- Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "config",
    "config.apps.ParleyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "conversations",
    "translation",
    "assist",
]
MIDDLEWARE = [
    "conversations.admin_networks.AdminNetworksMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "conversations.session_limits.SessionLimitsMiddleware",
    "conversations.second_step.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "conversations.middleware.DatabaseOutageMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
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
            ],
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "index"
LOGOUT_REDIRECT_URL = "login"

# --- Time, language, files --------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"  # stored; pages show the viewer's zone
TERMINAL_TIME_ZONE = env.text("TZ")  # Django sets the process to TIME_ZONE; a terminal's own
TERMINAL_COLOURS = not env.text("NO_COLOR")
LANGUAGE_CODE = "en"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True  # serves from the sources where collectstatic has not run
warnings.filterwarnings("ignore", message="No directory at", module="django.core.handlers.base")

# --- Security ---------------------------------------------------------------------------------
_HTTPS = env.flag("HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# A browser takes such a name only from this very host, over TLS.
_HOST_ONLY = "__Host-" if _HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST_ONLY}sessionid", f"{_HOST_ONLY}csrftoken"
SESSION_ENGINE = "conversations.sessions"
SESSION_IDLE_MIN = env.number("SESSION_IDLE_MIN", 30, low=1)  # minutes without a sign
SESSION_MAX_H = env.number("SESSION_MAX_H", 12, low=1)  # hours in all
SESSION_COOKIE_AGE = SESSION_MAX_H * 3600
LOGIN_ATTEMPTS = env.number("LOGIN_ATTEMPTS", 5, low=1)  # at one account, from one network
LOGIN_NETWORK_ATTEMPTS = env.number("LOGIN_NETWORK_ATTEMPTS", 50, low=1)  # from one network
# Whose members must have a second factor, by role, or all.
SECOND_FACTOR_FOR = env.items_of(
    "SECOND_FACTOR_FOR", ("agent", "supervisor", "compliance", "admin", "all")
)
LOGIN_WINDOW_S = env.number("LOGIN_WINDOW_S", 900, low=1)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")  # whose X-Forwarded-For is believed
SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.number("HSTS_S", 31_536_000) if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", default=False) else None
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        # No string becomes markup or script but where a page of ours is read again
        # (operations.js). Django's admin cannot live with it (admin/site.py).
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["parley-page"],
    }
}

# --- Logs -------------------------------------------------------------------------------------
LOGGING_CONFIG = None
logs.configure(
    level=env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    as_json=env.flag("LOG_JSON", default=not sys.stderr.isatty()),
    secrets=(
        SECRET_KEY,
        FIELD_KEY,
        JOURNAL_KEY,
        JOURNAL_SIGNING_KEY,
        GENESYS_CLIENT_SECRET,
        TRANSLATION_API_KEY,
        KNOWLEDGE_API_KEY,
        METRICS_TOKEN,
    ),
)
