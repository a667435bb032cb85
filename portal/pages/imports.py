"""Importing: bring the files, look at what they hold, confirm. Before that, nothing is stored but a sealed draft."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal.forms.imports import BulkForm, ImportForm
from portal.pages import csvs, previews
from portal.pages.bringing import VERB, address_of, draft_for, new, place_for
from portal.pages.failures import status_of
from portal.pages.http import PageRequest, attachment, field_answer, see_other
from vault.errors import DraftGone, VaultError
from vault.lifecycle import importing
from vault.lifecycle.exporting import File
from vault.lifecycle.importing import Candidate, Outcome, Proposal, Result, Survey
from vault.models import Certificate, Draft, Vault, Version

__all__ = ["field", "new", "preview", "results"]

_NOT_DONE = {Outcome.NOTHING, Outcome.REFUSED, Outcome.LOCKED, Outcome.LEFT_OUT}


@require_http_methods(["GET", "POST"])
@login_required
def preview(request: PageRequest, vault: str, draft: str) -> HttpResponse:
    """What the files hold, and on POST its import; once that is done, what came of it."""
    place, fixed = place_for(request, vault)
    kept = draft_for(request, place, uuid.UUID(draft))
    if kept is None:
        return _ended(request, place)
    try:
        survey = importing.open_draft(kept)
        if len(survey.candidates) == 1:
            return _one(request, kept, survey, fixed)
        return see_other(address_of("preview", kept)) if fixed else _several(request, kept, survey)
    except DraftGone:
        return _after(request, kept)


@require_POST
@login_required
def field(request: PageRequest, vault: str, draft: str) -> HttpResponse:
    """Judge one field of the preview, or say what follows from the policy as it stands in the form."""
    place, fixed = place_for(request, vault)
    kept = draft_for(request, place, uuid.UUID(draft))
    if kept is None:
        raise Http404("This preview has ended.")
    candidates = importing.open_draft(kept).candidates
    if len(candidates) != 1:
        raise Http404("There is no single certificate in this preview.")
    form, _ = _import_form(request, kept, candidates[0], fixed)
    if request.POST.get("part") != "follows":
        return field_answer(request, form)
    form.full_clean()
    if form.policy_so_far is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    context = {"follows": previews.follows(form.candidate, form.policy_so_far)}
    return TemplateResponse(request, "imports/preview.html#follows", context)


@require_GET
@login_required
def results(request: PageRequest, vault: str, draft: str) -> HttpResponse:
    """What was not imported, and why, as CSV (RFC 4180)."""
    kept = draft_for(request, access.vault_for(request, vault, may=VERB), uuid.UUID(draft))
    if kept is None:
        raise Http404("This preview has ended.")
    found = importing.results_of(kept)
    failed = [(one.file, one.name, one.code, one.sentence) for one in found if one.outcome in _NOT_DONE]
    cells = [tuple(map(csvs.harmless, row)) for row in failed]
    content = csvs.write([("file", "name", "code", "reason"), *cells])
    return attachment(File(name="not-imported.csv", content_type="text/csv; charset=utf-8", content=content.encode()))


# ---------------------------------------------------------------- the objects
def _import_form(
    request: PageRequest, draft: Draft, candidate: Candidate, fixed: Certificate | None
) -> tuple[ImportForm, Proposal]:
    proposal = importing.propose(candidate, certificate=fixed)
    form = ImportForm(
        request.POST if request.method == "POST" else None,
        vault=draft.vault,
        candidate=candidate,
        policy=proposal.policy,
        fixed=fixed,
        namesake=lambda name: _namesake(request, draft.vault, name),
    )
    return form, proposal


def _namesake(request: PageRequest, vault: Vault, name: str) -> Certificate | None:
    return access.certificate_to_issue(request, vault, name, may=VERB)


# ------------------------------------------------------------ one certificate
def _one(request: PageRequest, draft: Draft, survey: Survey, fixed: Certificate | None) -> HttpResponse:
    candidate = survey.candidates[0]
    form, proposal = _import_form(request, draft, candidate, fixed)
    if request.method == "POST" and form.is_valid():
        if form.holder is not None and fixed is None:
            return _ask_about_version(request, draft, form.holder)
        version = _import(request, draft, form)
        if version is not None:
            messages.success(request, _imported(version))
            return see_other("certificates:detail", draft.vault.name, version.certificate.name)
    return _preview_page(request, draft, survey, form, proposal)


def _ask_about_version(request: PageRequest, draft: Draft, holder: Certificate) -> HttpResponse:
    """The name that was typed exists, so the policy in question is another: look at that before importing."""
    messages.info(request, f"“{holder}” exists. This is what importing into it as its next version comes to.")
    return see_other(address_of("preview", draft, holder))


def _import(request: PageRequest, draft: Draft, form: ImportForm) -> Version | None:
    """Import, unless something else would follow than what the page said; None with the reason on the form."""
    if previews.follows(form.candidate, form.policy()).code != form.cleaned_data["consequence"]:
        form.add_error(None, "With this policy something else follows than before. Read it below, then import.")
        return None
    order, by = form.order(), access.actor(request, VERB)
    try:
        return importing.import_candidate(vault=draft.vault, candidate=form.candidate, order=order, by=by, draft=draft)
    except DraftGone:
        raise
    except VaultError as error:
        form.refuse(error)
        return None


def _imported(version: Version) -> str:
    said = f"Imported as version {version.number} of “{version.certificate}”."
    return said if version.enabled else f"{said} It is kept for the record only, disabled."


def _preview_page(
    request: PageRequest, draft: Draft, survey: Survey, form: ImportForm, proposal: Proposal
) -> HttpResponse:
    candidate, fixed = form.candidate, form.fixed
    seen = access.all_visible_certificates(request.user)
    policy = form.policy_so_far or proposal.policy
    context = {
        **_common(draft, survey, fixed),
        "form": form,
        "candidate": candidate,
        "fixed": fixed,
        "ignored": previews.left_aside(survey),
        "look": previews.look_at(candidate),
        "values": previews.policy_values(policy, proposal, fixed.name if fixed else ""),
        "policy_line": previews.policy_line(policy),
        "proposal": proposal,
        "follows": previews.follows(candidate, policy),
        "places": previews.places(importing.find_elsewhere([candidate], among=seen)[candidate.number]),
        "check_url": address_of("field", draft, fixed),
        "taken": None if fixed else _taken(request, draft.vault, candidate.proposed_name),
    }
    return TemplateResponse(request, "imports/preview.html", context, status=_status(form))


def _taken(request: PageRequest, vault: Vault, name: str) -> Certificate | None:
    """The certificate that has the proposed name, if the person may import into it."""
    try:
        return _namesake(request, vault, name)
    except VaultError:
        return None


def _common(draft: Draft, survey: Survey, fixed: Certificate | None = None) -> dict[str, Any]:
    again = reverse("imports:new", args=[draft.vault.name])
    return {
        "vault": draft.vault,
        "draft": draft,
        "ignored": survey.ignored,
        "again_url": f"{again}?certificate={fixed.name}" if fixed else again,
        "nav": "vaults",
    }


def _status(form: ImportForm | BulkForm) -> HTTPStatus:
    refusal = getattr(form, "refusal", None)
    if not form.errors:
        return HTTPStatus.OK
    return status_of(refusal) if refusal else HTTPStatus.UNPROCESSABLE_ENTITY


# ------------------------------------------------------- several certificates
def _several(request: PageRequest, draft: Draft, survey: Survey) -> HttpResponse:
    def namesake(name: str) -> Certificate | None:
        return _namesake(request, draft.vault, name)

    data = request.POST if request.method == "POST" else None
    form = BulkForm(data, candidates=survey.importable, namesake=namesake)
    if form.is_valid():
        importing.import_all(
            vault=draft.vault,
            draft=draft,
            by=access.actor(request, VERB),
            may_have=namesake,
            names=form.names(),
            new_versions=form.cleaned_data["new_versions"],
        )
        return see_other(address_of("preview", draft))
    seen = access.all_visible_certificates(request.user)
    places = importing.find_elsewhere(survey.importable, among=seen)
    context = {**_common(draft, survey), "form": form, "lines": previews.lines(survey, form, places)}
    return TemplateResponse(request, "imports/several.html", context, status=_status(form))


# ------------------------------------------------------------------ afterwards
def _after(request: PageRequest, draft: Draft) -> HttpResponse:
    """The draft has been used: to the one certificate that came of it, or to the list of what became of every file."""
    fresh = draft_for(request, draft.vault, draft.id)
    found = importing.results_of(fresh) if fresh else ()
    if fresh is None or not found:
        return _ended(request, draft.vault)
    if len(found) == 1:
        return see_other("certificates:detail", draft.vault.name, found[0].name)
    if request.method == "POST":
        return see_other(address_of("preview", fresh))
    return _results_page(request, fresh, found)


def _results_page(request: PageRequest, draft: Draft, found: tuple[Result, ...]) -> HttpResponse:
    done = [one for one in found if one.outcome is Outcome.IMPORTED]
    context = {
        "vault": draft.vault,
        "draft": draft,
        "results": found,
        "done": done,
        "has_failures": any(one.outcome in _NOT_DONE for one in found),
        "nav": "vaults",
    }
    return TemplateResponse(request, "imports/results.html", context)


def _ended(request: PageRequest, vault: Vault) -> HttpResponse:
    context = {"vault": vault, "again_url": reverse("imports:new", args=[vault.name]), "nav": "vaults"}
    return TemplateResponse(request, "imports/ended.html", context, status=HTTPStatus.NOT_FOUND)
