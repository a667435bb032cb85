"""Bringing the files of an import, and what its pages share; `imports.new` is the view here."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal import access
from portal.forms.imports import FilesForm
from portal.pages.failures import status_of
from portal.pages.http import PageRequest, see_other
from vault.errors import BadParameter, DraftGone, TooMany, UnreadableFile
from vault.lifecycle import importing
from vault.lifecycle.importing import Outcome, Row, Survey
from vault.models import Certificate, Draft, Vault
from vault.models.certificate import NAME
from vault.x509 import parsing
from vault.x509.found import Found, Locked, Upload

VERB: Final = "certificates/import"
_MOST_AT_ONCE: Final = 100
_NONE_OF_THEM = "Nothing in these files can be imported as it is. The list says what each of them is, and what to do."
_ALL_EXPIRED = "All these certificates have expired. To keep one for the record, import it alone."
_NOT_KEPT = "The files are not kept any more. Choose them again."


@require_http_methods(["GET", "POST"])
@login_required
def new(request: PageRequest, vault: str) -> HttpResponse:
    """Take files or a paste, for a new certificate or, with `?certificate=`, for a new version of one."""
    counter = _Counter(request, *place_for(request, vault))
    if request.method != "POST":
        return counter.page(FilesForm())
    form = FilesForm(request.POST, request.FILES)
    if not form.is_valid():
        form.keep()
        return counter.page(form)
    return counter.take(form)


def place_for(request: PageRequest, vault: str) -> tuple[Vault, Certificate | None]:
    """The vault, and the certificate of `?certificate=`; both only for whoever may import. Raises Http404, Refused."""
    name = request.GET.get("certificate", "")
    if not name:
        return access.vault_for(request, vault, may=VERB), None
    if not NAME.match(name):
        raise Http404("There is no such certificate.")
    certificate = access.certificate_for(request, vault, name, may=VERB)
    return certificate.vault, certificate


def draft_for(request: PageRequest, vault: Vault, draft: uuid.UUID) -> Draft | None:
    """The person's own draft in this vault, while it lasts."""
    kept = Draft.objects.open().filter(pk=draft, vault=vault, made_by=request.user).first()
    if kept is not None:
        kept.vault = vault
    return kept


def address_of(view: str, draft: Draft, fixed: Certificate | None = None) -> str:
    """The address of one of a draft's pages, for a new certificate or for the next version of one."""
    address = reverse(f"imports:{view}", args=[draft.vault.name, draft.id.hex])
    return f"{address}?certificate={fixed.name}" if fixed else address


class _Counter:
    """Where files are handed in: in a vault, perhaps for a certificate that is there (`fixed`).

    Files that wait for their password are held in a draft, as they came, so that they need not be chosen again.
    """

    def __init__(self, request: PageRequest, vault: Vault, fixed: Certificate | None) -> None:
        self.request, self.vault, self.fixed = request, vault, fixed
        self.held: Draft | None = None
        self.rows: Sequence[Row] = ()

    def take(self, form: FilesForm) -> HttpResponse:
        """Go on to the preview, or show the form again with what the files are and what to do."""
        found: Found | None = None
        try:
            files = self._files(form)
            found = parsing.read_files(files, password=form.password_given())
            survey = importing.survey(self.vault, found)
        except (BadParameter, TooMany, DraftGone) as refusal:
            form.refuse(refusal)
            form.keep(found, held=self.held)
            return self.page(form, status=status_of(refusal))
        if self._refuses(form, survey):
            self._hold(files if survey.locked else ())
            form.keep(found, held=self.held)
            return self.page(form)
        return self._go_on(found)

    def page(self, form: FilesForm, *, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> HttpResponse:
        """The form; refused with `status`."""
        context = {
            "vault": self.vault,
            "fixed": self.fixed,
            "form": form,
            "rows": self.rows,
            "held": self.held,
            "nav": "vaults",
        }
        status = status if form.errors else HTTPStatus.OK
        return TemplateResponse(self.request, "imports/new.html", context, status=status)

    def _files(self, form: FilesForm) -> list[Upload]:
        """What was sent, else what is held. Raises UnreadableFile when that is gone, DraftGone, RingError."""
        sent = form.sent()
        if sent:
            return sent
        self.held = draft_for(self.request, self.vault, form.cleaned_data["held"])
        if self.held is None:
            raise UnreadableFile(_NOT_KEPT, field="file")
        return importing.held_files(self.held)

    def _refuses(self, form: FilesForm, survey: Survey) -> bool:
        """Put the reason on the form when there is nothing to look at; say whether there was one."""
        self.rows = survey.rows
        count = len(survey.candidates)
        if survey.refusal and survey.locked:
            form.add_error("password", _locked(survey))
        elif survey.refusal:
            form.add_error("file", survey.refusal if len(survey.rows) == 1 else _NONE_OF_THEM)
        elif count > 1 and not survey.importable:
            form.add_error("file", _ALL_EXPIRED)
        elif count > _MOST_AT_ONCE:
            message = f"These files hold {count} certificates with their keys; {_MOST_AT_ONCE} is the most at once."
            form.add_error("file", f"{message} Send them in parts.")
        elif self.fixed and count > 1:
            message = f"These files hold {count} certificates with their keys, and a new version is one."
            form.add_error("file", f"{message} Choose the files of that one.")
        return bool(form.errors)

    def _hold(self, files: Sequence[Upload]) -> None:
        """Keep these files for the next try, and no others."""
        if not files:
            self.held = None
        elif self.held is None:
            self.held = importing.hold_files(vault=self.vault, files=files, by=access.actor(self.request, VERB))

    def _go_on(self, found: Found) -> HttpResponse:
        draft = importing.keep_draft(vault=self.vault, found=found, by=access.actor(self.request, VERB))
        if self.held is not None:
            self.held.delete()
        return see_other(address_of("preview", draft, self.fixed))


def _locked(survey: Survey) -> str:
    files = dict.fromkeys(row.file for row in survey.rows if row.outcome is Outcome.LOCKED)
    names = " and ".join(f"“{name}”" if name else "the text" for name in files)
    if survey.locked is Locked.WRONG_PASSWORD:
        return f"The password does not open {names}. Type it again."
    return f"{names[0].upper()}{names[1:]} {'is' if len(files) == 1 else 'are'} protected by a password. Type it below."
