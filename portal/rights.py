"""What a role may do: roles expand to verbs of the key vault, and code asks for verbs alone."""

from __future__ import annotations

from collections.abc import Iterable

from portal.models import Role, User
from vault.models import Certificate

_SEE = {
    "vaults/get",
    "certificates/list",
    "certificates/get",
    "certificates/listissuers",
    "certificates/getissuers",
    "secrets/list",
    "keys/list",
    "keys/get",
}
_WORK = _SEE | {
    "certificates/create",
    "certificates/import",
    "certificates/update",
    "certificates/delete",
    "certificates/recover",
    "certificates/backup",
    "certificates/restore",
    "secrets/get",
    "keys/sign",
    "keys/verify",
    "keys/encrypt",
    "keys/decrypt",
    "keys/wrapkey",
    "keys/unwrapkey",
}
_RULE = _WORK | {
    "certificates/purge",
    "certificates/manageissuers",
    "certificates/setissuers",
    "certificates/deleteissuers",
    "certificates/managecontacts",
    "access/update",
    "audit/get",
    "vaults/update",
    "vaults/delete",
}
_VERBS: dict[str, frozenset[str]] = {
    Role.READER: frozenset(_SEE),
    Role.REQUESTER: frozenset({"vaults/get", "certificates/create", "certificates/import"}),
    Role.OFFICER: frozenset(_WORK),
    Role.ADMINISTRATOR: frozenset(_RULE),
    Role.AUDITOR: frozenset({"vaults/get", "audit/get"}),
}
# What a requester may do with the certificates that are their own.
OF_OWNER = frozenset(_WORK)
# What a token may be made for: everything that the API does.
TOKEN_VERBS = frozenset(verb for verb in _RULE if verb.startswith(("certificates/", "secrets/", "keys/")))
# What a person is told that they cannot do; a vault's name follows.
IN_WORDS = {
    "certificates/list": "see the certificates in",
    "certificates/get": "see this certificate in",
    "certificates/create": "ask for certificates in",
    "certificates/import": "import certificates into",
    "certificates/update": "change certificates in",
    "certificates/delete": "delete certificates in",
    "certificates/recover": "recover certificates in",
    "certificates/purge": "purge certificates in",
    "certificates/backup": "back up certificates of",
    "certificates/restore": "restore certificates into",
    "certificates/managecontacts": "change the contacts of",
    "certificates/listissuers": "see the issuers of",
    "certificates/getissuers": "see the issuers of",
    "certificates/manageissuers": "manage the issuers of",
    "certificates/setissuers": "change the issuers of",
    "certificates/deleteissuers": "remove issuers from",
    "secrets/get": "download private keys from",
    "keys/sign": "sign with the keys of",
    "keys/decrypt": "decrypt with the keys of",
    "keys/unwrapkey": "unwrap with the keys of",
    "access/update": "change who is a member of",
    "audit/get": "read the audit trail of",
    "vaults/update": "change the settings of",
    "vaults/delete": "delete",
}


class Rights:
    """The verbs that a person holds in one vault, or on one certificate in it: `"secrets/get" in rights`.

    `scope` holds the verbs that a token leaves of them; None for a person on pages.
    """

    def __init__(
        self,
        roles: Iterable[str],
        *,
        owns: bool = False,
        scope: frozenset[str] | None = None,
        held: frozenset[str] | None = None,
    ) -> None:
        self.roles = frozenset(roles)
        self._scope, self._held, self._owns = scope, held or self.roles, owns
        self._all = frozenset[str]().union(*(_VERBS[role] for role in self.roles))
        if owns and Role.REQUESTER in self.roles:
            self._all |= OF_OWNER

    def __contains__(self, verb: object) -> bool:
        return verb in self._all and (self._scope is None or verb in self._scope)

    @property
    def sees_all(self) -> bool:
        """Whether the person sees all certificates, whatever a token leaves of that."""
        return "certificates/list" in self._all

    @property
    def sees_own_only(self) -> bool:
        """Whether lists hold only what the person owns."""
        return Role.REQUESTER in self.roles and not self.sees_all

    def could(self, verb: str) -> bool:
        """Whether the person may do it to some certificate at least: to all, or to their own."""
        own = self.sees_own_only and verb in OF_OWNER and (self._scope is None or verb in self._scope)
        return own or verb in self

    def on(self, certificate: Certificate, user: User) -> Rights:
        """The verbs that the person holds on one certificate; a requester has none on those of others."""
        owns = certificate.owner_id == user.pk
        roles = self._held if owns else self._held - {Role.REQUESTER}
        return Rights(roles, owns=owns, scope=self._scope, held=self._held)

    def in_vault(self) -> Rights:
        """The verbs in the vault as such, where these may be those on one certificate in it."""
        return Rights(self._held, scope=self._scope)

    def without_scope(self) -> Rights:
        """The person's own, whatever a token leaves of them."""
        return Rights(self.roles, owns=self._owns, held=self._held)
