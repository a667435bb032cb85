"""The portal's settings on a throw-away data directory, with cheap password hashes and plain static files."""

import os
import tempfile

os.environ["CHANCERY_DATA"] = tempfile.mkdtemp(prefix="chancery-tests-")
os.environ.pop("CHANCERY_KEYRING", None)

from portal.settings import *  # noqa: F403
from portal.settings import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that threads and processes can share it; without waiting for the disk.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"
DATABASES["default"]["CONN_MAX_AGE"] = 0
STATIC_ROOT.mkdir(exist_ok=True)  # which whitenoise looks for
