"""Who hears about what, and in which words.

The vault does not know people: `settings.VAULT_ADMINISTRATORS` names a function (by its dotted path) that takes a
vault and returns the e-mail addresses of those who administer it.
"""

import logging
from collections.abc import Callable, Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from vault.models import Issuer, Vault

log = logging.getLogger(__name__)


def tell_credentials_refused(issuer: Issuer) -> bool:
    """Tell the administrators of its vault by mail that a CA refuses an issuer's credentials.

    True when it needs no second try: it was sent, or there is no mail server or nobody to send it to (pages say it
    as well). Takes up to EMAIL_TIMEOUT seconds.
    """
    return _send("issuer_paused", administrators_of(issuer.vault), {"issuer": issuer, "vault": issuer.vault})


def administrators_of(vault: Vault) -> Sequence[str]:
    """Return the e-mail addresses of those who administer a vault."""
    path: str = getattr(settings, "VAULT_ADMINISTRATORS", "")
    if not path:
        return ()
    find: Callable[[Vault], Sequence[str]] = import_string(path)
    return find(vault)


def _send(template: str, to: Sequence[str], context: dict[str, object]) -> bool:
    if not settings.MAIL_WORKS or not to:
        return True
    words = render_to_string(f"emails/{template}.txt", {**context, "portal": settings.PORTAL_URL})
    subject, _, body = words.strip().partition("\n")
    try:
        # Each by itself: who else administers the vault is nobody's business outside the portal.
        sent = [EmailMessage(subject.strip(), body.strip() + "\n", to=[address]).send() for address in to]
    except (OSError, SMTPException) as error:
        log.error("mail was not sent: %s", type(error).__name__, extra={"template": template})  # noqa: TRY400
        return False
    return bool(sent)
