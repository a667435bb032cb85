"""Testing an issuer, and the choices of its form: calls that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from vault.providers.base import Check, CheckLine, NotAuthorised, ProviderError, Transient
from vault.providers.digicert.account import EV, OV, Account
from vault.providers.digicert.wire import TITLE, Api, Reply, child, moment, quoted, rows, text


def check(api: Api, account: Account, now: datetime) -> Check:
    """Look at the key, the organisation, the products and what else is set; stops where DigiCert does not answer."""
    lines: list[CheckLine] = []
    try:
        lines.extend(_key(api, account))
        lines.extend(_organisation(api, account, now))
        lines.extend(_products(api, account))
        lines.extend(_container(api, account))
    except NotAuthorised as error:
        lines.append(_bad(str(error)))
    except ProviderError as error:
        lines.append(_bad(f"The test could not go on: {error}"))
    return Check(lines=tuple(lines))


def choices(api: Api, account: Account, field: str) -> Sequence[tuple[str, str]]:
    """What a field of the form may hold, as DigiCert lists it. Raises ProviderError."""
    asked: dict[str, Callable[[], Iterator[tuple[str, str]]]] = {
        "organisation_id": lambda: _listed(api, "/organization", "organizations"),
        "container_id": lambda: _listed(api, "/container", "containers"),
        "product_ov": lambda: _offered(api),
        "product_ev": lambda: _offered(api),
        "ca_cert_id": lambda: _cas(api, account.product_ov),
        "ca_cert_id_ev": lambda: _cas(api, account.product_ev),
    }
    return tuple(asked[field]()) if field in asked else ()


# --------------------------------------------------------------------- lines
def _key(api: Api, account: Account) -> Iterator[CheckLine]:
    data = _read(api, "/user/me").data
    name = f"{text(child(data, 'first_name'))} {text(child(data, 'last_name'))}".strip()
    number = text(child(data, "account", "id"))
    roles = ", ".join(text(row.get("name")) for row in rows(data, "access_roles")) or "no role"
    who = f"“{text(child(data, 'username'))}”" + (f" ({name})" if name else "")
    yield _good(f"{TITLE} accepts the API key: user {who}, account {number or 'unknown'}, {roles}.")
    if text(child(data, "status")) not in {"", "active"}:
        yield _bad(f"The key's user is {text(child(data, 'status'))}. Activate the user in CertCentral.")
    if account.number and account.number != number:
        yield _bad(
            f"The key belongs to account {number or 'unknown'}, the issuer names account {account.number}. Orders "
            "would go to the key's account. Correct the one that is wrong."
        )


def _organisation(api: Api, account: Account, now: datetime) -> Iterator[CheckLine]:
    number = account.organisation
    reply = _read(api, f"/organization/{quote(number, safe='')}", [("include_validation", "true")])
    if reply.refused:
        yield _bad(
            f"The organisation {number} is not in this account: {quoted(reply.code, reply.words)} Choose another."
        )
        return
    name, status = text(child(reply.data, "name")), text(child(reply.data, "status"))
    if status not in {"", "active"}:
        yield _bad(f"The organisation “{name}” is {status}. Activate it in CertCentral, or choose another.")
    until = {text(row.get("type")).lower(): _validated(row, now) for row in rows(reply.data, "validations")}
    for kind, product in (("ov", account.product_ov), ("ev", account.product_ev)):
        if product:
            yield _validation_line(name, kind, until.get(kind), needed=kind == "ov" or not account.product_ov)


def _validation_line(name: str, kind: str, until: datetime | None, *, needed: bool) -> CheckLine:
    if until is not None:
        return _good(f"The organisation “{name}” is validated for {kind.upper()} until {until:%-d %B %Y}.")
    words = (
        f"The organisation “{name}” is not validated for {kind.upper()} now: {kind.upper()} orders would wait for it."
    )
    return CheckLine(ok=not needed, text=words)


def _validated(row: dict[str, Any], now: datetime) -> datetime | None:
    """Until when a validation holds; None when it does not hold now. Times without an offset are UTC."""
    value = text(row.get("validated_until"))
    until = moment(value) or moment(f"{value.replace(' ', 'T')}+00:00")
    holds = until is not None and until > now and text(row.get("status")) in {"", "active"}
    return until.astimezone(UTC) if until is not None and holds else None


def _products(api: Api, account: Account) -> Iterator[CheckLine]:
    for kind, product, ca in ((OV, account.product_ov, account.ca_ov), (EV, account.product_ev, account.ca_ev)):
        if product:
            yield from _product(api, kind, product, ca)
    if not account.product_ov and not account.product_ev:
        yield _bad("No product is set, so nothing can be ordered. Set one for OV-SSL, EV-SSL or both.")


def _product(api: Api, kind: str, product: str, ca: str) -> Iterator[CheckLine]:
    reply = _read(api, f"/product/{quote(product, safe='')}")
    if reply.refused:
        yield _bad(
            f"This key may not order the product “{product}” for {kind}: {quoted(reply.code, reply.words)} Choose "
            f"another, or leave the field empty if no {kind} certificates are ordered here."
        )
        return
    yield _good(f"This key may order {text(child(reply.data, 'name')) or product} ({product}) for {kind}.")
    allowed = {text(row.get("id")) for row in rows(reply.data, "allowed_ca_certs")}
    if ca and ca not in allowed:
        yield _bad(f"The product “{product}” is not issued by the CA {ca}. Choose another, or leave it to {TITLE}.")


def _container(api: Api, account: Account) -> Iterator[CheckLine]:
    if not account.container:
        return
    reply = _read(api, f"/container/{quote(account.container, safe='')}")
    if reply.refused:
        yield _bad(f"The division {account.container} is not this key's: {quoted(reply.code, reply.words)}")
    else:
        yield _good(f"Orders go to the division “{text(child(reply.data, 'name'))}”.")


# ------------------------------------------------------------------- choices
def _listed(api: Api, path: str, member: str) -> Iterator[tuple[str, str]]:
    """One page of up to 1000 is enough for a list to choose from; free text is taken too."""
    for row in rows(_allowed(api, path, [("limit", "1000")]), member):
        number, place = text(row.get("id")), text(row.get("city"))
        if number and text(row.get("status")) in {"", "active"} and row.get("is_active") is not False:
            yield (
                number,
                f"{text(row.get('name'))}, {place} ({number})" if place else f"{text(row.get('name'))} ({number})",
            )


def _offered(api: Api) -> Iterator[tuple[str, str]]:
    for row in rows(_allowed(api, "/product", []), "products"):
        name = text(row.get("name_id"))
        if name and text(row.get("type")) in {"", "ssl_certificate", "private_ssl_certificate"}:
            yield name, f"{text(row.get('name'))} ({name})"


def _cas(api: Api, product: str) -> Iterator[tuple[str, str]]:
    if product:
        for row in rows(_allowed(api, f"/product/{quote(product, safe='')}", []), "allowed_ca_certs"):
            yield text(row.get("id")), text(row.get("name"))


def _allowed(api: Api, path: str, params: Sequence[tuple[str, str]]) -> Any:
    reply = _read(api, path, params)
    if reply.refused:
        raise Transient(f"{TITLE} does not list this: {quoted(reply.code, reply.words)}")
    return reply.data


def _read(api: Api, path: str, params: Sequence[tuple[str, str]] = ()) -> Reply:
    return api.read(path, params, may_lack_right=True)


def _good(sentence: str) -> CheckLine:
    return CheckLine(ok=True, text=sentence)


def _bad(sentence: str) -> CheckLine:
    return CheckLine(ok=False, text=sentence)
