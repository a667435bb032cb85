"""One's own tokens: what they are for, making one, revoking one."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal import tokens as service
from portal.forms.tokens import TokenForm, in_words
from portal.models import Token
from portal.pages import connecting, paging
from portal.pages.http import PageRequest, see_other
from vault.errors import BadParameter, NotAllowedNow, TooMany


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The person's tokens, newest first."""
    page = paging.page(request, _mine(request).prefetch_related("vaults"), by="-id")
    context = {"page": page, "rows": [(token, in_words(token)) for token in page]}
    return TemplateResponse(request, "tokens/index.html", context)


@sensitive_post_parameters("password")
@sensitive_variables("text")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: PageRequest) -> HttpResponse:
    """Make a token. It is shown in the answer to the POST itself: a redirect would have to keep it somewhere."""
    form = TokenForm(request.POST or None, person=request.user)
    if form.is_valid():
        try:
            token, text = service.make(user=request.user, by=access.actor(request, "self"), **form.order)
        except (BadParameter, TooMany) as error:
            field = getattr(error, "field", None)
            form.add_error(field if field in form.fields else None, str(error))
        else:
            context = {"token": token, "text": text, "addresses": _addresses(request, token)}
            return TemplateResponse(request, "tokens/shown.html", context)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "tokens/new.html", {"form": form}, status=status)


@require_POST
@login_required
def revoke(request: PageRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    token = _mine(request).filter(pk=pk).first() if pk < 2**63 else None
    if token is None:
        raise Http404("There is no such token.")
    try:
        service.revoke(token=token, by=access.actor(request, "self"))
    except NotAllowedNow as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The token “{token.name}” opens nothing any more.")
    return see_other("tokens:index")


def _mine(request: PageRequest) -> QuerySet[Token]:
    return Token.objects.filter(user=request.user)


def _addresses(request: PageRequest, token: Token) -> list[str]:
    """Where the token's vaults are, for programs."""
    return [connecting.vault_address(request, vault) for vault in token.vaults.order_by("name_key")]
