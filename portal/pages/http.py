"""What pages share of HTTP: the typed request, downloads, keyset pages."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.forms import BaseForm
    from django_htmx.middleware import HtmxDetails

    from portal.models import User
    from portal.rights import Rights
    from vault.lifecycle.exporting import File


class PageRequest(HttpRequest):
    """A request of a signed-in person. `rights` is set by `portal.access`."""

    user: User
    htmx: HtmxDetails
    rights: Rights


def see_other(to: str, *args: Any) -> HttpResponseRedirect:
    """Send the browser from a POST to the page to look at next (RFC 9110 §15.4.4); `to` as for `redirect()`."""
    return HttpResponseRedirect(resolve_url(to, *args), status=HTTPStatus.SEE_OTHER)


def own_address(request: HttpRequest, address: str, *, default: str = "home") -> str:
    """Return `address` if it leads to a page of this portal, else the address of `default`."""
    own = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if own and address.startswith("/") and address.isprintable() else resolve_url(default)


def field_of(request: PageRequest) -> str:
    """The name of the field whose slot, `id_<name>_slot`, a live check wants filled."""
    return (request.htmx.target or "").removeprefix("id_").removesuffix("_slot")


def field_answer(request: PageRequest, form: BaseForm) -> HttpResponse:
    """Answer a live check: what is wrong with the field whose slot htmx asked for, and nothing while it is empty."""
    name = field_of(request)
    is_empty = name not in form.fields or not form.data.get(form.add_prefix(name), "").strip()
    if is_empty or not form[name].errors:
        return HttpResponse()
    return render(request, "components/field_error.html", {"field": form[name]})


def attachment(file: File) -> HttpResponse:
    """Answer with a file to save, never to show or to cache (RFC 6266, RFC 9111 §5.2.2.5)."""
    response = HttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
