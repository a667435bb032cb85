"""What django-oauth-toolkit asks: is this the application's secret, may it have this scope, keep this token."""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings
from oauth2_provider.oauth2_validators import OAuth2Validator

from portal import applications
from portal.api import custom
from portal.models import Application, ApplicationSecret

# Clients ask for everything that an address has to offer: https://vault.example.org:8443/.default
_SCOPE: Final = re.compile(r"https://([0-9a-z.-]{1,253})(?::\d{1,5})?/{1,2}\.default\Z", re.IGNORECASE)


class Validator(OAuth2Validator):  # type: ignore[misc]
    """Judges one request from `address` in which `client_id` signs in; made anew for each.

    The library looks for an id by Basic, then in the form: only the one that is counted and audited is known here.
    An application has two secrets, rows of our own, where the library has one column.
    """

    def __init__(self, address: str, client_id: str) -> None:
        super().__init__()
        self._address, self._client_id = address, client_id
        self._secret: ApplicationSecret | None = None

    def _load_application(self, client_id: str | None, request: Any) -> Application | None:
        if client_id != self._client_id or "\x00" in client_id:  # which PostgreSQL cannot be asked for
            return None
        found: Application | None = super()._load_application(client_id, request)
        return found

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        del stored_secret
        self._secret = applications.secret_of(self._client_id, provided_secret)
        return self._secret is not None

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Application, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Whether an application may be given a token in this way: there is only one."""
        del client_id, client, request
        return grant_type == "client_credentials"

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Application, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Whether what is asked for is here: everything of the API's domain, or of the domain of a vault's own host."""
        del client_id, client, request
        return len(scopes) == 1 and _is_here(scopes[0])

    def get_default_scopes(self, client_id: str, request: Any, *_: Any, **__: Any) -> list[str]:
        """What is meant when nothing is asked for."""
        del client_id, request
        return [f"https://{settings.API_DOMAIN}/.default"]

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any, **__: Any) -> None:
        """Put one of our own tokens into the answer; of it only a digest is kept."""
        del request
        assert self._secret is not None
        seconds = token["expires_in"]
        token["access_token"] = applications.sign_in(secret=self._secret, seconds=seconds, address=self._address)


def _is_here(scope: str) -> bool:
    match = _SCOPE.match(scope)
    if match is None:
        return False
    host, domain = match[1].lower(), settings.API_DOMAIN
    if host == domain or host.endswith(f".{domain}"):
        return True
    return host in {own.partition(".")[2] for own in custom.hosts()} or host in custom.hosts()
