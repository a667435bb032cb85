"""A host name of a vault's own, beside the one below the API's domain."""

from __future__ import annotations

import re
from typing import Final

from django.db import IntegrityError, transaction

from vault.errors import BadParameter, Conflict
from vault.models import Vault
from vault.models.audit import Actor, record
from vault.x509.visible import shown

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# Two labels at least, the last not a number: clients check that a vault's host lies below another.
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}\Z")


def check_host(host: str) -> None:
    """Refuse what is no host name in lower case (RFC 1123 §2.1), or one without a domain. Raises BadParameter."""
    if not _HOST.match(host):
        message = f"“{shown(host)}” is not a host name with a domain. Write it like kv.example.org."
        raise BadParameter(message, field="host")


@transaction.atomic
def change_host(*, vault: Vault, host: str, by: Actor) -> None:
    """Let programs find the vault at `host` as well; at its usual host alone when that is empty.

    Raises:
        BadParameter: field `host`; it is no host name.
        Conflict: another vault has it.
    """
    if host:
        check_host(host)
    if (vault.host or "") == host:
        return
    try:
        with transaction.atomic():
            Vault.objects.filter(pk=vault.pk).update(host=host or None)
    except IntegrityError:
        raise Conflict(f"Another vault has the host “{host}”. Choose another name.") from None
    before, vault.host = vault.host, host or None
    record("vaults/change-host", f"vaults/{vault.name}", by=by, vault=vault, details={"host": host, "before": before})
