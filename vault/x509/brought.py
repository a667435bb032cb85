"""A certificate request that was made elsewhere (PKCS#10, RFC 2986): what it asks for, judged like what people type.

A request is signed and cannot be changed: what is wrong with it takes a new one, and the sentences say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import idna
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from vault.errors import BadName, BadParameter
from vault.models.policy import AlternativeNames, KeyPolicy
from vault.x509 import asn1
from vault.x509.describing import read_extension
from vault.x509.extensions import (
    BASIC_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    SUBJECT_ALTERNATIVE_NAME,
    ca_and_path,
    find,
    read_rdns,
    subject_alternative_names,
)
from vault.x509.keychecks import why_refused
from vault.x509.keytypes import key_title, spki_sha256
from vault.x509.library import is_refusal, refusing
from vault.x509.names import check_names, group_names
from vault.x509.requests import KEY_USAGE_BITS, load_csr
from vault.x509.subjects import format_rdns, parse_subject
from vault.x509.visible import display

MOST_OCTETS = 150_000
"""The largest request kept: 500 names of the greatest length fit."""
RSA_SIZES = (2048, 3072, 4096)
CURVES = {"EC P-256": "P-256", "EC P-384": "P-384", "EC P-521": "P-521", "EC P-256K": "P-256K"}
_USED = frozenset({KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALTERNATIVE_NAME, BASIC_CONSTRAINTS})
_CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105 - the attribute's name (RFC 2985 §5.4.1)
_OLD_EXTENSIONS = "1.3.6.1.4.1.311.2.1.14"
_ATTRIBUTES = {
    "1.2.840.113549.1.9.2": "an unstructured name",
    "1.2.840.113549.1.9.8": "an unstructured address",
    "1.2.840.113549.1.9.15": "S/MIME capabilities",
    "1.3.6.1.4.1.311.13.2.2": "the Windows key provider",
    "1.3.6.1.4.1.311.13.2.3": "the Windows version",
    "1.3.6.1.4.1.311.21.20": "the Windows user and computer",
}
_WEAK = {
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
}
_STRANGE = {"dirname": "a directory name", "rid": "a registered ID", "other": "a name of another kind"}
_ATTRIBUTES_TAG = 0xA0
_MOST_LISTED = 6
_ANEW = "This request cannot be changed; make a new one."


@dataclass(frozen=True, kw_only=True)
class BroughtRequest:
    """A sound request as DER and what it asks for; `notes` are sentences about what a person should know.

    Names stand as they will be signed. Key usages and EKUs are empty where the request leaves them to the CA.
    """

    der: bytes
    subject: str
    names: AlternativeNames
    key: KeyPolicy
    key_usage: tuple[str, ...]
    ekus: tuple[str, ...]
    spki_sha256: str
    notes: tuple[str, ...] = ()


def read_brought(der: bytes) -> BroughtRequest:
    """Read one request, and refuse what no certificate here may have; every refusal has the field `csr`.

    Raises:
        UnreadableFile: not a DER request.
        BadName: its subject or a name cannot stand in a certificate, or it has neither.
        BadParameter: its signature does not show that the asker holds the key, the key is of a kind that is not taken
            here, or it asks for a CA certificate. Whether the key is weak is another question: `refuse_weak_key`.
    """
    if len(der) > MOST_OCTETS:
        raise _bad(f"This request has {len(der):,} octets; {MOST_OCTETS:,} is the most. Ask for fewer names.")
    csr = load_csr(der)
    public = _public_key(csr)
    key = _key(public)
    _check_signature(csr)
    with refusing(_bad("This request is damaged inside. Make it again.")):
        info = asn1.sequence(csr.tbs_certrequest_bytes)
        attributes = _attributes(info)
        asked = _extensions(csr, attributes)
        _refuse_ca(asked)
        subject, names = _subject(info[1]), _names(asked)
        key_usage, ekus = _key_usage(asked), _ekus(asked)
    if not subject and not names:
        raise BadName(f"This request has neither a subject nor a name. {_ANEW}", field="csr")
    return BroughtRequest(
        der=der,
        subject=subject,
        names=names,
        key=key,
        key_usage=key_usage,
        ekus=ekus,
        spki_sha256=spki_sha256(public),
        notes=(*_name_notes(subject, names), *_attribute_notes(attributes), *_extension_notes(asked)),
    )


def refuse_weak_key(der: bytes) -> None:
    """Refuse a request whose key is weak or broken; up to 0.15 s of work. Raises BadParameter, UnreadableFile."""
    refusal = why_refused(_public_key(load_csr(der)))
    if refusal:
        raise _bad(refusal)


def in_letters(name: str) -> str:
    """An internationalised host name as people read it: `münchen.example` for `xn--mnchen-3ya.example`, else ""."""
    if "xn--" not in name.lower():
        return ""
    local, at, host = name.rpartition("@")
    wildcard = "*." if host.startswith("*.") else ""
    try:
        return display(f"{local}{at}{wildcard}{idna.decode(host.removeprefix('*.'))}")
    except (idna.IDNAError, UnicodeError):
        return ""


def _bad(sentence: str) -> BadParameter:
    return BadParameter(sentence, field="csr")


@contextlib.contextmanager
def _in_request() -> Iterator[None]:
    """Say of a name or subject that is refused that it takes a new request."""
    try:
        yield
    except BadName as error:
        raise BadName(f"{error} {_ANEW}", field="csr") from None


# ------------------------------------------------------------- key, signature
def _public_key(csr: x509.CertificateSigningRequest) -> CertificatePublicKeyTypes:
    sentence = f"The key of this request is damaged, or of a kind that is not taken here. Use {_kinds_of_keys()}."
    with refusing(_bad(sentence)):
        return csr.public_key()


def _key(public: CertificatePublicKeyTypes) -> KeyPolicy:
    title = key_title(public)
    if isinstance(public, rsa.RSAPublicKey) and public.key_size in RSA_SIZES:
        return KeyPolicy(kty="RSA", size=public.key_size, exportable=False)
    if isinstance(public, ec.EllipticCurvePublicKey) and title in CURVES:
        return KeyPolicy(kty="EC", size=None, curve=CURVES[title], exportable=False)
    raise _bad(
        f"The key of this request is {title}. Certificates here are for {_kinds_of_keys()}: "
        "make such a key, and a new request with it."
    )


def _kinds_of_keys() -> str:
    *sizes, last_size = map(str, RSA_SIZES)
    *curves, last_curve = CURVES.values()
    return f"RSA keys of {', '.join(sizes)} or {last_size} bits and EC keys on {', '.join(curves)} or {last_curve}"


def _check_signature(csr: x509.CertificateSigningRequest) -> None:
    """Refuse a request that is not signed by the key in it: nobody has shown that they hold that key."""
    try:
        is_valid = csr.is_signature_valid
    except BaseException as error:
        if not is_refusal(error):
            raise
        is_valid = False
    if not is_valid:
        raise _bad(_why_unsigned(csr))


def _why_unsigned(csr: x509.CertificateSigningRequest) -> str:
    weak = _WEAK.get(csr.signature_algorithm_oid.dotted_string)
    if weak:
        return f"This request is signed with {weak}, which proves nothing any more. Make it again with SHA-256."
    return (
        "The signature of this request does not fit its key: it was changed or damaged on its way. "
        "Send it again as it was made, or make a new one."
    )


# ----------------------------------------------------------- what it asks for
def _attributes(info: Sequence[asn1.Element]) -> list[str]:
    """The dotted OIDs of the request's attributes (RFC 2986 §4.1)."""
    if info[-1].tag != _ATTRIBUTES_TAG:
        return []
    return [asn1.oid(asn1.children(one.content)[0]) for one in asn1.children(info[-1].content)]


def _extensions(csr: x509.CertificateSigningRequest, attributes: Sequence[str]) -> list[asn1.Extension]:
    """The extensions asked for; refused where two readers could see different ones."""
    if _OLD_EXTENSIONS in attributes:
        raise _bad(
            "This request names its extensions in an old way of Windows, which CAs read differently. "
            "Make it again with a current version of certreq or openssl."
        )
    asked = asn1.request_extensions(csr.tbs_certrequest_bytes)
    repeated = len({one.oid for one in asked}) < len(asked)
    if repeated or attributes.count(asn1.EXTENSION_REQUEST) > 1:
        raise _bad(f"This request asks for the same thing twice, and CAs would read it differently. {_ANEW}")
    return asked


def _refuse_ca(asked: Sequence[asn1.Extension]) -> None:
    value = find(asked, BASIC_CONSTRAINTS)
    if value is not None and ca_and_path(value)[0]:
        raise _bad(
            "This request asks for the certificate of a CA (basicConstraints CA:TRUE), which is not given here. "
            "Make a new one without it."
        )


def _subject(name: asn1.Element) -> str:
    text = format_rdns(read_rdns(name))
    if "\ufffd" in text:
        raise _bad(f"The subject of this request holds text that cannot be read. {_ANEW}")
    with _in_request():
        parse_subject(text)
    return text


def _names(asked: Sequence[asn1.Extension]) -> AlternativeNames:
    pairs = list(dict.fromkeys(subject_alternative_names(asked)))
    strange = next((_STRANGE[kind] for kind, _ in pairs if kind in _STRANGE), "")
    if strange:
        raise BadName(f"This request asks for {strange}, which nobody here could check. {_ANEW}", field="csr")
    names = group_names(pairs)
    with _in_request():
        check_names(names)
    return names


def _key_usage(asked: Sequence[asn1.Extension]) -> tuple[str, ...]:
    value = find(asked, KEY_USAGE)
    bits = [] if value is None else asn1.bits(asn1.read(value))
    return tuple(KEY_USAGE_BITS[bit] for bit in bits if bit < len(KEY_USAGE_BITS))


def _ekus(asked: Sequence[asn1.Extension]) -> tuple[str, ...]:
    value = find(asked, EXTENDED_KEY_USAGE)
    return () if value is None else tuple(dict.fromkeys(asn1.oid(one) for one in asn1.sequence(value)))


# ----------------------------------------------------------------------- notes
def _name_notes(subject: str, names: AlternativeNames) -> Iterator[str]:
    if subject and not names:
        yield "It asks for no alternative names. Browsers look at nothing else, and many CAs refuse such a request."


def _attribute_notes(attributes: Sequence[str]) -> Iterator[str]:
    if _CHALLENGE_PASSWORD in attributes:
        yield "It carries a challenge password. That is not used here, and whoever sees the request can read it."
    others = [one for one in attributes if one not in {asn1.EXTENSION_REQUEST, _CHALLENGE_PASSWORD}]
    if others:
        titles = (_ATTRIBUTES.get(one, f"the attribute {one}") for one in others)
        yield f"It also carries {_listed(titles)}: not used here."


def _extension_notes(asked: Sequence[asn1.Extension]) -> Iterator[str]:
    others = [read_extension(one) for one in asked if one.oid not in _USED]
    if others:
        titles = (one.oid if one.name == "Unknown extension" else one.name for one in others)
        yield f"It also asks for {_listed(titles)}. The portal does not look at that; the CA decides about it."


def _listed(words: Iterator[str]) -> str:
    each = list(dict.fromkeys(words))
    more = len(each) - _MOST_LISTED
    return ", ".join(each[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
