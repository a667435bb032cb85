"""What the pages of certificates and requests say to programs."""

from __future__ import annotations

from typing import Any

from django import template

from portal.pages import connecting, programs
from portal.pages.programs import Program
from vault.models import Certificate, Operation

register = template.Library()


@register.simple_tag(takes_context=True)
def programs_for(context: dict[str, Any], thing: Certificate | Operation) -> list[Program]:
    """How programs do it: fetch this certificate, or follow this request."""
    request = context["request"]
    if isinstance(thing, Operation):
        return programs.for_operation(thing, connecting.place_of(request, thing.certificate.vault))
    return programs.for_certificate(thing, connecting.place_of(request, thing.vault))
