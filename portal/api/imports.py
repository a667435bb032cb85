"""Importing a certificate with its private key: a PFX or PEM, as it came or in base64."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from portal import access
from portal.api import finding, operations, policies, wire
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import bodies
from portal.api.models import policy as parts
from portal.api.reading import body_of
from vault.errors import BadName, BadParameter, NameTaken, NotAllowedNow, PolicyViolation
from vault.lifecycle import changing, importing
from vault.lifecycle.importing import Candidate, ImportOrder
from vault.models import Certificate, Version
from vault.models.policy import PEM_FILE, PKCS12, Policy
from vault.x509 import parsing
from vault.x509.found import Found, Locked, Upload

_BAD_PFX: Final = (
    "The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 "
    "format."
)
_BAD_PEM: Final = (
    "The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is in valid "
    "PEM format."
)
_UPLOAD: Final = "value"


@endpoint("certificates/import", methods=("POST",), makes_key=True)
def create(request: ApiRequest, name: str) -> Answer:
    """Import a certificate as the newest version of a name, new or not."""
    finding.check_name(name)
    finding.require(request)
    given = body_of(request, bodies.CertificateImportParameters)
    found = parsing.read_files([Upload(name=_UPLOAD, content=given.value.encode())], password=given.pwd)
    candidate = _candidate(request, found)
    try:
        version = _import(request, name, given, candidate, found)
    except NameTaken as error:
        raise operations.taken(name, error) from None
    except NotAllowedNow:
        raise ApiError(HTTPStatus.CONFLICT, "Conflict", operations.RUNNING) from None
    except (PolicyViolation, BadName) as error:
        raise BadParameter(str(error), field="policy" if error.field != "name" else "name") from None
    if given.attributes is not None:
        by = access.actor(request, request.verb)
        changing.change_version(version=version, enabled=given.attributes.enabled, by=by)
    return wire.bundle(version.certificate, Ids.of(request), pending=False)


def _candidate(request: ApiRequest, found: Found) -> Candidate:
    """The one certificate that is there with its key. Raises ApiError, in the key vault's words and then in ours."""
    survey = importing.survey(request.vault, found)
    if len(survey.candidates) == 1 and not survey.candidates[0].refusal:
        return survey.candidates[0]
    if len(survey.candidates) > 1:
        reason = f"There are {len(survey.candidates)} certificates with their keys in it. Send them one by one."
    elif survey.candidates:
        reason = survey.candidates[0].refusal
    else:
        reason = survey.refusal or next((row.sentence for row in survey.rows if row.sentence), "")
    words = _BAD_PFX if _is_pfx(found) else _BAD_PEM
    if survey.locked is not Locked.NO or not survey.candidates:
        reason = f"{words} {reason}"
    raise ApiError(HTTPStatus.BAD_REQUEST, "BadParameter", reason.strip())


def _is_pfx(found: Found) -> bool:
    return any(file.looks_like == "a PFX file" for file in found.files)


def _import(
    request: ApiRequest,
    name: str,
    given: bodies.CertificateImportParameters,
    candidate: Candidate,
    found: Found,
) -> Version:
    holder = access.certificate_to_issue(request, request.vault, name, may=request.verb)
    order = ImportOrder(
        name=holder.name if holder else name,
        policy=_policy(given.policy, candidate, holder, content_type=PKCS12 if _is_pfx(found) else PEM_FILE),
        tags=given.tags or {},
        holder=holder.pk if holder else 0,
    )
    by = access.actor(request, request.verb)
    return importing.import_candidate(vault=request.vault, candidate=candidate, order=order, by=by)


def _policy(
    given: parts.CertificatePolicy | None, candidate: Candidate, holder: Certificate | None, *, content_type: str
) -> Policy:
    """The certificate's own facts, and of what was given the parts that a certificate cannot tell.

    The secret keeps the form that was sent unless another is asked for; an issuer that is given brings its own
    lifetime action.
    """
    policy = importing.propose(candidate, certificate=holder).policy
    if holder is None:
        policy = replace(policy, content_type=content_type)
    if given is None:
        return policy
    if given.issuer is not None and given.issuer.name and given.lifetime_actions is None:
        policy = replace(policy, lifetime_actions=())
    key = given.key_props or parts.KeyProperties()
    chosen = parts.CertificatePolicy(
        key_props=parts.KeyProperties(exportable=key.exportable, reuse_key=key.reuse_key),
        secret_props=given.secret_props,
        issuer=given.issuer,
        lifetime_actions=given.lifetime_actions,
    )
    return policies.patched(policy, chosen)
