"""Notices and the answers to them: with a mailed link alone, or signed in. Looking never answers."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from portal import access, noticing, rates
from portal.forms.choosing import MOST
from portal.forms.notices import HandOverForm, SnoozeForm
from portal.http import client_address
from portal.models import User
from portal.pages import paging
from portal.pages.http import PageRequest, see_other
from portal.rights import Rights
from vault.lifecycle import answering_notices
from vault.models import Notice, Vault
from vault.models.audit import Actor

# So often an address may open links in a minute: far more than a person does, far less than guessing needs.
PER_ADDRESS, WINDOW = 60, 60
_SETTLED: Final = "This was settled before."
_ACKNOWLEDGED: Final = "Acknowledged. You hear of this version again only when it is about to end."
View = Callable[..., HttpResponse]


class _Answer:
    """A notice with the forms that answer it, and what someone sent."""

    def __init__(self, request: HttpRequest, notice: Notice, *, by: Actor, rights: Rights | None = None) -> None:
        self.notice, self.by = notice, by
        self.does = request.POST.get("do", "") if request.method == "POST" else ""
        people = noticing.may_take_over(notice, signed_in=rights is not None)[:MOST]
        may_change_owner = rights is not None and "certificates/update" in rights
        self.snooze = SnoozeForm(
            request.POST if self.does == "snooze" else None, until=notice.until, initial={"days": 3}
        )
        self.hand_over = HandOverForm(
            request.POST if self.does == "hand-over" else None, people=people, may_change_owner=may_change_owner
        )

    @property
    def form(self) -> SnoozeForm | HandOverForm:
        """The one that was sent."""
        return self.hand_over if self.does == "hand-over" else self.snooze

    def take(self) -> str:
        """Do what was asked for and return it in a sentence; "" when a form is to come back."""
        if self.does and self.notice.settled:
            return _SETTLED
        match self.does:
            case "acknowledge":
                done = answering_notices.acknowledge(self.notice, by=self.by)
                return _ACKNOWLEDGED if done else _SETTLED
            case "snooze" if self.snooze.is_valid():
                days: int = self.snooze.cleaned_data["days"]
                answering_notices.snooze(self.notice, days=days, by=self.by)
                return f"You will be reminded in {days} day{'' if days == 1 else 's'}."
            case "hand-over" if self.hand_over.is_valid():
                person: User = self.hand_over.cleaned_data["person"]
                owner: bool = self.hand_over.cleaned_data.get("owner", False)
                done = noticing.hand_over(self.notice, to=person, make_owner=owner, by=self.by)
                return f"{person.title} will hear of it instead." if done else _SETTLED
        return ""

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """Show the notice, with what is wrong in what was sent."""
        facts = {
            "answer": self,
            "notice": self.notice,
            "certificate": self.notice.certificate,
            "vault": self.notice.vault,
            "form": self.form,
            "handed_to": _name_of(self.notice.handed_to),
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if self.does else HTTPStatus.OK
        return TemplateResponse(request, template, {**facts, **context}, status=status)


def _name_of(address: str) -> str:
    if not address:
        return ""
    person = User.objects.filter(email__iexact=address).order_by("pk").first()
    return person.title if person else "someone else"


# ------------------------------------------------------------ with a mailed link
def _kept_private(view: View) -> View:
    """Let the browser tell nobody the address it comes from, ours included: it answers for whoever has it.

    The origin must be told, or no form could be sent: without it the check against forged requests fails.
    """

    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponse:
        response = view(*args, **kwargs)
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex"
        return response

    return answer


@_kept_private
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """One notice, for whoever has the link from its mail: mail scanners that open it change nothing."""
    address = client_address(request)
    full, seconds = rates.shared().take([(f"notices/address/{address}", PER_ADDRESS)], window=WINDOW)
    if full is not None:
        message = f"These are many in a short time. Nothing was changed. Try again in {seconds} seconds."
        status, headers = HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(seconds)}
        return TemplateResponse(request, "errors/429.html", {"message": message}, status=status, headers=headers)
    notice = noticing.find(token)
    if notice is None:
        return TemplateResponse(request, "notices/ended.html", status=HTTPStatus.NOT_FOUND)
    by = Actor(name=notice.address, right="mailed link", address=address)
    given = _Answer(request, notice, by=by)
    if given.take():
        return see_other(request.path)
    return given.page(request, "notices/answer.html")


# --------------------------------------------------------------------- signed in
@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """What the person was told and has not settled."""
    mine = access.vaults_of(request.user)
    shown = paging.page(request, _open(request.user, mine).filter(settled=Notice.Settled.NONE), by="-created_at")
    rows = [(notice, "certificates/get" in _rights(mine, notice, request.user)) for notice in shown]
    return TemplateResponse(request, "notices/index.html", {"page": shown, "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def detail(request: PageRequest, notice: str) -> HttpResponse:
    """One of the person's own notices, with the answers to it."""
    mine = access.vaults_of(request.user)
    found = _open(request.user, mine).filter(pk=uuid.UUID(hex=notice)).first()
    if found is None:
        raise Http404("There is no such notice.")
    rights = _rights(mine, found, request.user)
    given = _Answer(request, found, by=access.actor(request, "own notice"), rights=rights)
    said = given.take()
    if said:
        messages.success(request, said)
        return see_other("notices:index")
    return given.page(request, "notices/detail.html", linked="certificates/get" in rights)


def _open(person: User, mine: dict[Vault, Rights]) -> QuerySet[Notice]:
    """The notices that went to someone's address, as far as they are still members where it comes from."""
    if not person.email:
        return Notice.objects.none()
    own = Notice.objects.filter(address=person.email.lower(), vault__in=mine, certificate__deleted_at=None)
    return own.select_related("vault", "certificate").defer("certificate__policy")


def _rights(mine: dict[Vault, Rights], notice: Notice, person: User) -> Rights:
    return mine[notice.vault].on(notice.certificate, person)
