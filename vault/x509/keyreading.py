"""Private keys and requests as they stand in files, made into what the vault can use.

The library loads every form of a key (PKCS#8, PKCS#1, SEC1) and checks that an RSA key's numbers fit together; what
it does not see is checked here and in `keychecks`. Runs in the parsing child.
"""

from __future__ import annotations

import warnings
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes

from vault.errors import UnreadableFile
from vault.x509 import asn1, keychecks
from vault.x509.found import FoundKey, FoundRequest
from vault.x509.keytypes import key_title, spki_sha256
from vault.x509.library import is_refusal, refusing

_RSA_PARTS = 9
_RSA_PSS = "1.2.840.113549.1.1.10"
_PUBLIC_PART = 0x81
_CANNOT_SIGN = frozenset({"X25519", "X448", "ML-KEM-768", "ML-KEM-1024", "DH"})
MAX_BITS = 8192
"""Of an RSA key whose private part is brought; the time to check one grows with the third power."""
_LIBRARY_BITS, _LONG_KEY, _BASES = 4096, 160, (2, 3)
_ALGORITHMS = {
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.113549.1.1.1": "RSA",
    _RSA_PSS: "RSA-PSS",
    "1.2.840.113549.1.3.1": "Diffie-Hellman",
    "1.2.643.7.1.1.1.1": "GOST",
    "1.2.643.7.1.1.1.2": "GOST",
    "1.2.643.2.2.19": "GOST",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "1.2.156.10197.1.301": "SM2",
}
_UNSIGNED = "This request is not signed by its own key, so it was damaged or changed. Make a new one."
_FAMILIES = {"2.16.840.1.101.3.4.3.": "post-quantum signature", "2.16.840.1.101.3.4.4.": "ML-KEM"}


def read_key(der: bytes) -> FoundKey:
    """A private key in any form, as PKCS#8, with the reason against it if there is one.

    Raises:
        UnreadableFile: it cannot be loaded; the sentence names its kind.
    """
    with refusing(UnreadableFile(_why_unreadable(der))), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of kinds that are on their way out
        key = _load(der)
        public = cast("CertificatePublicKeyTypes", key.public_key())  # one for Diffie-Hellman has a name too
        pkcs8 = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return FoundKey(
            pkcs8=pkcs8,
            spki_sha256=spki_sha256(public),
            title=_title(public, der),
            refusal=_mismatch(der, public) or why_refused(public, key),
        )


def read_request(der: bytes) -> FoundRequest:
    """A request with the reason against it if there is one. Raises UnreadableFile for one that cannot be read."""
    sentence = "A certificate request here is damaged and cannot be read. Copy it again, or make it again."
    with refusing(UnreadableFile(sentence)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        csr = x509.load_der_x509_csr(der)
        asn1.request_extensions(csr.tbs_certrequest_bytes)
        public = csr.public_key()
        return FoundRequest(
            der=der,
            spki_sha256=spki_sha256(public),
            title=_title(public, der),
            refusal=why_refused(public) if _is_signed(csr) else _UNSIGNED,
        )


def why_refused(public: CertificatePublicKeyTypes, private: PrivateKeyTypes | None = None) -> str:
    """What speaks against a key, whatever it is used for; "" for nothing."""
    if _title(public) in _CANNOT_SIGN:
        return f"A key of the kind {_title(public)} cannot sign, so no certificate request can be made with it."
    return keychecks.why_refused(public, private=private)


def modulus(pkcs8: bytes) -> int:
    """The modulus of an RSA key that `read_key` made, 0 for a key of another kind."""
    key = serialization.load_der_private_key(pkcs8, password=None, unsafe_skip_rsa_key_validation=True)
    return key.private_numbers().public_numbers.n if isinstance(key, rsa.RSAPrivateKey) else 0


def is_key(der: bytes) -> bool:
    """Whether this is a PrivateKeyInfo (RFC 5958 §2), going by its first members."""
    try:
        tags = [member.tag for member in asn1.sequence(der)]
    except ValueError:
        return False
    return tags[:3] == [asn1.INTEGER, asn1.SEQUENCE, asn1.OCTET_STRING]


def algorithm_of(der: bytes) -> str:
    """What people call the kind of a PKCS#8 key, its OID when nobody calls it anything, "" when it cannot be seen."""
    try:
        oid = asn1.oid(asn1.children(asn1.sequence(der)[1].content)[0])
    except (ValueError, IndexError):
        return ""
    family = [name for start, name in _FAMILIES.items() if oid.startswith(start)]
    return _ALGORITHMS.get(oid, family[0] if family else oid)


def rsa_bits(der: bytes) -> int:
    """The length of the modulus of an RSA key that is not loaded yet; 0 for a key of another kind."""
    try:
        members = asn1.sequence(asn1.sequence(der)[2].content if is_key(der) else der)
        return asn1.integer(members[1]).bit_length() if len(members) >= _RSA_PARTS else 0
    except (ValueError, IndexError):
        return 0


def work(der: bytes) -> int:
    """What checking a key costs: 8 for RSA 2048, about four milliseconds each; little for another kind."""
    bits = rsa_bits(der)
    return (bits // 1024) ** 3 if bits <= _LIBRARY_BITS else _LONG_KEY


def _load(der: bytes) -> PrivateKeyTypes:
    """Load a key and see that its numbers fit together; the library's own test takes seconds for a very long key."""
    der, bits = _first_version(der), rsa_bits(der)
    if bits > MAX_BITS:
        raise UnreadableFile(
            f"This RSA key has {bits:,} bits; {MAX_BITS:,} is the most that is read. Make a smaller one."
        )
    if bits <= _LIBRARY_BITS:
        return serialization.load_der_private_key(der, password=None)
    key = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, rsa.RSAPrivateKey) and not _fits_together(key.private_numbers()):
        raise ValueError("not an RSA key")
    return key


def _fits_together(numbers: rsa.RSAPrivateNumbers) -> bool:
    """RFC 8017 §3.2; that the factors are primes is tried with two bases."""
    p, q, d = numbers.p, numbers.q, numbers.d
    public = numbers.public_numbers
    return (
        p > 1 < q
        and p * q == public.n
        and (public.e * d - 1) % (p - 1) == (public.e * d - 1) % (q - 1) == 0
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
        and all(pow(base, prime - 1, prime) == 1 for prime in (p, q) for base in _BASES)
    )


def _why_unreadable(der: bytes) -> str:
    kind = algorithm_of(der) if is_key(der) else ""
    if kind and kind not in _ALGORITHMS.values():
        return f"This private key is of a kind that is not known here ({kind}). Use RSA or EC."
    what = f"A private key here ({kind})" if kind else "A private key here"
    return (
        f"{what} cannot be read: it is damaged, its parts do not belong together, or it is of an unusual form. "
        "Export it again."
    )


def _first_version(der: bytes) -> bytes:
    """A PKCS#8 key without its public part (RFC 5958 §2), which the library does not read; others unchanged."""
    members = _members(der) if is_key(der) else []
    if not any(member.tag == _PUBLIC_PART for member in members):
        return der
    kept = [member.whole for member in members[1:] if member.tag != _PUBLIC_PART]
    return asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.INTEGER, b"\x00") + b"".join(kept))


def _mismatch(der: bytes, public: CertificatePublicKeyTypes) -> str:
    """A PKCS#8 key may carry its public part: it has to be its own."""
    carried = [member for member in _members(der) if member.tag == _PUBLIC_PART]
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    if not carried or carried[0].content == _members(public.public_bytes(serialization.Encoding.DER, form))[1].content:
        return ""
    return "The public part that is stored with this private key belongs to another key. Export it again."


def _members(der: bytes) -> list[asn1.Element]:
    try:
        return asn1.sequence(der)
    except ValueError:
        return []


def _title(public: CertificatePublicKeyTypes, der: bytes = b"") -> str:
    if is_key(der) and algorithm_of(der) == "RSA-PSS":
        return key_title(public).replace("RSA", "RSA-PSS")
    return key_title(public).replace("MLKEM", "ML-KEM-")


def _is_signed(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except BaseException as error:
        if not is_refusal(error):
            raise
        return False
