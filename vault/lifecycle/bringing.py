"""Taking a certificate request that was made elsewhere, so that its private key never comes here."""

from collections.abc import Sequence
from dataclasses import replace

from vault import policies
from vault.errors import BadParameter, KeyExposed, PolicyViolation, UnreadableFile
from vault.models.policy import SELF, LifetimeAction, LifetimeActionType, Policy
from vault.x509 import parsing
from vault.x509.brought import BroughtRequest, read_brought, refuse_weak_key
from vault.x509.found import Found, FoundFile, Upload


class IsCertificate(UnreadableFile):
    """A certificate came where a request is asked for."""


def read_request(files: Sequence[Upload]) -> BroughtRequest:
    """Find the one request in what a person sent, and read it; every refusal has a field, `csr` unless said otherwise.

    Raises:
        KeyExposed: a private key is among it. Nothing was kept.
        IsCertificate: there is a certificate instead of a request.
        UnreadableFile: there is no request, or one that cannot be read.
        BadParameter: there are several, or what `read_brought` refuses; field `file`: too large, too many files.
        TooMany: too many files are being read at this moment.
    """
    found = parsing.read_files(files)
    if found.holds_private_key:
        raise KeyExposed(
            "This holds a private key. Nothing of it was kept, but a key that was sent should be treated as exposed: "
            "make a new key, and a request with it. Then send the request alone.",
            field="csr",
        )
    if len(found.requests) > 1:
        raise BadParameter(
            f"These are {len(found.requests)} different requests. Send one; each becomes a certificate of its own.",
            field="csr",
        )
    for request in found.requests:
        if request.refusal:
            raise BadParameter(request.refusal, field="csr")
        brought = read_brought(request.der)
        return replace(brought, notes=(*_notes_beside(found), *brought.notes))
    raise _nothing(found)


def settled(csr: bytes, base: Policy) -> Policy:
    """Return the policy that a request (DER) makes of `base`; the last word before it is kept.

    Raises PolicyViolation, BadName, BadParameter.
    """
    refuse_weak_key(csr)
    return policy_for(read_brought(csr), base)


def policy_for(brought: BroughtRequest, base: Policy) -> Policy:
    """Return `base` with what the request has settled: subject, names, key and usages.

    The key is not here: it cannot be downloaded or used again, and no version can be made without a person, so that
    people are told, when `base` says or at the usual share of the lifetime. Raises PolicyViolation.
    """
    if base.issuer_name.lower() == SELF.lower():
        raise PolicyViolation(
            "A self-signed certificate is signed with its own key, and the key of this request is not here. "
            "Choose another issuer.",
            field="issuer_name",
        )
    return replace(
        base,
        key=brought.key,
        subject=brought.subject,
        names=brought.names,
        key_usage=brought.key_usage,
        ekus=brought.ekus,
        lifetime_actions=_notices(base),
    )


def _notices(policy: Policy) -> tuple[LifetimeAction, ...]:
    told = LifetimeActionType.EMAIL_CONTACTS
    given = tuple(rule for rule in policy.lifetime_actions if rule.action == told)
    return given or (LifetimeAction(action=told, lifetime_percentage=policies.DEFAULT_PERCENTAGE),)


def _notes_beside(found: Found) -> list[str]:
    notes = [file.refusal for file in found.refusals]
    if found.certificates:
        notes.append("Beside the request there were certificates. They are not used here.")
    return notes


def _nothing(found: Found) -> UnreadableFile:
    if found.certificates:
        return IsCertificate("This is a certificate, not a request for one.", field="csr")
    for file in found.files:
        if file.refusal:
            return UnreadableFile(file.refusal, field="csr")
    return UnreadableFile(f"{_what_it_is(found.files)} {_NEEDED}", field="csr")


def _what_it_is(files: Sequence[FoundFile]) -> str:
    kind = files[0].looks_like if files else "an empty file"
    verb = "is" if kind == "an empty file" else "looks like"
    return f"This {verb} {kind}."


_NEEDED = (
    "What is needed is a certificate request (PKCS#10): a .csr, .req or .p10 file, or its text with the line "
    "-----BEGIN CERTIFICATE REQUEST-----."
)
