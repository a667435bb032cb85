"""Mail to people: plain text from templates/emails/. The templates' first line is the subject."""

from __future__ import annotations

import logging
import threading
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

log = logging.getLogger(__name__)


def send(template: str, to: str, context: dict[str, Any]) -> bool:
    """Send `emails/<template>.txt` now; False when there is no mail server or it did not take the message.

    Takes up to EMAIL_TIMEOUT seconds. The log tells the kind of trouble, never the message, which may hold a link.
    """
    if not settings.MAIL_WORKS:
        return False
    subject, _, body = render_to_string(f"emails/{template}.txt", context).strip().partition("\n")
    try:
        return bool(EmailMessage(subject.strip(), body.strip() + "\n", to=[to]).send())
    except (OSError, SMTPException) as error:
        log.error("mail was not sent: %s", type(error).__name__, extra={"template": template})  # noqa: TRY400
        return False


def send_apart(template: str, to: str, context: dict[str, Any]) -> threading.Thread:
    """Send like `send`, without making the caller wait: how long an answer takes tells nobody whether mail was sent."""
    thread = threading.Thread(target=send, args=(template, to, context), name="mail", daemon=True)
    thread.start()
    return thread
