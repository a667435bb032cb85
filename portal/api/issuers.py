"""Registered issuers. Self and Unknown always exist and are not listed.

The wire knows an account, its password, an organisation and administrators. Whatever else a provider's form asks for
is set on pages, and stays as it is whatever a client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus

from portal import access
from portal.api import finding, paging
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import bodies, replies
from portal.api.reading import body_of
from portal.api.wire import seconds
from vault.errors import BadParameter, NameTaken
from vault.lifecycle import configuring
from vault.lifecycle.configuring import BadValues, Given
from vault.models import Issuer
from vault.providers import offer_of
from vault.providers.base import Administrator

# The wire's words for values of the form.
_FIELDS = {"account_id": "credentials", "password": "credentials", "organisation_id": "org_details"}
_PEOPLE = "administrator"


@endpoint("certificates/listissuers")
def index(request: ApiRequest) -> Answer:
    """List the registered issuers."""
    finding.require(request)
    rows = Issuer.objects.filter(vault=request.vault).only("name", "name_key", "provider")
    page = paging.by_name(request, rows)
    items = [replies.IssuerItem(id=_id(request, issuer), provider=issuer.provider) for issuer in page.rows]
    return replies.IssuerList(value=items, next_link=page.next_link)


@endpoint("certificates/getissuers")
def detail(request: ApiRequest, name: str) -> Answer:
    """Read one issuer."""
    return _shown(request, _issuer(request, name))


@endpoint("certificates/setissuers", methods=("PUT",))
def replace(request: ApiRequest, name: str) -> Answer:
    """Register an issuer, or set all that can be said of one that is there; its date of birth stays."""
    finding.require(request)
    finding.check_name(name)
    body = body_of(request, bodies.IssuerSetParameters)
    known = Issuer.objects.filter(vault=request.vault).named(name).first()
    enabled = body.attributes is None or body.attributes.enabled is not False
    given = _given(body, known, anew=True)
    by = access.actor(request, request.verb)
    try:
        if known is None:
            issuer = configuring.create_issuer(vault=request.vault, name=name, given=given, enabled=enabled, by=by)
            return _shown(request, issuer)
        known.vault = request.vault
        configuring.edit_issuer(issuer=known, given=given, enabled=enabled, by=by)
    except BadParameter as error:
        raise _refusal(error, given.provider) from None
    except NameTaken:
        # Another client was faster with the same name: its issuer is there now.
        raise ApiError(HTTPStatus.CONFLICT, "Conflict", f"Issuer {name} is being registered. Try again.") from None
    return _shown(request, known)


@endpoint("certificates/setissuers", methods=("PATCH",))
def update(request: ApiRequest, name: str) -> Answer:
    """Change an issuer; what is not sent stays, the password too."""
    issuer = _issuer(request, name)
    body = body_of(request, bodies.IssuerUpdateParameters)
    given = _given(body, issuer, anew=False)
    enabled = body.attributes.enabled if body.attributes else None
    try:
        configuring.edit_issuer(issuer=issuer, given=given, enabled=enabled, by=access.actor(request, request.verb))
    except BadParameter as error:
        raise _refusal(error, given.provider) from None
    return _shown(request, issuer)


@endpoint("certificates/deleteissuers", methods=("DELETE",))
def delete(request: ApiRequest, name: str) -> Answer:
    """Remove an issuer; answers with it as it was. Refused while it has open orders."""
    issuer = _issuer(request, name)
    configuring.delete_issuer(issuer=issuer, by=access.actor(request, request.verb))
    return _shown(request, issuer)


def _issuer(request: ApiRequest, name: str) -> Issuer:
    finding.require(request)
    finding.check_name(name)
    issuer = Issuer.objects.filter(vault=request.vault).named(name).first()
    if issuer is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "CertificateIssuerNotFound", "Issuer not found")
    issuer.vault = request.vault
    return issuer


def _given(body: bodies.IssuerUpdateParameters, issuer: Issuer | None, *, anew: bool) -> Given:
    """What the issuer is to be: `anew` leaves nothing of what the wire can say, else what is not sent stays."""
    provider = body.provider or (issuer.provider if issuer else "")
    same = issuer is not None and issuer.provider.lower() == provider.lower()
    config: dict[str, str] = dict(issuer.config) if issuer and same else {}
    people = [Administrator(**person) for person in issuer.administrators] if issuer else []
    if anew:
        config = {name: value for name, value in config.items() if name not in _FIELDS}
        people = []
    said, password = _said(body)
    _refuse_homeless(provider, {**said, "password": password})
    details = body.org_details.admin_details if body.org_details else None
    return Given(
        provider=provider,
        config={**config, **said},
        secrets={"password": password},
        forgotten=_forgotten(provider, anew=anew, same=same),
        administrators=people if details is None else [_person(one) for one in details],
        loosely=True,
    )


def _forgotten(provider: str, *, anew: bool, same: bool) -> frozenset[str]:
    """The stored credentials that do not stay: the password when all is set anew, others with another provider."""
    offer = offer_of(provider)
    others = {one.name for one in offer.fields} - {"password"} if offer and not same else set()
    return frozenset(others | ({"password"} if anew else set()))


def _said(body: bodies.IssuerUpdateParameters) -> tuple[dict[str, str], str]:
    """The account and organisation that were sent, by the names of the form; and the password."""
    credentials, organisation = body.credentials, body.org_details
    found = {
        "account_id": credentials.account_id if credentials else None,
        "organisation_id": organisation.id if organisation else None,
    }
    password = credentials.pwd if credentials else None
    return {name: value for name, value in found.items() if value is not None}, password or ""


def _refuse_homeless(provider: str, said: Mapping[str, str]) -> None:
    """Refuse what a known provider has no field for, rather than lose it without a word. Raises BadParameter."""
    offer = offer_of(provider)
    if offer is None:
        return
    names = {one.name for one in offer.fields}
    for name, value in said.items():
        if value and name not in names:
            message = f"{offer.title} has nothing of that kind. Set the issuer up in the portal."
            raise BadParameter(message, field=_FIELDS[name])


def _person(given: bodies.AdministratorDetails) -> Administrator:
    return Administrator(
        first_name=given.first_name or "",
        last_name=given.last_name or "",
        email=given.email or "",
        phone=given.phone or "",
    )


def _refusal(error: BadParameter, provider: str) -> BadParameter:
    """Name the wire's own property; what the wire cannot say at all has to be said in the portal."""
    field = error.field or ""
    if field.startswith(_PEOPLE):
        return BadParameter(str(error), field="org_details")
    if field in _FIELDS:
        return BadParameter(str(error), field=_FIELDS[field])
    if isinstance(error, BadValues) and field != "provider":
        message = f"{error} Clients cannot say it for {provider}: set the issuer up in the portal."
        return BadParameter(message, field="provider")
    return error


def _shown(request: ApiRequest, issuer: Issuer) -> Answer:
    people = [
        replies.AdministratorDetails(**{name: value or None for name, value in asdict(Administrator(**one)).items()})
        for one in issuer.administrators
    ]
    attributes = replies.IssuerAttributes(
        enabled=issuer.enabled, created=seconds(issuer.created_at), updated=seconds(issuer.updated_at)
    )
    return replies.IssuerBundle(
        id=_id(request, issuer),
        provider=issuer.provider,
        credentials=replies.IssuerCredentials(account_id=issuer.config.get("account_id") or None),
        org_details=replies.OrganizationDetails(id=issuer.config.get("organisation_id") or None, admin_details=people),
        attributes=attributes,
    )


def _id(request: ApiRequest, issuer: Issuer) -> str:
    return f"{Ids.of(request).base}/certificates/issuers/{issuer.name}"
