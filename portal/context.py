"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal import setup


def portal(request: HttpRequest) -> dict[str, Any]:
    """The rights that `portal.access` left on the request, the chosen theme, and whether the ring needs a backup."""
    user = getattr(request, "user", None)
    is_administrator = bool(user and user.is_authenticated and user.is_staff)
    theme = request.COOKIES.get("theme", "")
    return {
        "rights": getattr(request, "rights", ()),
        "theme": theme if theme in {"light", "dark"} else "",
        "ring_backup_due": is_administrator and not setup.ring_is_backed_up(),
        "ring_path": settings.KEYRING if is_administrator else "",
        "mail_works": settings.MAIL_WORKS,
    }
