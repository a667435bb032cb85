"""The account key of ACME and what it signs: JWS in flattened JSON (RFC 8555 §6.2, RFC 7515)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import jwa
from josepy.jwk import JWK, JWKEC, JWKRSA
from josepy.util import ComparableECKey, ComparableRSAKey

_RSA_BITS: Final = 3072
KEY_TYPES: Final = (("ES256", "ECDSA P-256 (ES256)"), ("ES384", "ECDSA P-384 (ES384)"), ("RS256", "RSA 3072 (RS256)"))
_ALGORITHMS: Final[Mapping[str, jwa.JWASignature]] = {
    "ES256": jwa.ES256,
    "ES384": jwa.ES384,
    "RS256": jwa.RS256,
}


@dataclass(frozen=True, kw_only=True)
class Signer:
    """An account key. `algorithm` is a name of RFC 7518 §3.1."""

    jwk: JWK = field(repr=False)
    algorithm: str

    @classmethod
    def new(cls, algorithm: str) -> Signer:
        """Make a key for one of KEY_TYPES."""
        if algorithm == "RS256":
            rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
            return cls(jwk=JWKRSA(key=ComparableRSAKey(rsa_key)), algorithm=algorithm)
        curve = ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1()
        ec_key = ec.generate_private_key(curve)
        return cls(jwk=JWKEC(key=ComparableECKey(ec_key)), algorithm=algorithm)

    @classmethod
    def loads(cls, text: str) -> Signer:
        """Read what `dumps` wrote."""
        kept = json.loads(text)
        jwk = JWK.from_json(kept["key"])
        assert isinstance(jwk, JWK)
        return cls(jwk=jwk, algorithm=kept["algorithm"])

    def dumps(self) -> str:
        """Write the private key, for keeping under seal."""
        return json.dumps({"algorithm": self.algorithm, "key": self.jwk.to_json()})

    def public(self) -> dict[str, Any]:
        """The public key as JWK (RFC 7517)."""
        shown: dict[str, Any] = self.jwk.public_key().to_json()
        return shown

    def key_authorization(self, token: str) -> str:
        """The answer to a challenge (RFC 8555 §8.1)."""
        return f"{token}.{b64(self.jwk.thumbprint())}"

    def sign(self, payload: Mapping[str, Any] | None, *, url: str, nonce: str, account: str) -> bytes:
        """Return the body of a request; `payload` None reads (§6.3); without `account` the key itself is sent."""
        who = {"kid": account} if account else {"jwk": self.public()}
        content = b"" if payload is None else json.dumps(payload).encode()
        return json.dumps(self._jws({"alg": self.algorithm, "nonce": nonce, "url": url, **who}, content)).encode()

    def _jws(self, header: Mapping[str, Any], payload: bytes) -> dict[str, str]:
        protected, content = b64(json.dumps(header).encode()), b64(payload)
        algorithm = _ALGORITHMS[self.algorithm]
        signature = algorithm.sign(self.jwk.key, f"{protected}.{content}".encode())
        return {"protected": protected, "payload": content, "signature": b64(signature)}

    def binding(self, *, key_id: str, mac_key: bytes, url: str) -> dict[str, str]:
        """Tie this key to an account that the CA knows otherwise (external account binding, §7.3.4)."""
        protected = b64(json.dumps({"alg": "HS256", "kid": key_id, "url": url}).encode())
        payload = b64(json.dumps(self.public()).encode())
        signature = jwa.HS256.sign(mac_key, f"{protected}.{payload}".encode())
        return {"protected": protected, "payload": payload, "signature": b64(signature)}


def dns_value(key_authorization: str) -> str:
    """What a TXT record must hold (§8.4)."""
    return b64(hashlib.sha256(key_authorization.encode()).digest())


def mac_key(text: str) -> bytes | None:
    """Read an EAB key in base64url, or in base64 as some CAs give it; None when it is neither."""
    plain = "".join(text.split()).translate(str.maketrans("+/", "-_")).rstrip("=")
    try:
        found = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return found or None


def b64(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
