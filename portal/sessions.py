"""Sessions whose keys are stored hashed, so that a stolen database holds no usable cookie."""

import hashlib

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone


def stored_key(session_key: str) -> str:
    """Return the form in which a cookie's session key lies in the database (40 hex digits of SHA-256)."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's database sessions under the hash of their key."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        key = self.session_key
        unexpired = self.model.objects.filter(expire_date__gt=timezone.now())
        found = unexpired.filter(session_key=stored_key(key)).first() if key else None
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_key(session_key))

    def create_model_instance(self, data: dict[str, object]) -> AbstractBaseSession:
        session = super().create_model_instance(data)
        session.session_key = stored_key(session.session_key)
        return session

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=stored_key(key)).delete()
